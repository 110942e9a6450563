"""From integers, codes or pixels to the codes behind a quantiser."""

from dataclasses import replace

import numpy as np

from subbit.sw.importers.exact.fold import fold, levels_between
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.pixels import PIXELS
from subbit.sw.importers.exact.quantiser import Quantiser
from subbit.sw.importers.exact.rounding import Within
from subbit.sw.importers.exact.value import Value
from subbit.sw.ir import INPUT, Encoding, MaxPool2d, TensorType

__all__ = ["to_codes"]

MAX_LEVELS = 256
MAX_THRESHOLDS = 1 << 21


def to_codes(builder: NetworkBuilder, op: Op, value: Value, quantiser: Quantiser) -> Value:
    """The codes behind a quantiser; integers before it get thresholds, pixels a preprocessing."""
    if value.raw:
        return of_pixels(builder, op, value, quantiser)
    if value.kind.is_code:
        same = unchanged(value, quantiser)
        if same is not None and value.pool_at is None:
            return same
        value = builder.integers(op, value)
    return thresholds(builder, op, value, quantiser)


def of_pixels(builder: NetworkBuilder, op: Op, value: Value, quantiser: Quantiser) -> Value:
    """Pixels quantised: by the host where this is the first to ask, else by thresholds."""
    codes = quantiser.codes(value.run(PIXELS[:, None])).T
    if quantiser.levels is None:
        quantiser = from_level(quantiser, int(codes.min()), int(codes.max()))
        codes = codes - codes.min()
    pixels = builder.pixels
    if pixels.table is not None and pixels.is_raw:
        return thresholds(builder, op, builder.integers(op, value), quantiser)
    falling = bool((np.diff(codes, axis=1) < 0).any())
    count = quantiser.levels or int(codes.max()) + 1
    if falling or count > MAX_LEVELS:
        raise op.refuse(
            "the codes of the pixels fall or are too many", "quantise pixels to 1 to 8 rising bits"
        )
    if pixels.table is not None and not np.array_equal(pixels.table, codes):
        raise op.refuse(
            "it quantises the pixels in another way than another node",
            "quantise the input once, for all paths",
        )
    pixels.table, pixels.bits = codes, (count - 1).bit_length()
    value = coded(value, quantiser, count, INPUT, encoding_of(quantiser))
    builder.types[INPUT] = value.kind
    builder.folded[INPUT] = [step.node for step in value.steps] + [op.name]
    return replace(value, steps=(), raw=False)


def from_level(quantiser: Quantiser, least: int, greatest: int) -> Quantiser:
    """The quantiser with its levels counted from the least that occurs."""
    base = quantiser.base + least * quantiser.step
    return Quantiser(quantiser.run, base, quantiser.step, greatest - least + 1)


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
    low, high = builder.kind(value.name).value_range
    count = quantiser.levels
    if count is None:
        least, greatest = levels_between(value, low, high, quantiser)
        count = greatest - least + 1
        quantiser = from_level(quantiser, least, greatest)
    if count > MAX_LEVELS or count * value.kind.channels > MAX_THRESHOLDS:
        raise op.refuse(f"it has {count} levels", "quantise to 1 to 8 bits, channel by channel")
    builder.charge(op, count * value.kind.channels * (1 + len(value.steps)))
    encoding = encoding_of(quantiser)
    layer = fold(value, low, high, quantiser, max(count, 2), encoding)
    if value.pool_at is not None and not layer.rising.all():
        value = builder.pooled(op, value)
    origin = [step.node for step in value.steps] + [op.name]
    name = builder.put("act", layer, value.name, origin=origin)
    if value.pool_at is not None:
        name = builder.put("pool", MaxPool2d(), name)
    made = coded(value, quantiser, max(count, 2), name, encoding)
    made = replace(made, steps=(), pool_at=None)
    pooled = value.pool_at is not None
    builder.mark(op, made, Within(value, builder.kind(value.name), quantiser, pooled))
    return made
