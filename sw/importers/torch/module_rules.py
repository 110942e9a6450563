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
from subbit.sw.importers.exact.value import Const, ElementStep, Fractions, Value, exact, fill
from subbit.sw.ir import AvgPool2d, Encoding, GlobalAvgPool
from subbit.sw.nn import joins, layers
from subbit.sw.nn.activations import Activation
from subbit.sw.nn.converter import check_padding, dot_layer, kind_of

__all__ = [
    "MODULES",
    "adaptive",
    "as_const",
    "check_slope",
    "flattened",
    "mean",
    "pool",
    "prelu",
    "rising",
    "stairs",
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
    about = op.kind.lower() not in CUTTING
    return value.then(ElementStep(op.name, runner(value, module), about=about))


def sloped(builder: NetworkBuilder, op: Op, module: nn.LeakyReLU | nn.ELU, value: Value) -> Value:
    """LeakyReLU and ELU, which never fall where their slope is 0 or more."""
    check_slope(op, module.alpha if isinstance(module, nn.ELU) else module.negative_slope)
    return rising(builder, op, module, value)


def check_slope(op: Op, slope: float) -> None:
    """Raise NetworkError where a function falls below 0."""
    if slope < 0:
        raise op.refuse("its slope is negative", "use a slope of 0 or more")


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
    """PReLU with slopes of 0 or more."""
    if bool((module.weight < 0).any()):
        raise op.refuse("a slope is negative", "train with slopes of 0 or more")
    value = builder.flattened(op, value) if value.index.ndim == 1 else value
    return value.then(ElementStep(op.name, runner(value, module)))


def convolution(builder: NetworkBuilder, op: Op, module: nn.Conv2d, value: Value) -> Value:
    """Conv2d, whose weights must be few-bit integers times a factor an output."""
    if module.padding_mode != "zeros" or isinstance(module.padding, str):
        raise op.refuse(f"its padding is {module.padding!r}", "pad with zeros, by a number")
    given = with_attributes(
        op,
        "Conv",
        strides=pair(module.stride),
        pads=pair(module.padding) * 2,
        dilations=pair(module.dilation),
        group=module.groups,
    )
    return convolve(builder, given, weights_and_bias(value, module))


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
    count = value.kind.channels
    run = runner(value, function)
    return to_codes(builder, op, value, Quantiser(run, fill(count, 0), fill(count, 1), None))


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
    )
    return average(builder, given, [value])


def adaptive(builder: NetworkBuilder, op: Op, module: nn.AdaptiveAvgPool2d, value: Value) -> Value:
    """AdaptiveAvgPool2d to one pixel."""
    if module.output_size not in (1, (1, 1)):
        raise op.refuse(f"it pools to {module.output_size}", "pool to one pixel")
    return global_average(builder, with_attributes(op, "GlobalAveragePool"), [value])


def our_sum(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """Our average poolings, which are sums."""
    if isinstance(module, joins.GlobalAvgPool):
        return summed(builder, op, value, GlobalAvgPool(), "avgpool", 1)
    layer = AvgPool2d(module.kernel, module.stride)
    return summed(builder, op, value, layer, "avgpool", 1)


def stream_order(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """Our Flatten: row, column, channel."""
    index = value.index.transpose(1, 2, 0) if value.index.ndim == 3 else value.index
    return replace(value, index=index.reshape(-1))


def flat(builder: NetworkBuilder, op: Op, module: nn.Flatten, value: Value) -> Value:
    """torch's Flatten of everything but the batch: channel, row, column."""
    return flattened(op, value, module.start_dim, module.end_dim)


def flattened(op: Op, value: Value, start_dim: int, end_dim: int) -> Value:
    """All sides but the batch as one."""
    if start_dim != 1 or end_dim not in (-1, value.index.ndim):
        raise op.refuse(f"it flattens sides {start_dim} to {end_dim}", "flatten from side 1 on")
    return replace(value, index=value.index.reshape(-1))


RISING = (
    *(nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.Tanh, nn.Sigmoid, nn.Hardsigmoid, nn.SELU),
    *(nn.Softplus, nn.Softsign, nn.LogSigmoid),
)
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
    ((nn.LeakyReLU, nn.ELU), sloped),
    (RISING, rising),
]
