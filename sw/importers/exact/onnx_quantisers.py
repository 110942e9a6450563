"""QuantizeLinear and DequantizeLinear, ONNX's own quantisers, with a Clip between them or not.

The first waits, as an operation on each element, for the second, which makes codes of its integers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.importers.exact.arithmetic import per_channel
from subbit.sw.importers.exact.codes import to_codes
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.steps import check_type, stepped, whole
from subbit.sw.importers.exact.value import Const, Value, exact

__all__ = ["dequantise_linear", "quantise_linear"]

Array = NDArray[Any]
Floats = NDArray[np.float32]
# ONNX's numbers of the types of integers.
INTEGERS = {2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32"}

EIGHT_BITS = ("uint8", "int8")


def parameters(op: Op, inputs: list[Value | Const], ndim: int) -> tuple[Array, Array]:
    """Scale and zero point, shaped to meet a tensor of ``ndim`` sides, as they are stored."""
    scale, *rest = inputs
    if not isinstance(scale, Const) or any(isinstance(zero, Value) for zero in rest):
        raise op.refuse("its scale is not constant", "export with constant scales")
    zero = rest[0].array if rest and isinstance(rest[0], Const) else default_zero(op)
    numbers = np.asarray(scale.real(), np.float32)
    if (
        zero.dtype.name not in INTEGERS.values()
        or not np.isfinite(numbers).all()
        or (numbers <= 0).any()
    ):
        raise op.refuse("its scale or zero point is none", "export positive scales, and integers")
    axis = int(op.attributes.get("axis", 1))
    sides = [1] * ndim
    if max(numbers.size, zero.size) > 1:
        sides[axis] = -1
    if op.kind == "QuantizeLinear" and zero.dtype != default_zero(op, zero).dtype:
        raise op.refuse("its zero point is not of its output_dtype", "export the network again")
    return numbers.reshape(sides), zero.reshape(sides)


def default_zero(op: Op, given: Array | None = None) -> Array:
    """The zero point of a node that has none: of its output_dtype, else like ``given`` or uint8."""
    wanted = int(op.attributes.get("output_dtype", 0))
    if op.kind != "QuantizeLinear" or not wanted:
        return np.zeros(1, np.uint8) if given is None else given
    if wanted not in INTEGERS:
        raise op.refuse(
            f"its output_dtype is {wanted}", "quantise to integers of 8 or 16 bits (2 to 5)"
        )
    return np.zeros(1, INTEGERS[wanted])


def quantise_linear(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value | Const:
    """``saturate(round(x / scale) + zero)``, integers of the zero point's type."""
    x, *rest = inputs
    shape = x.shape if isinstance(x, Value) else x.array.shape
    scale, zero = parameters(op, rest, len(shape))
    ends = np.iinfo(zero.dtype)

    def run(numbers: Floats, s: Array, z: Array) -> Floats:
        """The operator in float32, in which these integers are exact."""
        whole = np.rint(numbers / s) + z.astype(np.float32)
        return np.asarray(np.clip(whole, ends.min, ends.max), np.float32)

    if isinstance(x, Const):
        return Const(run(np.asarray(x.real(), np.float32), scale, zero))
    check_type(op, x)
    value, (s, z) = per_channel(builder, op, x, [scale, zero])
    return stepped(
        op, value, lambda numbers: run(numbers, s, z), onto=whole(value), gives=zero.dtype.name
    )


def dequantise_linear(
    builder: NetworkBuilder, op: Op, inputs: list[Value | Const]
) -> Value | Const:
    """``(x - zero) * scale`` of integers."""
    x, *rest = inputs
    shape = x.shape if isinstance(x, Value) else x.array.shape
    scale, zero = parameters(op, rest, len(shape))
    if isinstance(x, Const):
        return Const(x.array.astype(np.float32) - zero.astype(np.float32), scale)
    if x.dtype not in INTEGERS.values():
        raise op.refuse("its input is not quantised", "put a QuantizeLinear before it")
    if len(inputs) > 2 and zero.dtype.name != x.dtype:
        raise op.refuse(
            f"its zero point is {zero.dtype.name}, its input {x.dtype}", "export the network again"
        )
    value, (s, z) = per_channel(builder, op, x, [scale, zero])
    base, step = -exact(z) * exact(s), exact(s)

    def real(y: Floats) -> Floats:
        return np.asarray((y - z) * s, np.float32)

    if x.dtype not in EIGHT_BITS:
        return stepped(op, value, real, slope=step, shift=base)
    return to_codes(builder, op, value, Quantiser(real, base, step, None))
