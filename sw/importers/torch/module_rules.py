"""What torch's modules and functions, and ours, are in a Network."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.codes import to_codes
from subbit.sw.importers.exact.convs import convolve
from subbit.sw.importers.exact.dots import gemm
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.pools import average, global_average, max_pool, summed
from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.shapes import pad as zero_padding
from subbit.sw.importers.exact.steps import stepped, whole
from subbit.sw.importers.exact.value import Const, ElementStep, Fractions, Value, exact, fill
from subbit.sw.ir import AvgPool2d, Encoding, GlobalAvgPool
from subbit.sw.nn import joins, layers
from subbit.sw.nn.activations import Activation
from subbit.sw.nn.converter import check_padding, dot_layer, kind_of

__all__ = [
    "MODULES",
    "adaptive",
    "as_const",
    "flattened",
    "mean",
    "padded",
    "pool",
    "prelu",
    "rising",
    "runner",
    "stairs",
    "turning",
    "with_attributes",
]

Floats = NDArray[np.float32]
Rule = Callable[..., Any]
# Functions, in lower case, that round nothing.
CUTTING = ("relu", "relu6", "hardtanh", "clamp", "clip")


def as_const(value: Any) -> Const:
    """A number or tensor as a constant."""
    if isinstance(value, Tensor):
        return Const(value.detach().cpu().numpy())
    return Const(np.asarray(value, np.float32))


def pair(value: Any) -> list[int]:
    """One number twice, or both of two."""
    return [int(v) for v in value] if isinstance(value, tuple | list) else [int(value)] * 2


def with_attributes(op: Op, kind: str, **attributes: Any) -> Op:
    """The operation as one of ONNX's, whose rule is applied."""
    return replace(op, kind=kind, attributes=attributes, label=op.label or op.kind)


def runner(value: Value, function: Callable[[Tensor], Tensor]) -> Callable[[Floats], Floats]:
    """The function of a tensor as one of ``(batch, channels)``, channels as the Network has them.

    The function gets them as the module does: maps of one pixel, or vectors in the module's order.
    """
    sides = (1, 1) if value.index.ndim == 3 else ()
    order = value.index.reshape(-1) if value.kind.shape[:2] == (1, 1) else None

    def run(x: Floats) -> Floats:
        given = x if order is None else x[:, order]
        with torch.no_grad():
            y = function(torch.from_numpy(given.copy()).reshape(*given.shape, *sides))
        made = y.reshape(given.shape).float().numpy()
        if order is None:
            return made
        back = np.empty_like(made)
        back[:, order] = made
        return back

    return run


def in_place(value: Value, numbers: Fractions) -> Fractions:
    """Numbers for each channel of the module's order in that of the Network."""
    if value.kind.shape[:2] != (1, 1):
        return numbers
    placed = np.empty(value.kind.channels, object)
    placed[value.index.reshape(-1)] = numbers
    return placed


def rising(
    builder: NetworkBuilder, op: Op, module: Callable[[Tensor], Tensor], value: Value
) -> Value:
    """An operation on each element that never falls, the same for all channels."""
    return stepped(op, value, runner(value, module), about=op.kind.lower() not in CUTTING)


def turning(
    builder: NetworkBuilder, op: Op, module: Callable[[Tensor], Tensor], value: Value
) -> Value:
    """An operation on each element that may rise and fall, the same for all channels."""
    return stepped(op, value, runner(value, module), monotone=False, about=True)


def sloped(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """LeakyReLU, ELU and CELU, which never fall where their slope is 0 or more."""
    slope = module.negative_slope if isinstance(module, nn.LeakyReLU) else module.alpha
    celu = isinstance(module, nn.CELU)
    monotone = celu or slope >= 0
    return stepped(op, value, runner(value, module), monotone=monotone, about=True)


def same(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """What does nothing when a module is not in training."""
    return value


def norm(builder: NetworkBuilder, op: Op, module: _BatchNorm, value: Value) -> Value:
    """BatchNorm1d, BatchNorm2d, and ours."""
    if module.running_mean is None or module.running_var is None:
        raise op.refuse("it has no running statistics", "train with track_running_stats")
    if value.index.ndim == 1:
        value = builder.flattened(op, value)
    count = value.kind.channels
    if module.num_features != count:
        raise op.refuse(f"it has {module.num_features} features for {count} channels", "match them")
    ones = torch.ones(count)
    gamma = ones if module.weight is None else module.weight.detach()
    gamma = gamma.abs() if getattr(module, "positive", False) else gamma
    beta = 0 * ones if module.bias is None else module.bias.detach()
    spread = torch.sqrt(module.running_var.double() + module.eps)
    slope = exact((gamma.double() / spread).numpy())
    shift = exact(beta.double().numpy()) - exact(module.running_mean.double().numpy()) * slope
    step = ElementStep(
        op.name, runner(value, module), in_place(value, slope), in_place(value, shift), about=True
    )
    return value.then(step)


def scale(builder: NetworkBuilder, op: Op, module: layers.Scale, value: Value) -> Value:
    """Our Scale: one positive factor."""
    with torch.no_grad():
        factor = Fraction(float(module(torch.ones(1, dtype=torch.float64))[0]))
    count = value.kind.channels
    return value.then(
        ElementStep(op.name, runner(value, module), fill(count, factor), fill(count, 0))
    )


def prelu(builder: NetworkBuilder, op: Op, module: nn.PReLU, value: Value) -> Value:
    """PReLU."""
    value = builder.flattened(op, value) if value.index.ndim == 1 else value
    monotone = not bool((module.weight < 0).any())
    return stepped(op, value, runner(value, module), monotone=monotone)


def convolution(builder: NetworkBuilder, op: Op, module: nn.Conv2d, value: Value) -> Value:
    """Conv2d, whose weights must be few-bit integers times a factor an output."""
    if module.padding_mode != "zeros":
        raise op.refuse(f"its padding_mode is {module.padding_mode!r}", "pad with zeros")
    given = with_attributes(
        op,
        "Conv",
        strides=pair(module.stride),
        **padding_of(module.padding),
        dilations=pair(module.dilation),
        group=module.groups,
    )
    return convolve(builder, given, weights_and_bias(value, module))


def padding_of(padding: Any) -> dict[str, Any]:
    """The padding of a convolution, a number, two or a word, as ONNX's attributes have it."""
    if isinstance(padding, str):
        return {"auto_pad": {"same": "SAME_UPPER", "valid": "VALID"}.get(padding, padding)}
    return {"pads": pair(padding) * 2}


def fully(builder: NetworkBuilder, op: Op, module: nn.Linear, value: Value) -> Value:
    """Linear, whose weights must be few-bit integers times a factor an output."""
    return gemm(builder, with_attributes(op, "Gemm", transB=1), weights_and_bias(value, module))


def weights_and_bias(value: Value, module: nn.Conv2d | nn.Linear) -> list[Value | Const]:
    """The operands of a dot product."""
    found: list[Value | Const] = [value, as_const(module.weight)]
    return found if module.bias is None else [*found, as_const(module.bias)]


def coded(builder: NetworkBuilder, op: Op, module: layers.DotLayer, value: Value) -> Value:
    """Our convolutions and linear layers, in whatever encoding their weights have."""
    linear = isinstance(module, layers.CodedLinear)
    value = builder.codes(op, builder.flattened(op, value) if linear else value)
    ordered = value.index.reshape(-1)
    straight = np.array_equal(ordered, np.arange(len(ordered))) if linear else value.is_map
    if not straight or not ((value.scale == 1).all() and (value.offset == 0).all()):
        raise op.refuse(
            "its input are not integer codes in the order of the stream",
            "put our activations and our Flatten before it, and span=(0, 2**bits - 1) for codes",
        )
    check_padding(module, value.kind)
    try:
        name = builder.put(kind_of(module), dot_layer(module), value.name, origin=[op.name])
    except NetworkError as error:
        raise op.refuse(str(error), "change the layer") from None
    kind = builder.kind(name)
    ones, zeros = fill(kind.channels, 1), fill(kind.channels, 0)
    made = builder.made(name, ones, zeros, vector=linear)
    if not module.integers:
        with torch.no_grad():
            factors = module.encoder()[1].detach()
        slope = exact(factors.double().numpy())
        run = runner(made, lambda x: module.apply_factors(x, factors))
        builder.mark(op, replace(made, scale=slope))
        return made.then(ElementStep(op.name, run, slope, fill(kind.channels, 0)))
    builder.mark(op, made)
    return made


def activation(builder: NetworkBuilder, op: Op, module: Activation, value: Value) -> Value:
    """Our activations of 1 to 8 bits."""
    count, top = value.kind.channels, (1 << module.bits) - 1
    unsigned = module.encoding is Encoding.UNSIGNED
    least, gap = (0, 1) if unsigned else (-top, 2)
    run = runner(value, module)
    quantiser = Quantiser(run, fill(count, least), fill(count, gap), 1 << module.bits)
    return to_codes(builder, op, value, quantiser)


def stairs(
    builder: NetworkBuilder, op: Op, function: Callable[[Tensor], Tensor], value: Value
) -> Value:
    """sign, round, floor and ceil: steps of 1, as many as the integers before reach."""
    return stepped(op, value, runner(value, function), onto=whole(value))


def pool(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """MaxPool2d."""
    side = getattr(module, "kernel_size", 2)
    given = with_attributes(
        op,
        "MaxPool",
        kernel_shape=pair(side),
        strides=pair(getattr(module, "stride", None) or side),
        pads=pair(getattr(module, "padding", 0)) * 2,
        dilations=pair(getattr(module, "dilation", 1)),
        ceil_mode=int(getattr(module, "ceil_mode", False)),
    )
    return max_pool(builder, given, [value])


def mean(builder: NetworkBuilder, op: Op, module: nn.AvgPool2d, value: Value) -> Value:
    """AvgPool2d."""
    if module.divisor_override is not None:
        raise op.refuse("it has a divisor of its own", "leave divisor_override out")
    given = with_attributes(
        op,
        "AveragePool",
        kernel_shape=pair(module.kernel_size),
        strides=pair(module.stride or module.kernel_size),
        pads=pair(module.padding) * 2,
        ceil_mode=int(module.ceil_mode),
        count_include_pad=int(module.count_include_pad),
    )
    return average(builder, given, [value])


def adaptive(builder: NetworkBuilder, op: Op, module: nn.AdaptiveAvgPool2d, value: Value) -> Value:
    """AdaptiveAvgPool2d to one pixel, or to a size that divides the map's."""
    given = module.output_size
    wanted = list(given) if isinstance(given, tuple | list) else [given, given]
    sides = [
        size if size is not None else n for size, n in zip(wanted, value.shape[2:], strict=True)
    ]
    if sides == [1, 1]:
        return global_average(builder, with_attributes(op, "GlobalAveragePool"), [value])
    if any(n % size for size, n in zip(sides, value.shape[2:], strict=True)):
        raise op.refuse(
            f"it pools {value.shape[2]}x{value.shape[3]} to {sides[0]}x{sides[1]}, by windows of "
            "different sizes",
            "pool to one pixel, or to a size that divides the map's",
        )
    window = [n // size for size, n in zip(sides, value.shape[2:], strict=True)]
    return average(
        builder, with_attributes(op, "AveragePool", kernel_shape=window, strides=window), [value]
    )


def zero_pad(builder: NetworkBuilder, op: Op, module: nn.ZeroPad2d, value: Value) -> Value:
    """ZeroPad2d."""
    return padded(builder, op, value, [int(n) for n in module.padding], "constant", 0.0)


def padded(
    builder: NetworkBuilder, op: Op, value: Value, sides: list[int], mode: str, number: float
) -> Value:
    """torch's padding, which names the last side first, in front and behind."""
    count = len(value.shape)
    if len(sides) % 2 or len(sides) > 2 * count:
        raise op.refuse(f"it has {len(sides)} pads for {count} sides", "pad height and width")
    pads = [0] * (2 * count)
    for at in range(len(sides) // 2):
        axis = count - 1 - at
        pads[axis], pads[axis + count] = sides[2 * at], sides[2 * at + 1]
    given = with_attributes(op, "Pad", pads=pads, mode=mode, value=number)
    return zero_padding(builder, given, [value])


def our_sum(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """Our average poolings, which are sums."""
    if isinstance(module, joins.GlobalAvgPool):
        return summed(builder, op, value, GlobalAvgPool(), "avgpool", 1)
    layer = AvgPool2d(module.kernel, module.stride)
    return summed(builder, op, value, layer, "avgpool", 1)


def stream_order(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """Our Flatten: row, column, channel."""
    value.check_margins()
    index = value.index.transpose(1, 2, 0) if value.index.ndim == 3 else value.index
    return replace(value, index=index.reshape(-1))


def flat(builder: NetworkBuilder, op: Op, module: nn.Flatten, value: Value) -> Value:
    """torch's Flatten of everything but the batch: channel, row, column."""
    return flattened(op, value, module.start_dim, module.end_dim)


def flattened(op: Op, value: Value, start_dim: int, end_dim: int) -> Value:
    """Neighbouring sides as one, the batch left alone."""
    value.check_margins()
    sides = len(value.shape)
    first, last = start_dim % sides, end_dim % sides
    if not 0 < first <= last or not (-sides <= start_dim < sides and -sides <= end_dim < sides):
        raise op.refuse(f"it flattens sides {start_dim} to {end_dim}", "flatten from side 1 on")
    shape = value.index.shape
    return replace(value, index=value.index.reshape(*shape[: first - 1], -1, *shape[last:]))


RISING = (
    *(nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.Tanh, nn.Sigmoid, nn.Hardsigmoid, nn.SELU),
    *(nn.Softplus, nn.Softsign, nn.LogSigmoid),
)
TURNING = (nn.Hardswish, nn.SiLU, nn.GELU, nn.Mish)
# The first kind that a module is of decides.
MODULES: list[tuple[Any, Rule]] = [
    ((nn.Identity, nn.Dropout, nn.Dropout2d), same),
    (layers.DotLayer, coded),
    (Activation, activation),
    (_BatchNorm, norm),
    (layers.Scale, scale),
    ((nn.MaxPool2d, layers.MaxPool2d), pool),
    (layers.Flatten, stream_order),
    ((joins.AvgPool2d, joins.GlobalAvgPool), our_sum),
    (nn.Flatten, flat),
    (nn.Conv2d, convolution),
    (nn.Linear, fully),
    (nn.PReLU, prelu),
    (nn.AvgPool2d, mean),
    (nn.AdaptiveAvgPool2d, adaptive),
    (nn.ZeroPad2d, zero_pad),
    ((nn.LeakyReLU, nn.ELU, nn.CELU), sloped),
    (TURNING, turning),
    (RISING, rising),
]
