"""From integers, codes or pixels to the codes behind a quantiser."""

from dataclasses import replace

import numpy as np

from subbit.sw.importers.exact.fold import Turning, fold, fold_turning, levels_between
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.pixels import PIXELS
from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.reachable import few_levels, reached_levels
from subbit.sw.importers.exact.rounding import Within
from subbit.sw.importers.exact.value import Value
from subbit.sw.ir import INPUT, Add, Encoding, TensorType, Threshold

__all__ = ["MAX_LEVELS", "codes_on_demand", "to_codes"]

MAX_LEVELS = 256
MAX_THRESHOLDS = 1 << 21
# Integers that are looked at in the time that one element is charged with.
LOOKED_AT = 8


def to_codes(builder: NetworkBuilder, op: Op, value: Value, quantiser: Quantiser) -> Value:
    """The codes behind a quantiser; integers before it get thresholds, pixels a preprocessing."""
    if any(value.margins):
        return around(builder, op, value, quantiser)
    if value.raw:
        return of_pixels(builder, op, value, quantiser)
    if value.kind.is_code:
        same = unchanged(value, quantiser)
        if same is not None and value.pool_at is None:
            return same
        value = builder.integers(op, value)
    return thresholds(builder, op, value, quantiser)


def around(builder: NetworkBuilder, op: Op, value: Value, quantiser: Quantiser) -> Value:
    """The codes of a map that zeros surround, of which the quantiser makes zeros."""
    zeros = np.zeros((1, value.kind.channels), np.float32)
    if quantiser.run(zeros).any():
        raise op.refuse("it makes another number of the zeros of a Pad", "pad behind it")
    made = to_codes(builder, replace(op, outputs=("",)), value.without_margins(), quantiser)
    builder.marks[:] = [mark for mark in builder.marks if mark.source]
    return replace(made, margins=value.margins)


def of_pixels(builder: NetworkBuilder, op: Op, value: Value, quantiser: Quantiser) -> Value:
    """Pixels quantised: by the host where this is the first to ask, else by thresholds."""
    codes = quantiser.codes(value.run(PIXELS[:, None])).T
    if quantiser.levels is None:
        quantiser = quantiser.coarsened({int(code) for code in np.unique(codes)})
        codes = quantiser.codes(value.run(PIXELS[:, None])).T
    pixels = builder.pixels
    falling = bool((np.diff(codes, axis=1) < 0).any())
    if falling or (pixels.table is not None and pixels.is_raw):
        return thresholds(builder, op, builder.integers(op, value), quantiser)
    count = quantiser.levels or int(codes.max()) + 1
    if count > MAX_LEVELS:
        raise op.refuse("the codes of the pixels are too many", "quantise pixels to 1 to 8 bits")
    if pixels.table is not None and not np.array_equal(pixels.table, codes):
        raise op.refuse(
            "it quantises the pixels in another way than another node",
            "quantise the input once, for all paths",
        )
    pixels.table, pixels.bits = codes, max((count - 1).bit_length(), 1)
    value = coded(value, quantiser, count, INPUT, encoding_of(quantiser))
    builder.types[INPUT] = value.kind
    builder.folded[INPUT] = [step.node for step in value.steps] + [op.name]
    return replace(value, steps=(), raw=False)


def encoding_of(quantiser: Quantiser) -> Encoding:
    """Unsigned where the least level is 0, so that zero padding adds nothing; else bipolar."""
    unsigned = quantiser.levels and all(base == 0 for base in quantiser.base)
    return Encoding.UNSIGNED if unsigned else Encoding.BIPOLAR


def coded(value: Value, quantiser: Quantiser, count: int, name: str, encoding: Encoding) -> Value:
    """``value`` as codes of the quantiser in the Network's tensor ``name``."""
    bits = max((count - 1).bit_length(), 1)
    kind = TensorType.codes(*value.kind.shape, bits, encoding)
    scale, offset = quantiser.step, quantiser.base
    if encoding is Encoding.BIPOLAR:
        scale, offset = scale / 2, offset + scale * ((1 << bits) - 1) / 2
    return replace(value, name=name, kind=kind, scale=scale, offset=offset, levels=count)


def unchanged(value: Value, quantiser: Quantiser) -> Value | None:
    """``value`` without its steps if quantiser and steps change none of its codes, else None.

    What comes out may be the numbers before the steps, or those behind them if they are linear.
    """
    kind = value.kind
    count = value.levels or kind.high + 1
    numbers = np.arange(count)[:, None]
    if kind.encoding is Encoding.BIPOLAR:
        numbers = 2 * numbers - kind.high
    after = quantiser.base + quantiser.codes(value.run(numbers)).astype(object) * quantiser.step
    for line in ((value.scale, value.offset), value.line()):
        if line is not None and (after == line[0] * numbers.astype(object) + line[1]).all():
            return replace(value, scale=line[0], offset=line[1], steps=())
    return None


def thresholds(builder: NetworkBuilder, op: Op, value: Value, quantiser: Quantiser) -> Value:
    """Integers behind a threshold layer, and behind the pooling that was to come."""
    turning = not (value.monotone and quantiser.monotone)
    if turning and value.pool_at is not None:
        return to_codes(builder, op, builder.pooled(op, value), quantiser)
    low, high = builder.kind(value.name).value_range
    if turning:
        builder.charge(op, (high - low + 1) * value.kind.channels // LOOKED_AT)
    found = quantiser
    if quantiser.levels is None:
        found = quantiser.from_level(*levels_between(value, low, high, quantiser))
    count = found.levels or 1
    if count > MAX_LEVELS or count * value.kind.channels > MAX_THRESHOLDS:
        raise op.refuse(f"it has {count} levels", "quantise to 1 to 8 bits, channel by channel")
    builder.charge(op, count * value.kind.channels * (1 + len(value.steps)))
    layer = folded(value, low, high, found, turning)
    if quantiser.levels is None and isinstance(layer, Threshold):
        fewer = found.coarsened(reached_levels(builder, value.name, layer))
        if fewer.levels != found.levels:
            found, layer = fewer, folded(value, low, high, fewer, turning)
    if value.pool_at is not None and not pools_behind(builder, value, layer):
        return to_codes(builder, op, builder.pooled(op, value), quantiser)
    made = behind(builder, op, value, found, layer)
    pool = None if value.pool_at is None else value.pool
    builder.mark(op, made, Within(value, builder.kind(value.name), found, pool))
    return made


def pools_behind(builder: NetworkBuilder, value: Value, layer: Threshold | Turning) -> bool:
    """Whether the greatest code is that of the greatest number that is pooled: whether in every
    channel codes rise where these numbers rise, and fall where they fall.
    """
    if not isinstance(layer, Threshold):
        return False
    low, high = builder.kind(value.name).value_range
    before = replace(value, steps=value.steps[: value.pool_at], pool_at=None)
    first, last = before.run(np.array([[low], [high]]).repeat(value.kind.channels, axis=1))
    constant = ((layer.thresholds <= low) | (layer.thresholds > high)).all(axis=1)
    same = (first == last) | (layer.rising.astype(bool) == (first < last))
    return bool((constant | same).all())


def folded(
    value: Value, low: int, high: int, quantiser: Quantiser, turning: bool
) -> Threshold | Turning:
    """The thresholds of a quantiser whose levels are known."""
    count, encoding = max(quantiser.levels or 2, 2), encoding_of(quantiser)
    if turning:
        return fold_turning(value, low, high, quantiser, count, encoding)
    return fold(value, low, high, quantiser, count, encoding)


def behind(
    builder: NetworkBuilder, op: Op, value: Value, quantiser: Quantiser, layer: Threshold | Turning
) -> Value:
    """The codes behind the thresholds, and behind the pooling that was to come."""
    origin = [step.node for step in value.steps]
    origin = origin if op.name in origin else [*origin, op.name]
    count = max(quantiser.levels or 2, 2)
    if isinstance(layer, Turning):
        value = replace(value, name=joined(builder, value.name, layer))
        layer = counted(builder, value.name, layer, count, encoding_of(quantiser))
    name = builder.put("act", layer, value.name, origin=origin)
    if value.pool_at is not None:
        name = builder.put("pool", value.pool, name)
    made = coded(value, quantiser, count, name, encoding_of(quantiser))
    return replace(made, steps=(), pool_at=None)


def joined(builder: NetworkBuilder, name: str, layer: Turning) -> str:
    """The integers ``up + down`` behind the tensor ``name``."""
    parts = [builder.put("part", part, name) for part in (layer.up, layer.down)]
    return builder.put("add", Add(), *parts)


def counted(
    builder: NetworkBuilder, name: str, layer: Turning, count: int, encoding: Encoding
) -> Threshold:
    """The thresholds that make ``count`` levels of the integers ``up + down``."""
    wanted = np.arange(1, 1 << (count - 1).bit_length())
    rows = np.minimum(wanted[None] - layer.base[:, None], builder.kind(name).high + 1)
    return Threshold(rows, np.ones(len(rows), np.uint8), encoding)


def codes_on_demand(builder: NetworkBuilder, op: Op, value: Value) -> Value | None:
    """Codes of a value whose steps give few levels; None where they give many.

    The levels are those of the grid that its steps name; else, where a step did, those that occur.
    """
    if not value.steps:
        return None
    key = (value.name, value.steps, value.waiting_pool, value.raw)
    if key not in builder.coded:
        grid = value.grid() or few_levels(builder, value)
        if grid is None:
            return None
        quantiser = Quantiser(lambda x: x, *grid, None)
        last = value.steps[-1]
        # Pooling that comes last gives a tensor that no step names.
        pools_last = value.pool_at == len(value.steps)
        named = Op(last.node, last.kind or op.kind, (), ("" if pools_last else last.tensor,), {})
        # What is compared is the step's tensor, in its order.
        index = value.index if pools_last or last.index is None else last.index
        builder.coded[key] = to_codes(builder, named, replace(value, index=index), quantiser)
    return replace(builder.coded[key], index=value.index)
