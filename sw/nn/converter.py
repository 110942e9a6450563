"""The conversion of a module into the layers of a Network, one after the other."""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from subbit.sw import ir
from subbit.sw.errors import NetworkError
from subbit.sw.ir import (
    INPUT,
    Add,
    Argmax,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Node,
    TensorType,
)
from subbit.sw.nn import layers
from subbit.sw.nn.encoders import TiledEncoder
from subbit.sw.nn.fold import fold_affine, fold_threshold, is_common_scale
from subbit.sw.nn.joins import AvgPool2d, GlobalAvgPool, Residual
from subbit.sw.nn.real import integers, real_part, run_module

__all__ = ["ModuleConverter"]

ELEMENTWISE = (_BatchNorm, layers.Scale, nn.Identity, nn.Dropout, nn.Dropout2d)


@dataclass
class Pending:
    """Integers that no activation has taken yet.

    ``source`` is the module that made them, ``name`` its layer; ``tail`` the real arithmetic since,
    and ``pooled`` its length where a max pooling stood.
    """

    source: nn.Module
    name: str
    tail: list[nn.Module] = field(default_factory=list)
    pooled: int | None = None

    @property
    def integers(self) -> bool:
        """Whether the module, too, has nothing but these integers here."""
        factors = isinstance(self.source, layers.DotLayer) and not self.source.integers
        return not factors and not self.tail and self.pooled is None


class ModuleConverter:
    """The layers of a network so far, the tensor that the next one reads, and its integers where no
    activation has taken them yet.
    """

    def __init__(
        self, input_type: TensorType, module: nn.Module, codes: NDArray[np.uint8] | None
    ) -> None:
        self.module, self.codes = module, codes
        self.nodes: list[Node] = []
        self.notes: dict[str, Any] = {}
        self.tensor, self.type = INPUT, input_type
        self.pending: Pending | None = None
        self.counts: Counter[str] = Counter()

    def put(self, name: str, layer: Layer, *more: tuple[str, TensorType]) -> None:
        """Append a layer that reads the present tensor, and ``more`` before it."""
        if any(node.name == name for node in self.nodes):
            raise NetworkError(f"there are two {name!r}: a block has one pooling and one sign")
        sources = [*more, (self.tensor, self.type)]
        names, types = zip(*sources, strict=True)
        self.nodes.append(Node(name, layer, names))
        self.tensor, self.type = name, layer.infer(types)

    def number(self, kind: str) -> str:
        """The name of the next layer of a kind."""
        self.counts[kind] += 1
        return f"{kind}{self.counts[kind]}"

    def add(self, module: nn.Module) -> None:
        """Convert the next module."""
        kinds: list[tuple[Any, Callable[[Any], None]]] = [
            (nn.Sequential, self.add_all),
            (layers.DotLayer, self.add_dot),
            (ELEMENTWISE, self.add_elementwise),
            (layers.Activation, self.add_activation),
            ((layers.MaxPool2d, nn.MaxPool2d), self.add_pool),
            (layers.Flatten, self.add_flatten),
            ((AvgPool2d, GlobalAvgPool), self.add_average),
            (Residual, self.add_residual),
        ]
        for kind, convert in kinds:
            if isinstance(module, kind):
                return convert(module)
        raise NetworkError(
            f"cannot export {type(module).__name__}: networks are made of the layers "
            f"in subbit.sw.nn.layers and BatchNorm{hint(module)}"
        )

    def add_all(self, modules: nn.Sequential) -> None:
        """The modules one after the other."""
        for module in modules:
            self.add(module)

    def add_dot(self, module: layers.DotLayer) -> None:
        """A convolution or linear layer."""
        if self.pending is not None:
            raise NetworkError(f"there is no activation after {self.pending.name!r}; put one there")
        check_padding(module, self.type)
        name = self.number(kind_of(module))
        self.put(name, dot_layer(module))
        self.pending = Pending(module, name)
        if isinstance(module.encoder, TiledEncoder) and not module.encoder.rows_shared:
            self.notes.setdefault("tile_scale_error", {})[name] = round(
                module.encoder.scale_error(), 6
            )

    def add_elementwise(self, module: nn.Module) -> None:
        """BatchNorm or a scale, to be folded."""
        if self.pending is None:
            raise NetworkError(f"{type(module).__name__} must follow a convolution or linear layer")
        if self.pending.pooled:
            raise NetworkError(
                "put max pooling behind the last BatchNorm of its block, not between"
            )
        self.pending.tail.append(module)

    def add_pool(self, module: nn.Module) -> None:
        """2x2 pooling: behind the activation, where it handles the fewest bits, if that is the
        same.

        The greatest of some numbers has the greatest code.
        """
        if isinstance(module, nn.MaxPool2d) and not is_plain_pool(module):
            raise NetworkError("max pooling is 2x2 with stride 2 and no padding; change the module")
        if self.pending is None:
            return self.put_pool()
        if self.pending.pooled is not None:
            raise NetworkError(f"{self.pending.name!r} is pooled twice before its activation")
        self.pending.pooled = len(self.pending.tail)

    def put_pool(self) -> None:
        """Append the pooling of the last convolution."""
        self.put(f"pool{self.counts['conv']}", MaxPool2d())

    def add_flatten(self, module: layers.Flatten) -> None:
        """Flatten; integers of one pixel are flat already."""
        if self.pending is None:
            return self.put("flatten", Flatten())
        if (self.type.height, self.type.width) != (1, 1):
            raise NetworkError(f"put Flatten behind the activation of {self.pending.name!r}")
        self.pending.tail.append(module)

    def add_average(self, module: AvgPool2d | GlobalAvgPool) -> None:
        """Average pooling: a sum, of codes or of integers."""
        self.require_integers("average pooling")
        if isinstance(module, AvgPool2d):
            name = self.number("avg")
            self.put(name, ir.AvgPool2d(module.kernel, module.stride))
        else:
            name = self.number("gap")
            self.put(name, ir.GlobalAvgPool())
        self.join(module, name)

    def add_residual(self, module: Residual) -> None:
        """Both paths from the present tensor on, and their sum."""
        what = "a residual join"
        self.require_integers(what)
        start = self.tensor, self.type, self.pending
        ends = []
        for path in (module.body, module.shortcut):
            self.tensor, self.type, self.pending = start[0], start[1], copied(start[2])
            self.add(path)
            self.require_integers(what)
            ends.append((self.tensor, self.type))
        name = self.number("add")
        self.put(name, Add(0, module.shift), ends[0])
        self.join(module, name)

    def require_integers(self, what: str) -> None:
        """Raise NetworkError unless the module has codes or plain integers here."""
        if self.pending is not None and not self.pending.integers:
            raise NetworkError(
                f"{what} needs integers, but {self.pending.name!r} has a factor, a BatchNorm or a "
                "pooling behind it; build it with integers=True, or put an activation between"
            )

    def join(self, module: nn.Module, name: str) -> None:
        """Go on from a sum, which the module must compute without rounding as well."""
        if max(-self.type.low, self.type.high) > layers.EXACT_FLOAT32:
            raise NetworkError(
                f"{name!r} sums up to {self.type}, beyond the 24 bits that are exact in a float "
                "module; put an activation before it, or use fewer bits"
            )
        self.pending = Pending(module, name)

    def add_activation(self, module: layers.Activation) -> None:
        """Fold the real arithmetic since the last integers into thresholds."""
        if self.pending is None:
            raise NetworkError(f"{type(module).__name__} must follow a convolution or linear layer")
        pooled, name = self.pending.pooled, self.pending.name
        layer = fold_threshold(real_part(self.pending.source, self.pending.tail), self.type, module)
        if pooled == 0 and not layer.rising.all():
            # The greatest integer is not the greatest code where a channel's code falls.
            self.put_pool()
            pooled = None
        self.put(self.activation_name(name.removeprefix("conv")), layer)
        if pooled is not None:
            self.put_pool()
        self.pending = None

    def activation_name(self, source: str) -> str:
        """``act2`` behind ``conv2``, ``act_fc1`` behind ``fc1``; numbered where paths share one."""
        name = f"act{source}" if source.isdigit() else f"act_{source}"
        self.counts[name] += 1
        return name if self.counts[name] == 1 else f"{name}_{self.counts[name]}"

    def finish(self) -> None:
        """Fold what follows the last integers into an Affine where the order depends on it; append
        the argmax.
        """
        if self.pending is None:
            raise NetworkError(
                "the last layer must be a convolution or linear layer without activation"
            )
        if self.pending.pooled is not None:
            raise NetworkError("logits cannot be pooled; put an activation before the pooling")
        exact = real_part(
            copy.deepcopy(self.pending.source).double(),
            [copy.deepcopy(m).double() for m in self.pending.tail],
        )
        if not is_common_scale(exact, self.type):
            self.put_affine(exact, self.pending.source)
        self.put("argmax", Argmax())

    def put_affine(self, exact: Callable[[Tensor], Tensor], source: nn.Module) -> None:
        """Append the Affine layer that keeps the order of the logits."""
        logits, dots = self.calibration(source)
        fit = fold_affine(exact, self.type, logits, dots)
        self.notes["affine"] = {
            "scale_bits": fit.scale_bits,
            "orders_kept": fit.kept,
            "images": fit.images,
        }
        self.put("affine", fit.layer)

    def calibration(
        self, source: nn.Module
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
        """The module's logits on the test set and the last integers that they come from."""
        if self.codes is None:
            return None, None
        seen: list[Tensor] = []
        hook = source.register_forward_hook(
            lambda layer, x, y: seen.append(integers(layer, x[0], y))
        )
        try:
            logits = run_module(self.module, self.codes)
        finally:
            hook.remove()
        return logits.flatten(1).double().numpy(), torch.cat(seen).flatten(1).long().numpy()


def copied(pending: Pending | None) -> Pending | None:
    """The same integers for another path."""
    return None if pending is None else replace(pending, tail=list(pending.tail))


def hint(module: nn.Module) -> str:
    """What to use instead of one of torch's own modules."""
    return "; use subbit.sw.nn.layers.Flatten" if isinstance(module, nn.Flatten) else ""


def kind_of(module: layers.DotLayer) -> str:
    """The name of a layer, up to its number."""
    if isinstance(module, layers.DepthwiseConv2d):
        return "dw"
    return "conv" if isinstance(module, layers.CodedConv2d) else "fc"


def dot_layer(module: layers.DotLayer) -> Layer:
    """The layer that computes the module's dot products."""
    weights = module.encoder.weights()
    if isinstance(module, layers.DepthwiseConv2d):
        return ir.DepthwiseConv2d(weights, module.stride, module.padding)
    if isinstance(module, layers.CodedConv2d):
        return Conv2d(weights, module.stride, module.padding)
    return Linear(weights)


def check_padding(module: layers.DotLayer, x: TensorType) -> None:
    """Raise NetworkError unless a padding with -1 or +1 is that of the codes ``x``."""
    if not isinstance(module, layers.CodedConv2d) or not module.pad_value:
        return
    if x.is_code and x.bits != module.input_bits:
        raise NetworkError(
            f"a convolution pads codes of {x.bits} bits as if they had {module.input_bits}; "
            f"build it with input_bits={x.bits}"
        )


def is_plain_pool(module: nn.MaxPool2d) -> bool:
    """Whether torch's pooling is the hardware's."""
    options = (module.kernel_size, module.stride, module.padding, module.dilation)
    return not module.ceil_mode and all(
        given in (wanted, (wanted, wanted))
        for given, wanted in zip(options, (2, 2, 0, 1), strict=True)
    )
