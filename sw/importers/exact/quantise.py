"""Quant, BipolarQuant and Trunc on tensors that are not constant."""

from subbit.sw.importers.exact.arithmetic import by_channel
from subbit.sw.importers.exact.builder import Builder
from subbit.sw.importers.exact.codes import to_codes
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.quantisers import (
    parameters,
    quantised_constant,
    quantiser_of,
)
from subbit.sw.importers.exact.value import Const, Value

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
    value, found = by_channel(builder, op, x, constants, "scale")
    return to_codes(builder, op, value, quantiser_of(op, found))
