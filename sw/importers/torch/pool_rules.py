"""What torch's poolings are in a Network."""

from typing import Any

from torch import nn

from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.pools import (
    average,
    global_average,
    global_max,
    max_pool,
)
from subbit.sw.importers.exact.value import Value
from subbit.sw.importers.torch.operands import sides_of, with_attributes

__all__ = ["adaptive", "adaptive_max", "mean", "pool"]


def pool(builder: NetworkBuilder, op: Op, module: Any, value: Value) -> Value:
    """MaxPool1d and MaxPool2d, torch's and ours."""
    given = with_attributes(
        op,
        "MaxPool",
        kernel_shape=sides_of(value, module.kernel_size),
        strides=sides_of(value, module.stride or module.kernel_size),
        pads=sides_of(value, module.padding) * 2,
        dilations=sides_of(value, module.dilation),
        ceil_mode=int(module.ceil_mode),
    )
    return max_pool(builder, given, [value])


def mean(
    builder: NetworkBuilder, op: Op, module: nn.AvgPool1d | nn.AvgPool2d, value: Value
) -> Value:
    """AvgPool1d and AvgPool2d."""
    if getattr(module, "divisor_override", None) is not None:
        raise op.refuse("it has a divisor of its own", "leave divisor_override out")
    given = with_attributes(
        op,
        "AveragePool",
        kernel_shape=sides_of(value, module.kernel_size),
        strides=sides_of(value, module.stride or module.kernel_size),
        pads=sides_of(value, module.padding) * 2,
        ceil_mode=int(module.ceil_mode),
        count_include_pad=int(module.count_include_pad),
    )
    return average(builder, given, [value])


def adaptive(
    builder: NetworkBuilder,
    op: Op,
    module: nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d,
    value: Value,
) -> Value:
    """AdaptiveAvgPool1d and AdaptiveAvgPool2d to one pixel, or to a size that divides the map's."""
    given: Any = module.output_size
    old = value.shape[2:]
    wanted = list(given) if isinstance(given, tuple | list) else [given] * len(old)
    sides = [n if size is None else size for size, n in zip(wanted, old, strict=True)]
    if sides == [1] * len(old):
        return global_average(builder, with_attributes(op, "GlobalAveragePool"), [value])
    if any(n % size for size, n in zip(sides, old, strict=True)):
        raise op.refuse(
            f"it pools {'x'.join(map(str, old))} to {'x'.join(map(str, sides))}, by windows of "
            "different sizes",
            "pool to one pixel, or to a size that divides the map's",
        )
    window = [n // size for size, n in zip(sides, old, strict=True)]
    return average(
        builder, with_attributes(op, "AveragePool", kernel_shape=window, strides=window), [value]
    )


def adaptive_max(
    builder: NetworkBuilder,
    op: Op,
    module: nn.AdaptiveMaxPool1d | nn.AdaptiveMaxPool2d,
    value: Value,
) -> Value:
    """AdaptiveMaxPool1d and AdaptiveMaxPool2d to one pixel."""
    if set(sides_of(value, module.output_size)) != {1} or module.return_indices:
        raise op.refuse(f"it pools to {module.output_size}", "pool to one pixel, or by windows")
    return global_max(builder, with_attributes(op, "GlobalMaxPool"), [value])
