"""The end of a network: real logits as integers whose greatest is the same."""

from dataclasses import replace
from fractions import Fraction
from math import gcd, lcm
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.mark import End, Mark
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.picking import Ended
from subbit.sw.importers.exact.rounding import error_of, steps_error
from subbit.sw.importers.exact.value import Fractions, Value, is_uniform
from subbit.sw.ir import Affine, Argmax

__all__ = ["finish_network", "fixed_point", "keeps_orders"]

Ints = NDArray[np.int64]
SCALE_LIMIT = (1 << 17) - 1
OFFSET_LIMIT = (1 << 39) - 1


def finish_network(builder: NetworkBuilder, op: Op, given: Value | Ended, source: str) -> End:
    """Append what the class depends on: scale and offset where they differ, and the argmax.

    ``source``: the source's last tensor, which is ``given``. A map, or a single number, stays as it
    is. Where the graph ends in a class, or in one for each pixel, so does the network. ``op``: the
    last node.
    """
    ended = given if isinstance(given, Ended) else None
    value = given.value if isinstance(given, Ended) else given
    op = op if ended is None else ended.op
    row = value.index.size in (value.index.shape[0], value.kind.channels)
    if value.index.size == 1 or (ended is None and not row):
        mark = numbers_of(builder, op, value, source)
        return End(source, "numbers", mark)
    of_pixels = ended is not None and ended.gives == "class" and bool(value.map_axes)
    value = value if of_pixels else builder.flattened(op, value)
    if not of_pixels and not np.array_equal(
        value.index.reshape(-1), np.arange(value.kind.channels)
    ):
        raise op.refuse("the classes are rearranged", "leave the last outputs in their order")
    tensor = source if ended is None else ended.source
    last, least = (ended is not None and ended.last), (ended is not None and ended.least)
    mark = logits_of(builder, op, value, tensor, least, last)
    compare_too(builder, mark)
    builder.put("argmax", Argmax(), mark.name)
    rounded = builder.notes.get("logits", {}).get("order") == "measured"
    if ended is None:
        return End(source, "logits", mark, rounded=rounded)
    gives: Literal["class", "ranks"] = "class" if ended.gives == "class" else "ranks"
    return End(source, gives, mark, ended.curved, rounded)


def compare_too(builder: NetworkBuilder, mark: Mark) -> None:
    """Note that the last numbers are to be compared, unless they are already, and what they stand
    for.
    """
    known = [(other.source, other.name) for other in builder.marks]
    if (mark.source, mark.name) not in known:
        builder.marks.append(mark)
    builder.notes["output"] = {"scale": plain(mark.scale), "offset": plain(mark.offset)}


def settled_error(
    builder: NetworkBuilder, op: Op, value: Value
) -> tuple[Value, NDArray[np.float64]]:
    """``value`` settled, and how far the source's rounding may be from it."""
    ready = builder.pooled(op, builder.decided(op, value))
    done = builder.settled(op, ready)
    if ready.line() is None:
        # A quantiser's levels: the source rounds them once.
        return done, error_of(done.kind, done.scale, done.offset)
    return done, steps_error(ready, ready.kind)


def numbers_of(builder: NetworkBuilder, op: Op, value: Value, source: str) -> Mark:
    """Numbers that are no logits, as they are; the report says what they stand for."""
    value, error = settled_error(builder, op, value)
    row = value.name, value.kind, value.scale, value.offset, value.index
    mark = Mark(source, op.name, *row, error=error)
    compare_too(builder, mark)
    return mark


def plain(numbers: Fractions) -> float | list[float]:
    """The numbers for a report: one where all are equal."""
    return float(numbers[0]) if is_uniform(numbers) else [float(n) for n in numbers]


def logits_of(
    builder: NetworkBuilder, op: Op, value: Value, source: str, least: bool, last: bool
) -> Mark:
    """Integers whose greatest is in the place that the source picks: of the greatest logit, or of
    the ``least``; of equal ones the first, or the ``last``.
    """
    value, error = settled_error(builder, op, value)
    if value.kind.is_code:
        value = builder.integers(op, value)
    sign = -1 if least else 1
    kept, slack = replace(value, scale=sign * value.scale, offset=sign * value.offset), None
    if not (is_uniform(kept.scale) and is_uniform(kept.offset) and kept.scale[0] > 0 and not last):
        kept, slack = affine(builder, op, kept, last)
    row = kept.name, kept.kind, sign * kept.scale, sign * kept.offset, kept.index
    return Mark(source, op.name, *row, error=error, slack=slack)


def affine(
    builder: NetworkBuilder, op: Op, value: Value, last: bool
) -> tuple[Value, NDArray[np.float64]]:
    """The logits as integers of one scale, by the widest factors that an Affine layer has.

    Of equal ones the ``last`` shall be the greatest: all are then multiplied, and each has its
    place added. Also returns how far each may be from the logit, in those integers.
    """
    try:
        scale, offset, step = fixed_point(value.scale, value.offset)
    except NetworkError as error:
        raise op.refuse(str(error), "scale the last layer's outputs alike") from None
    first = value.offset[0]
    low, high = value.kind.value_range
    off = abs(value.scale / step - scale) * max(abs(low), abs(high))
    off = off + abs((value.offset - first) / step - offset)
    exactly = not off.any()
    proven = exactly or keeps_orders(value.scale, value.offset, scale, offset, high - low)
    places = np.array([Fraction(place) for place in range(len(scale))], object)
    if last:
        scale, offset, step = scale * len(scale), offset * len(scale) + places, step / len(scale)
        wide = max(abs(scale)) > SCALE_LIMIT or max(abs(offset)) > OFFSET_LIMIT
        if wide or not exactly:
            raise op.refuse("of equal logits it picks the last", "pick the first: lowest index")
    builder.notes["logits"] = {
        "scale_bits": int(np.abs(scale).max()).bit_length() + 1,
        "order": "exact" if exactly else "proven" if proven else "measured",
    }
    layer = Affine(scale.astype(np.int64), offset.astype(np.int64))
    name = builder.put("affine", layer, value.name, origin=[op.name])
    made = replace(
        value,
        name=name,
        kind=builder.kind(name),
        scale=np.full(len(scale), step, object),
        offset=first - step * places if last else np.full(len(scale), first, object),
    )
    return made, off.astype(np.float64)


def fixed_point(scale: Fractions, offset: Fractions) -> tuple[Fractions, Fractions, Fraction]:
    """Integer scales and offsets, and the step that they multiply.

    The first offset, on which no order depends, is taken out. Where one exact step makes all of
    them integers of the hardware's width, that is taken; else the finest step that fits.
    """
    offset = offset - offset[0]
    greatest = max(abs(number) for number in scale)
    if not greatest:
        raise NetworkError("no logit depends on the input")
    step = common_step([*scale, *offset])
    widest = max(abs(number) for number in offset)
    if greatest > SCALE_LIMIT * step or widest > OFFSET_LIMIT * step:
        step = next(
            (
                greatest / (1 << bits)
                for bits in range(16, -1, -1)
                if widest * (1 << bits) <= OFFSET_LIMIT * greatest
            ),
            Fraction(0),
        )
    if not step:
        raise NetworkError("the offsets of the logits are too far apart for their scales")
    both = [np.array([round(n / step) for n in row], object) for row in (scale, offset)]
    return both[0], both[1], step


def common_step(numbers: list[Fraction]) -> Fraction:
    """The greatest fraction of which all numbers are multiples."""
    below = lcm(*(Fraction(number).denominator for number in numbers))
    return Fraction(gcd(*(int(number * below) for number in numbers)), below)


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
