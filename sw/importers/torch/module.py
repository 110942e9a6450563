"""From a torch module to a Network: traced by torch.fx, node by node."""

import operator
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from subbit.sw.errors import NetworkError
from subbit.sw.importers.agree import Tensors
from subbit.sw.importers.api import (
    ImportResult,
    check_import,
    require_agreement,
    with_dataset,
)
from subbit.sw.importers.exact.codes import codes_on_demand
from subbit.sw.importers.exact.ending import finish_network
from subbit.sw.importers.exact.guard import guarded
from subbit.sw.importers.exact.lined import check_bits, requantised
from subbit.sw.importers.exact.mark import End
from subbit.sw.importers.exact.network_builder import NetworkBuilder, whole_input
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.picking import Ended
from subbit.sw.importers.exact.pixels import PIXELS, Pixels
from subbit.sw.importers.exact.value import Value, fill
from subbit.sw.importers.report import deviations
from subbit.sw.importers.torch.choice_rules import PROPERTIES
from subbit.sw.importers.torch.ending_rules import ending
from subbit.sw.importers.torch.fake_quantised import explicit
from subbit.sw.importers.torch.function_rules import FUNCTIONS, METHODS
from subbit.sw.importers.torch.layout import layout_of
from subbit.sw.importers.torch.tracing import RULES, Places, evaluating, operation, trace
from subbit.sw.ir import INPUT, Encoding, Network, TensorType

__all__ = ["from_torch", "import_torch"]

Images = NDArray[np.uint8]


def from_torch(
    module: nn.Module,
    example: Tensor,
    *,
    name: str = "network",
    span: tuple[float, float] = (0.0, 1.0),
    bits: int = 8,
    metadata: dict[str, Any] | None = None,
    even_if_different: bool = False,
    fixed: int | None = None,
) -> Network:
    """The network of import_torch, compared with the module on 20 images of noise.

    What the comparison found stands in the metadata under ``import``. Raises NetworkError, naming
    the first thing that the importer cannot take, and DifferentError where a class or a number
    differs from the module's, unless ``even_if_different``. ``fixed``: see import_torch.
    """
    given: dict[str, Any] = {"name": name, "span": span, "bits": bits, "metadata": metadata}
    result = import_torch(module, example, fixed=fixed, **given)
    report = check_import(result)
    network = result.network
    if not even_if_different:
        require_agreement(network, report)
    found = {**report["notes"], "agreement": report["agreement"]}
    if result.notes.get("fixed"):
        found["deviations"] = deviations(report)
    notes = {**network.metadata, "import": found}
    return Network(network.name, network.input_type, network.nodes, notes)


def import_torch(
    module: nn.Module,
    example: Tensor,
    *,
    name: str = "network",
    span: tuple[float, float] = (0.0, 1.0),
    bits: int = 8,
    metadata: dict[str, Any] | None = None,
    codes: bool = False,
    places: Places | None = None,
    fixed: int | None = None,
) -> ImportResult:
    """The network that computes what ``module`` does in eval mode, and how to compare them.

    ``module``: a Sequential, or any module that torch.fx can trace, of the layers of
    subbit.sw.nn.layers and joins and of torch's own: convolutions and linear layers whose weights
    are few-bit integers times a factor an output, BatchNorm, ReLU and its kin, pooling, additions;
    or a module that torch.ao prepared for quantisation-aware training.
    ``example``: an input ``(1, c, h, w)`` or ``(1, n)``, of which the shape is taken. ``span``: the
    module's input for codes 0 and ``2**bits - 1``; a code is a pixel's top ``bits`` bits. With
    ``codes`` the module reads codes that somebody else makes of pixels: maps have their channels
    first, and what quantises the input is a layer. ``places``: where modules were created, for
    messages. ``fixed``: the bits, 2 to 24, of paths that no integers stand for exactly.

    Raises NetworkError, naming the first thing that it cannot take.
    """
    check_finite(module)
    module = explicit(module)
    with evaluating(module):
        root, graph = trace(module)
        builder = NetworkBuilder(Pixels(), codes_on_demand, check_bits(fixed), requantised)
        last = False if codes else layout_of(root, graph)
        start = source_value(tuple(example.shape), span, bits, builder, last=last)
        if codes and bits == 8:
            builder.pixels.take_raw(start.kind.channels)
            start = replace(start, raw=False)
        end = Walk(root, graph, builder, start, places).run()
    dataset = {**(metadata or {}).get("dataset", {}), "preprocess": preprocess_of(builder, bits)}
    network = builder.network(name, {**(metadata or {}), "dataset": dataset})
    if "name" not in dataset:
        network, _ = with_dataset(network, None)
    reals = reals_of(span, bits)
    run = recorder(root, graph, lambda images: reals[images >> (8 - bits)], start)
    return ImportResult(
        network,
        builder.all_marks(network),
        lambda batch: (run, batch),
        end,
        builder.folded,
        builder.all_notes(network),
        said=builder.said,
    )


def check_finite(module: nn.Module) -> None:
    """Raise NetworkError if a parameter or buffer is NaN or infinite."""
    for name, value in module.state_dict().items():
        if not torch.isfinite(value).all():
            raise NetworkError(
                f"parameter {name!r} holds NaN or infinite numbers; "
                "train again with a lower learning rate"
            )


def source_value(
    shape: tuple[int, ...],
    span: tuple[float, float],
    bits: int,
    builder: NetworkBuilder,
    *,
    last: bool | None = None,
) -> Value:
    """The module's input: pixels, or their top bits as codes."""
    if not 1 <= bits <= 8 or not span[0] < span[1]:
        raise NetworkError(
            f"codes have 1 to 8 bits and a rising span, not {bits} bits and {span}; name others"
        )
    low, high = Fraction(float(span[0])), Fraction(float(span[1]))
    value = whole_input((1, *shape[1:]), low, high, last=last)
    if bits < 8:
        height, width, channels = value.kind.shape
        kind = TensorType.codes(height, width, channels, bits, Encoding.UNSIGNED)
        step = fill(channels, (high - low) / ((1 << bits) - 1))
        value = replace(value, kind=kind, scale=step, raw=False)
        builder.pixels.table = np.tile(PIXELS >> (8 - bits), (channels, 1))
        builder.pixels.bits = bits
    builder.types[INPUT] = value.kind
    return value


def reals_of(span: tuple[float, float], bits: int) -> NDArray[np.float32]:
    """The module's input for each code, rounded once."""
    top = (1 << bits) - 1
    low, high = Fraction(float(span[0])), Fraction(float(span[1]))
    numbers = [float(low + (high - low) * code / top) for code in range(top + 1)]
    return np.array(numbers).astype(np.float32)


def preprocess_of(builder: NetworkBuilder, bits: int) -> dict[str, Any]:
    """How the host makes codes of pixels."""
    if builder.pixels.table is None:
        raise NetworkError("the module's output does not depend on its input; give another")
    return {"bits": bits, "shift": 8 - bits} if bits < 8 else builder.pixels.preprocess()


class Walk:
    """Applies the rule of every node of a traced graph."""

    def __init__(
        self,
        module: nn.Module,
        graph: fx.Graph,
        builder: NetworkBuilder,
        start: Value,
        places: Places | None = None,
    ) -> None:
        self.module, self.graph, self.builder, self.places = module, graph, builder, places
        self.known: dict[str, Any] = {}
        self.start = start

    def run(self) -> End:
        """Convert all nodes; returns where the module ends."""
        last: tuple[Any, str] | None = None
        op = Op("output", "output", (), ("output",), {})
        for node in self.graph.nodes:
            if node.op == "placeholder":
                if self.known:
                    raise NetworkError("the module takes several inputs; a network takes one image")
                self.known[node.name] = self.start
            elif node.op == "output":
                (source,) = node.args
                last = (self.result(source), str(source))
            else:
                op = operation(node, self.module, self.places)
                self.builder.said[op.name] = str(op)
                self.known[node.name] = guarded(op, partial(self.step, node, op))
        if last is None or not isinstance(last[0], Value | Ended):
            raise NetworkError("the module must return one tensor that depends on its input")
        return guarded(op, partial(finish_network, self.builder, op, *last))

    def result(self, argument: Any) -> Any:
        """What an argument of a node stands for."""
        return fx.node.map_arg(argument, lambda node: self.known[node.name])

    def step(self, node: fx.Node, op: Op) -> Any:
        """The result of one node."""
        if node.op == "get_attr":
            return operator.attrgetter(str(node.target))(self.module)
        args, named = self.result(node.args), self.result(node.kwargs)
        part = None
        if node.op == "call_module":
            part = self.module.get_submodule(str(node.target))
        ended = ending(op, node.target, part, args, named)
        if ended is not None:
            return ended
        if part is not None:
            return self.by_module(op, part, args, named)
        if node.target is getattr and str(args[1]) in PROPERTIES:
            known = isinstance(args[0], Value)
            return PROPERTIES[args[1]](args[0]) if known else getattr(args[0], args[1])
        if node.target is operator.getitem and not isinstance(args[0], Value):
            return args[0][args[1]]
        table: dict[Any, Any] = FUNCTIONS if node.op == "call_function" else METHODS
        rule = table.get(node.target)
        if rule is None:
            raise op.refuse(
                "there is no rule for it", "use the functions that docs/use/import.md lists"
            )
        given = [
            inner
            for x in (*args, *named.values())
            for inner in (x if isinstance(x, tuple | list) else (x,))
        ]
        if not any(isinstance(x, Value) for x in given):
            if isinstance(node.target, str):
                return getattr(args[0], node.target)(*args[1:], **named)
            return node.target(*args, **named)
        made = rule(self.builder, op, *args, **named)
        if isinstance(made, Value):
            self.builder.spend(op, made)
        return made

    def by_module(
        self, op: Op, module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        """The result of a module."""
        for kinds, rule in RULES:
            if isinstance(module, kinds) and len(args) == 1 and not named:
                made = rule(self.builder, op, module, *args)
                self.builder.spend(op, made)
                return made
        hint = "replace it"
        if "brevitas" in type(module).__module__:
            hint = "export it with brevitas to QONNX, and use subbit import"
        raise op.refuse("there is no rule for it", hint)


class Recorder(fx.Interpreter):
    """Runs a traced module and keeps the result of every node."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.kept: Tensors = {}

    def run_node(self, n: fx.Node) -> Any:
        """See fx.Interpreter."""
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.kept[n.name] = result.detach().cpu().numpy()
        return result


def recorder(
    module: nn.Module,
    graph: fx.Graph,
    reals: Callable[[Images], NDArray[np.float32]],
    start: Value,
) -> Callable[[Images], Tensors]:
    """From images ``[n][h][w][c]`` to the result of every node of the module."""
    traced = fx.GraphModule(module, graph)
    shape = start.index.shape

    def run(images: Images) -> Tensors:
        """The module on images."""
        x = reals(images).reshape(len(images), -1)[:, start.index.reshape(-1)]
        keeper = Recorder(traced)
        given = torch.from_numpy(np.ascontiguousarray(x)).reshape(len(images), *shape)
        try:
            with evaluating(module), torch.no_grad():
                keeper.run(given)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            reason = " ".join(str(error).split("\n\n")[0].split())[:200]
            raise NetworkError(
                f"the module does not run on images ({reason}); mend its forward"
            ) from None
        return keeper.kept

    return run
