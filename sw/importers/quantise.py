"""Quant, BipolarQuant and Trunc on tensors that are not constant."""

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.builder import Builder
from subbit.sw.importers.codes import to_codes
from subbit.sw.importers.op import Op
from subbit.sw.importers.quantiser import Quantiser
from subbit.sw.importers.quantisers import (
    parameters,
    quantised_constant,
    quantiser_of,
)
from subbit.sw.importers.value import Const, Value

__all__ = ["quantise"]


def quantise(builder: Builder, op: Op, inputs: list[Value | Const]) -> Value | Const:
    """The codes behind a quantiser; integers before it get thresholds, pixels a preprocessing."""
    x, *rest = inputs
    if any(isinstance(c, Value) for c in rest) or len(rest) < (
        1 if op.kind == "BipolarQuant" else 3
    ):
        raise op.refuse("its scale is not constant", "export with constant scales and widths")
    constants = parameters(op, [c.real() for c in rest if isinstance(c, Const)])
    if isinstance(x, Const):
        return quantised_constant(op, x, constants)
    value, quantiser = per_channel(builder, op, x, constants)
    return to_codes(builder, op, value, quantiser)


def per_channel(
    builder: Builder, op: Op, value: Value, constants: list[NDArray[np.float32]]
) -> tuple[Value, Quantiser]:
    """The quantiser with parameters for each channel; for each element of a vector if need be."""
    try:
        found = [value.channels_of(c) for c in constants]
        if any(c is None for c in found):
            value = builder.flattened(op, value)
            found = [value.channels_of(c) for c in constants]
    except ValueError:
        raise op.refuse(
            f"its scale does not fit a tensor of shape {value.shape}", "export the network again"
        ) from None
    return value, quantiser_of(op, [np.asarray(c, np.float32) for c in found])
