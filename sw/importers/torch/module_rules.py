"""What torch's modules and functions, and ours, are in a Network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.ao.quantization.fake_quantize import FakeQuantizeBase
from torch.nn.modules.batchnorm import _BatchNorm

from subbit.sw.importers.exact.convs import convolve
from subbit.sw.importers.exact.dots import gemm
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.parted import by_parts
from subbit.sw.importers.exact.shapes import pad as zero_padding
from subbit.sw.importers.exact.steps import between, stepped, whole
from subbit.sw.importers.exact.value import Const, ElementStep, Value, exact
from subbit.sw.importers.torch.fake_quantised import fake_quantised, weights_of_module
from subbit.sw.importers.torch.layer_rules import (
    activation,
    coded,
    our_sum,
    scale,
    stream_order,
)
from subbit.sw.importers.torch.operands import (
    as_const,
    in_place,
    runner,
    sides_of,
    with_attributes,
)
from subbit.sw.importers.torch.pool_rules import adaptive, adaptive_max, mean, pool
from subbit.sw.nn import joins, layers
from subbit.sw.nn.activations import Activation

__all__ = [
    "MODULES",
    "adaptive",
    "adaptive_max",
    "flattened",
    "mean",
    "padded",
    "pool",
    "prelu",
    "rising",
    "stairs",
    "turning",
    "weights_and_bias",
]

Floats = NDArray[np.float32]
Rule = Callable[..., Any]
# Functions, in lower case, that round nothing.
CUTTING = ("relu", "relu6", "hardtanh", "clamp", "clip")
# A power of two, far beyond all numbers of networks.
HUGE = 2.0**126


def rising(
    builder: NetworkBuilder, op: Op, module: Callable[[Tensor], Tensor], value: Value
) -> Value:
    """An operation on each element that never falls, the same for all channels.

    One that only cuts numbers off leaves those that lie on a grid there.
    """
    if op.kind.lower() not in CUTTING:
        return stepped(op, value, runner(value, module), about=True)
    with torch.no_grad():
        low, high = module(torch.tensor([-HUGE, HUGE])).tolist()
    ends = -np.inf if low == -HUGE else low, np.inf if high == HUGE else high
    limits = [np.full(value.kind.channels, end, np.float32) for end in ends]
    return stepped(op, value, runner(value, module), onto=between(*limits))


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


def prelu(builder: NetworkBuilder, op: Op, module: nn.PReLU, value: Value) -> Value:
    """PReLU."""
    value = builder.flattened(op, value) if value.index.ndim == 1 else value
    monotone = not bool((module.weight < 0).any())
    return stepped(op, value, runner(value, module), monotone=monotone)


def convolution(
    builder: NetworkBuilder, op: Op, module: nn.Conv1d | nn.Conv2d, value: Value
) -> Value:
    """Conv1d and Conv2d, whose weights must be few-bit integers times a factor an output."""
    if module.padding_mode != "zeros":
        raise op.refuse(f"its padding_mode is {module.padding_mode!r}", "pad with zeros")
    given = with_attributes(
        op,
        "Conv",
        strides=sides_of(value, module.stride),
        **padding_of(value, module.padding),
        dilations=sides_of(value, module.dilation),
        group=module.groups,
    )
    return by_parts(convolve)(builder, given, weights_and_bias(value, module))


def padding_of(value: Value, padding: Any) -> dict[str, Any]:
    """The padding of a convolution, numbers or a word, as ONNX's attributes have it."""
    if isinstance(padding, str):
        return {"auto_pad": {"same": "SAME_UPPER", "valid": "VALID"}.get(padding, padding)}
    return {"pads": sides_of(value, padding) * 2}


def fully(builder: NetworkBuilder, op: Op, module: nn.Linear, value: Value) -> Value:
    """Linear, whose weights must be few-bit integers times a factor an output."""
    given = with_attributes(op, "Gemm", transB=1)
    return by_parts(gemm)(builder, given, weights_and_bias(value, module))


def weights_and_bias(
    value: Value, module: nn.modules.conv._ConvNd | nn.Linear
) -> list[Value | Const]:
    """The operands of a dot product."""
    weights = weights_of_module(module)
    found: list[Value | Const] = [value, weights or as_const(module.weight)]
    return found if module.bias is None else [*found, as_const(module.bias)]


def stairs(
    builder: NetworkBuilder, op: Op, function: Callable[[Tensor], Tensor], value: Value
) -> Value:
    """sign, round, floor and ceil: steps of 1, as many as the integers before reach."""
    return stepped(op, value, runner(value, function), onto=whole(value))


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
    ((nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d), same),
    (layers.DotLayer, coded),
    (Activation, activation),
    (_BatchNorm, norm),
    (layers.Scale, scale),
    ((nn.MaxPool1d, nn.MaxPool2d, layers.MaxPool2d), pool),
    (layers.Flatten, stream_order),
    ((joins.AvgPool2d, joins.GlobalAvgPool), our_sum),
    (nn.Flatten, flat),
    (FakeQuantizeBase, fake_quantised),
    ((nn.Conv1d, nn.Conv2d), convolution),
    (nn.Linear, fully),
    (nn.PReLU, prelu),
    ((nn.AvgPool1d, nn.AvgPool2d), mean),
    ((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d), adaptive),
    ((nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d), adaptive_max),
    ((nn.LeakyReLU, nn.ELU, nn.CELU), sloped),
    (TURNING, turning),
    (RISING, rising),
]
