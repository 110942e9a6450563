"""A module checked whole before it is trained: does it run, learn, and become hardware?"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from subbit.boards import Board
from subbit.sw.errors import FitError, NetworkError
from subbit.sw.importers.torch.export import Exported, export_module
from subbit.sw.importers.torch.tracing import Places, evaluating, raised_at, users_place
from subbit.sw.ir import Argmax, Network, TensorType
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.nn import layers
from subbit.sw.nn.class_map import exportable
from subbit.sw.nn.loop import class_scores
from subbit.sw.planner import Planned, plan_for
from subbit.sw.planner.search import lacking
from subbit.sw.train.model_file import said_by

__all__ = ["Checked", "check_model"]

BATCH = 2
# More of them, as a BatchNorm of two numbers gives -1 and +1, where a sign has no gradient.
LEARNING = 16
FLOAT_LAYERS = {
    nn.Conv2d: "BinaryConv2d, or QuantConv2d with bits",
    nn.Linear: "BinaryLinear, or QuantLinear with bits",
}


@dataclass(frozen=True, eq=False)
class Checked:
    """A module's network, untrained, and its plan for the board if there is one."""

    exported: Exported
    planned: Planned | None

    @property
    def network(self) -> Network:
        """The network."""
        return self.exported.network


def check_model(
    module: nn.Module,
    input_type: TensorType,
    classes: int | None = None,
    *,
    name: str = "model",
    places: Places | None = None,
    board: Board | None = None,
    training: bool = True,
    maps: bool = False,
) -> Checked:
    """Raise NetworkError or FitError for the first thing that would keep ``module`` from being
    trained on codes of ``input_type``, or its network from the ``board``; with the file and line of
    the user's code that is at fault, where ``places`` or a traceback tell.

    ``classes``: how many logits there must be, None for any number. ``training``: whether gradients
    are checked, too. ``maps``: a class is wanted for each pixel, of logits
    ``(batch, classes, height, width)``. The module stays as it is.
    """
    check = Check(module, input_type, places or {}, maps)
    logits = check.runs()
    check.gives(logits, classes)
    check.has_few_bits()
    if training:
        check.learns(int(logits.shape[1]))
    exported = export_module(exportable(module, maps), input_type, name, places=places)
    check.ends(exported)
    smallest_plan(exported.network)
    planned = None
    if board is not None:
        planned = plan_for(exported.network, board)
        check_fit(name, planned)
    return Checked(exported, planned)


class Check:
    """The steps of check_model."""

    def __init__(
        self, module: nn.Module, input_type: TensorType, places: Places, maps: bool = False
    ) -> None:
        self.module, self.input_type, self.places = module, input_type, places
        self.maps = maps
        self.names = {id(part): name for name, part in module.named_modules()}
        self.kind = type(module).__name__
        self.used: set[int] = set()

    def named(self, part: nn.Module) -> str:
        """``file:line: layer 'name' (Kind)``."""
        place = self.places.get(id(part)) or (forward_place(part) if part is self.module else "")
        where = f"{place}: " if place else ""
        name = self.names.get(id(part), "")
        return f"{where}layer {name!r} ({type(part).__name__})" if name else f"{where}{self.kind}"

    def frames(self, count: int = BATCH) -> Tensor:
        """A batch of random codes."""
        height, width, channels = self.input_type.shape
        draw = torch.Generator().manual_seed(1)
        shape = (count, channels, height, width)
        return torch.randint(0, self.input_type.high + 1, shape, generator=draw).float()

    def runs(self) -> Tensor:
        """The module's result for a batch."""
        frames = self.frames()
        with evaluating(self.module), torch.no_grad(), entered(self.module, self.used) as stack:
            try:
                result: Any = self.module(frames)
            except Exception as error:
                raise NetworkError(self.fault(error, stack)) from None
        if not isinstance(result, Tensor):
            raise NetworkError(
                f"{self.named(self.module)} returns {type(result).__name__}; its forward must "
                "return the logits alone, one tensor (batch, classes)"
            )
        return result

    def fault(self, error: Exception, stack: list[tuple[nn.Module, Any]]) -> str:
        """Why the module raised: by the layer that it was in, or by the line of the user's code."""
        at = raised_at(error)
        if not stack or isinstance(error, NetworkError):
            return f"{said_by(error)}; mend the forward of {self.kind}"
        part, x = stack[-1]
        called = "" if id(part) in self.places else at
        reason = misfit(part, x)
        if reason is None and type(part).__module__.startswith(("torch.", "subbit.")):
            reason = f"{' '.join(str(error).split())[:200]}; its input has the shape {shape_of(x)}"
        if reason is None:
            return f"{said_by(error)}; mend the forward of {self.kind}"
        return f"{called}{self.named(part)}: {reason}"

    def gives(self, logits: Tensor, classes: int | None) -> None:
        """Raise NetworkError unless the result is a row of logits for each image, or pixel."""
        shape = tuple(logits.shape)
        whole = f"{self.named(self.module)}: its result has the shape {shape} for {BATCH} images"
        if not logits.is_floating_point():
            raise NetworkError(f"{whole}, of {logits.dtype}; return the logits, not the class")
        if not shape or shape[0] != BATCH:
            raise NetworkError(
                f"{whole}: the batch is lost; keep it as the first side: torch.flatten(x, 1), "
                "x.view(x.size(0), -1)"
            )
        height, width, _ = self.input_type.shape
        if self.maps and (len(shape) != 4 or shape[2:] != (height, width)):
            raise NetworkError(
                f"{whole}; the data have a class for each of {height}x{width} pixels: give a "
                "number for each class and pixel, (batch, classes, height, width)"
            )
        if not self.maps and (len(shape) < 2 or logits[0].numel() != shape[1]):
            raise NetworkError(
                f"{whole}; give one number for each class, (batch, classes): flatten the map, or "
                "average it with GlobalAvgPool"
            )
        if classes is not None and shape[1] != classes:
            raise NetworkError(
                f"{whole}: {shape[1]} logits, and the data have {classes} classes; make the last "
                f"layer give {classes}"
            )

    def has_few_bits(self) -> None:
        """Raise NetworkError where a layer of torch has real weights."""
        for part in self.module.modules():
            for kind, instead in FLOAT_LAYERS.items():
                if type(part) is kind:
                    raise NetworkError(
                        f"{self.named(part)} is a float layer: its weights are real numbers, and "
                        f"hardware has weights of 1 to 8 bits; use {instead}"
                    )

    def learns(self, classes: int) -> None:
        """Raise NetworkError where no gradient reaches a layer's weights; on a copy."""
        twin = copy.deepcopy(self.module).train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            try:
                logits = class_scores(twin(self.frames(LEARNING)))
                count = logits.numel() // logits.shape[1]
                wanted = (torch.arange(count) % classes).reshape(LEARNING, *logits.shape[2:])
                torch.autograd.backward(functional.cross_entropy(logits, wanted))
            except Exception as error:
                text = said_by(error)
                raise NetworkError(f"in training: {text}; mend {self.kind}") from None
        pairs = list(zip(self.module.modules(), twin.modules(), strict=True))
        # The last one: what keeps the gradient from all layers before it stands behind it.
        for own, part in reversed(pairs):
            if not isinstance(part, layers.DotLayer) or id(own) not in self.used:
                continue
            rows = [row.grad for row in part.parameters() if row.requires_grad]
            if rows and not any(grad is not None and bool(grad.any()) for grad in rows):
                raise NetworkError(
                    f"{self.named(own)} does not learn: no gradient reaches its weights; behind it "
                    "use a BatchNorm and SignActivation or QuantActivation, as torch's sign and "
                    "round have no gradient"
                )

    def ends(self, exported: Exported) -> None:
        """Raise NetworkError unless the network ends in the class of integer logits."""
        nodes, end = exported.result.network.nodes, exported.result.end
        what = self.named(self.module)
        if not self.maps and end.gives in ("ranks", "class"):
            raise NetworkError(
                f"{what} ends in a Softmax or a choice; training takes the logits themselves: "
                "leave it out"
            )
        if not isinstance(nodes[-1].layer, Argmax):
            raise NetworkError(f"{what} does not end in logits; end with a linear layer")
        if nodes[-2].name.startswith("sum"):
            raise NetworkError(
                f"{what} ends in an activation, so that most logits are equal; leave the last "
                "activation out"
            )


def forward_place(module: nn.Module) -> str:
    """``file:line`` of a user's forward, or nothing."""
    code = getattr(type(module).forward, "__code__", None)
    if code is None or type(module).__module__.startswith(("torch.", "subbit.")):
        return ""
    return users_place(code.co_filename, code.co_firstlineno)


def check_fit(name: str, planned: Planned) -> None:
    """Raise FitError where the plan takes more than the board has."""
    device = planned.board.device
    missing = lacking(planned.design, device.cells)
    if missing:
        rows = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in missing.items())
        raise FitError(
            f"{name} does not fit {planned.board.name}: {rows} too many; 'subbit preview' shows "
            "what each layer takes"
        )


@contextmanager
def entered(module: nn.Module, used: set[int]) -> Iterator[list[tuple[nn.Module, Any]]]:
    """The modules that are being evaluated, outermost first, each with its first argument; ``used``
    gets the ``id`` of each.
    """
    stack: list[tuple[nn.Module, Any]] = []

    def enter(part: nn.Module, given: tuple[Any, ...]) -> None:
        used.add(id(part))
        stack.append((part, given[0] if given else None))

    def leave(part: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        stack.pop()

    parts = list(module.modules())
    hooks = [part.register_forward_pre_hook(enter) for part in parts]
    hooks += [part.register_forward_hook(leave) for part in parts]
    try:
        yield stack
    finally:
        for hook in hooks:
            hook.remove()


def shape_of(x: Any) -> str:
    """The shape of a tensor in words."""
    return str(tuple(x.shape)) if isinstance(x, Tensor) else type(x).__name__


def misfit(part: nn.Module, x: Any) -> str | None:
    """Why a layer cannot take what it is given; None where that is not the reason."""
    if not isinstance(x, Tensor):
        return f"its input is {type(x).__name__}, not a tensor; call it with one tensor"
    shape = tuple(x.shape)
    if not shape or shape[0] != BATCH:
        return (
            f"its input has the shape {shape} for {BATCH} images: the batch is lost; keep it as "
            "the first side: torch.flatten(x, 1), x.view(x.size(0), -1)"
        )
    if isinstance(part, layers.CodedConv2d | nn.Conv2d):
        wanted, sides = inputs_of(part) * part.groups, "(batch, channels, height, width)"
        if len(shape) != 4:
            return f"its input has the shape {shape}; convolve maps, {sides}"
        if shape[1] != wanted:
            return f"it takes {wanted} channels and is given {shape[1]}; make both equal"
    if isinstance(part, layers.CodedLinear | nn.Linear):
        wanted = inputs_of(part)
        if len(shape) > 2:
            return f"its input is a map, {shape}; put Flatten before it"
        if shape[-1] != wanted:
            return f"it takes {wanted} inputs and is given {shape[-1]}; make both equal"
    if isinstance(part, _BatchNorm) and shape[1] != part.num_features:
        return f"it takes {part.num_features} channels and is given {shape[1]}; make both equal"
    if isinstance(part, layers.Flatten | layers.MaxPool2d | nn.MaxPool2d) and len(shape) != 4:
        return f"its input has the shape {shape}; it takes maps (batch, channels, height, width)"
    return None


def inputs_of(part: layers.DotLayer | nn.Conv2d | nn.Linear) -> int:
    """The inputs of each of a layer's outputs, without the kernel."""
    shape = part.encoder.shape if isinstance(part, layers.DotLayer) else part.weight.shape
    return int(shape[1])
