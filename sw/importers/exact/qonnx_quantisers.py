"""Quant, BipolarQuant and Trunc, QONNX's quantisers: their levels, and their arithmetic as the
source executes it.
"""

import numpy as np
from numpy.typing import NDArray
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.intquant import int_quant, max_int, min_int
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

from subbit.sw.importers.exact.arithmetic import by_channel
from subbit.sw.importers.exact.codes import MAX_LEVELS, to_codes
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.steps import check_type, stepped
from subbit.sw.importers.exact.value import Const, Value, exact

__all__ = ["quantise"]

Floats = NDArray[np.float32]
# More than 8 bits are for constants, and for tensors that a narrower quantiser follows.
MAX_BITS = 32
ROUNDINGS = ("ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")


def quantise(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value | Const:
    """The codes behind a quantiser; integers before it get thresholds, pixels a preprocessing."""
    x, *rest = inputs
    if any(isinstance(c, Value) for c in rest) or len(rest) < (
        1 if op.kind == "BipolarQuant" else 3
    ):
        raise op.refuse("its scale is not constant", "export with constant scales and widths")
    constants = parameters(op, [c.real() for c in rest if isinstance(c, Const)])
    if isinstance(x, Const):
        return quantised_constant(op, x, constants)
    check_type(op, x)
    value, found = by_channel(builder, op, x, constants, "scale")
    quantiser = quantiser_of(op, found)
    if (quantiser.levels or 0) > MAX_LEVELS:
        grid = quantiser.base, quantiser.step
        return stepped(op, value, quantiser.run, onto=lambda before: grid)
    return to_codes(builder, op, value, quantiser)


def parameters(op: Op, constants: list[NDArray[np.generic]]) -> list[NDArray[np.float32]]:
    """The constant inputs of a quantiser as float32; raises NetworkError where one is no number."""
    names = ("scale", "zero point", "bit width", "output scale", "output bit width")
    found = []
    for name, constant in zip(names, constants, strict=False):
        array = np.asarray(constant, np.float32)
        if not array.size or not np.isfinite(array).all():
            raise op.refuse(f"its {name} is empty, NaN or infinite", "train and export it again")
        found.append(array)
    if (found[0] <= 0).any():
        raise op.refuse("its scale is not positive", "export a positive scale")
    return found


def whole_bits(op: Op, width: NDArray[np.float32]) -> int:
    """The bit width of an operator; raises NetworkError unless it is 1 to MAX_BITS."""
    bits = float(width.reshape(-1)[0])
    if not bits.is_integer() or not 1 <= bits <= MAX_BITS or (width != bits).any():
        raise op.refuse(
            f"a width of {bits:g} bits", f"quantise to one width of 1 to {MAX_BITS} bits"
        )
    return int(bits)


def rounding_of(op: Op, default: str) -> str:
    """How the operator rounds."""
    mode = str(op.attributes.get("rounding_mode", default)).upper()
    if mode not in ROUNDINGS:
        raise op.refuse(f"rounding {mode[:20]!r} is unknown", f"use one of {', '.join(ROUNDINGS)}")
    return mode


def quantiser_of(op: Op, constants: list[NDArray[np.float32]]) -> Quantiser:
    """The quantiser of an operator whose ``constants`` are given for each channel, ``(c,)``."""
    if op.kind == "BipolarQuant":
        (scale,) = constants
        return Quantiser(lambda x: binary_quant(x, scale), -exact(scale), 2 * exact(scale), 2)
    return trunc(op, constants) if op.kind == "Trunc" else integers(op, constants)


def flags(op: Op, signed: int, narrow: int) -> tuple[bool, bool]:
    """Whether the operator's integers are signed, and narrow."""
    return bool(op.attributes.get("signed", signed)), bool(op.attributes.get("narrow", narrow))


def integers(op: Op, constants: list[NDArray[np.float32]]) -> Quantiser:
    """Quant: ``(clip(round(x / scale + zero), least, greatest) - zero) * scale``."""
    scale, zero, width = constants
    bits, (signed, narrow), mode = whole_bits(op, width), flags(op, 1, 1), rounding_of(op, "ROUND")
    if bits == 1 and signed:
        least, gap, levels = -1, 2, 2
    else:
        least, gap = int(min_int(signed, narrow, bits)), 1
        levels = int(max_int(signed, narrow, bits)) - least + 1
    if levels < 2:
        raise op.refuse("it has a single level", "quantise to at least two levels")
    count = np.float32(bits)
    return Quantiser(
        lambda x: int_quant(x, scale, zero, count, signed, narrow, mode).astype(np.float32),
        (least - exact(zero)) * exact(scale),
        gap * exact(scale),
        levels,
    )


def trunc(op: Op, constants: list[NDArray[np.float32]]) -> Quantiser:
    """Trunc: the lowest bits of a quantised number dropped, in either version of QONNX."""
    scale, zero, before, *after = constants
    mode = rounding_of(op, "FLOOR")
    if len(after) == 1:
        width = after[0][0]
        return Quantiser(
            lambda x: trunc_v1(x, scale, zero, before[0], width, mode).astype(np.float32),
            -exact(zero) * exact(scale),
            exact(scale),
            None,
        )
    out, width = after[0], after[1]
    bits, (signed, narrow) = whole_bits(op, width), flags(op, 1, 0)
    least, greatest = (int(f(signed, narrow, bits)) for f in (min_int, max_int))
    ratio = exact(2 ** np.round(np.log2(out / scale)))
    return Quantiser(
        lambda x: trunc_v2(
            x, scale, zero, before[0], narrow, signed, out, np.float32(bits), mode
        ).astype(np.float32),
        (least - exact(zero) / ratio) * exact(out),
        exact(out),
        greatest - least + 1,
    )


def quantised_constant(op: Op, x: Const, constants: list[NDArray[np.float32]]) -> Const:
    """A constant behind a quantiser: integers (less their zero point) and their scale."""
    real = np.asarray(x.real(), np.float32)
    if op.kind == "Trunc":
        raise op.refuse("it truncates a constant", "quantise the constant with Quant instead")
    shapes = [np.broadcast_shapes(c.shape, real.shape) for c in constants[:2]]
    if any(shape != real.shape for shape in shapes):
        raise op.refuse("its scale does not fit the weights", "give a scale for each output")
    scale = constants[0]
    if op.kind == "BipolarQuant":
        return Const(np.where(real >= 0, np.float32(1), np.float32(-1)), scale)
    zero, width = constants[1], np.float32(whole_bits(op, constants[2]))
    signed, narrow = flags(op, 1, 1)
    # With the scale taken out beforehand, what is left are the integers less the zero point.
    unit = int_quant(
        real / scale, np.float32(1), zero, width, signed, narrow, rounding_of(op, "ROUND")
    )
    return Const(np.asarray(unit, np.float32), scale)
