"""The end of a network: real logits as integers whose greatest is the same."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Fractions, Value, is_uniform
from subbit.sw.ir import Affine, Argmax

__all__ = ["finish_network", "fixed_point", "keeps_orders"]

Ints = NDArray[np.int64]
SCALE_LIMIT = (1 << 17) - 1
OFFSET_LIMIT = (1 << 39) - 1


def finish_network(builder: NetworkBuilder, op: Op, value: Value) -> Value:
    """Append what the class depends on: scale and offset where they differ, and the argmax.

    A map, or a single number, stays as it is. Returns the value of the logits.
    """
    if value.kind.elements == value.kind.channels and value.kind.channels > 1:
        value = builder.flattened(op, value)
        order = value.index.reshape(-1)
        if not np.array_equal(order, np.arange(value.kind.channels)):
            raise op.refuse("the classes are rearranged", "leave the last outputs in their order")
    value = builder.settled(op, value)
    if value.kind.shape[:2] != (1, 1) or value.kind.channels == 1:
        return value
    if value.kind.is_code:
        value = builder.integers(op, value)
    if not (is_uniform(value.scale) and is_uniform(value.offset) and value.scale[0] > 0):
        value = affine(builder, op, value)
    builder.put("argmax", Argmax(), value.name)
    return value


def affine(builder: NetworkBuilder, op: Op, value: Value) -> Value:
    """The logits as integers of one scale, by the widest factors that an Affine layer has."""
    try:
        scale, offset, step = fixed_point(value.scale, value.offset)
    except NetworkError as error:
        raise op.refuse(str(error), "scale the last layer's outputs alike") from None
    low, high = value.kind.value_range
    exact = bool((scale * step == value.scale).all() and (offset * step == value.offset).all())
    proven = exact or keeps_orders(value.scale, value.offset, scale, offset, high - low)
    builder.notes["logits"] = {
        "scale_bits": int(np.abs(scale).max()).bit_length() + 1,
        "order": "exact" if exact else "proven" if proven else "measured",
    }
    layer = Affine(scale.astype(np.int64), offset.astype(np.int64))
    name = builder.put("affine", layer, value.name, origin=[op.name])
    count = len(scale)
    return replace(
        value,
        name=name,
        kind=builder.kind(name),
        scale=np.full(count, step, object),
        offset=np.full(count, Fraction(0), object),
    )


def fixed_point(scale: Fractions, offset: Fractions) -> tuple[Fractions, Fractions, Fraction]:
    """Integer scales and offsets, and the step that they multiply.

    The first offset, on which no order depends, is taken out. Where one exact step makes all of
    them integers of the hardware's width, that is taken; else the finest step that fits.
    """
    offset = offset - offset[0]
    greatest = max(abs(number) for number in scale)
    if not greatest:
        raise NetworkError("no logit depends on the input")
    steps = [greatest / top for top in (1, 2, 4, 8, 16, 32, 64, 128, 256)]
    steps += [greatest / ((1 << bits) - 1) for bits in range(17, 0, -1)]
    for step in steps:
        rows = [s / step for s in scale], [o / step for o in offset]
        fits = max(abs(n) for n in rows[1]) <= OFFSET_LIMIT
        if fits and all(n.denominator == 1 for row in rows for n in row):
            break
    else:
        step = next(
            (
                greatest / (1 << bits)
                for bits in range(16, -1, -1)
                if max(abs(o) for o in offset) * (1 << bits) <= OFFSET_LIMIT * greatest
            ),
            Fraction(0),
        )
    if not step:
        raise NetworkError("the offsets of the logits are too far apart for their scales")
    both = [np.array([round(n / step) for n in row], object) for row in (scale, offset)]
    return both[0], both[1], step


def keeps_orders(
    real_scale: Fractions, real_offset: Fractions, scale: Fractions, offset: Fractions, span: int
) -> bool:
    """Whether integers compare as the real logits do, for all inputs: true only if proven.

    Where all scales are equal, ``n - m`` is compared with a difference of offsets: both compare
    alike if both lie between the same two integers, or on the same one.
    """
    if not (is_uniform(real_scale) and is_uniform(scale)) or real_scale[0] <= 0:
        return False
    real, whole = real_offset / real_scale[0], offset / Fraction(int(scale[0]))
    for a in range(len(real)):
        for b in range(a):
            one, other = real[a] - real[b], whole[a] - whole[b]
            if abs(one) > span and abs(other) > span and (one > 0) == (other > 0):
                continue
            if one // 1 != other // 1 or (one % 1 == 0) != (other % 1 == 0):
                return False
    return True
