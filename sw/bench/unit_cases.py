"""Units of every kind at realistic sizes, whose costs are compared with the circuits."""

from collections.abc import Iterator

import numpy as np

from subbit.hw.contract.unit import Lanes
from subbit.hw.layers.add import AddUnit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.concat import ConcatUnit
from subbit.hw.layers.depthtospace import DepthToSpaceUnit
from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.hw.layers.pad import PadUnit
from subbit.hw.layers.select import SelectUnit
from subbit.hw.layers.upsample import UpsampleUnit
from subbit.hw.layers.windowmax import WindowMaxUnit
from subbit.hw.post.affine import AffineUnit
from subbit.hw.post.threshold import ThresholdUnit
from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.fork import ForkUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.sw.bench.case import UnitCase, affine, chance, same, thresholds
from subbit.sw.bench.engine_cases import dot_cases, lookup_cases, unrolled_cases
from subbit.sw.bench.product_cases import product_cases
from subbit.sw.bench.window_cases import wide_windows, window_cases
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.depthtospace import DepthToSpace
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.layers.pad import Pad
from subbit.sw.ir.layers.select import Select
from subbit.sw.ir.layers.upsample import Upsample
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["UnitCase", "unit_cases"]

UNSIGNED = Encoding.UNSIGNED
# Two or more of every kind, those that are mapped in the least time.
QUICK = frozenset(
    (
        *("downsize 64 lanes of 4 bits by 16", "downsize 72 lanes of 2 bits by 3"),
        *("upsize to 64 lanes of 4 bits by 16", "upsize to 72 lanes of 2 bits by 3"),
        "upsize of 4 runs of 8 lanes by 8",
        "upsize to 784 lanes of 1 bits by 98, one register",
        *("fifo 32 bits by 16", "fifo 72 bits by 512", "fork 16 bits to 2", "fork 128 bits to 3"),
        *("deal 16 lanes of 4 pixels", "deal 64 lanes of 7 pixels"),
        *("replay 32 bits, 98 words", "replay 144 bits, 1 words"),
        *("window, chunks", "window, whole pixels", "window, in block RAM"),
        *("window, dilated", "window, four groups", "window, 1x7 of a row"),
        *("max pool 3x3/2, 4 lanes", "max pool 3x3/2, a row"),
        *("window, 4 pixels to 6", "window, 7 pixels to 7, folds", "window, row to half a row"),
        *("threshold of 1 bit, 4 lanes", "threshold of 2 bits, search"),
        *("affine, 4 lanes", "affine by a shift", "add, 4 lanes", "add, 16 lanes"),
        *("max pool of 1 bit, 4 lanes", "max pool of 2 bits, 16 lanes"),
        *("average pool, 4 lanes", "average pool, 16 lanes"),
        *("global pool, 4 lanes", "global pool of sums", "argmax of 10", "argmax of 100"),
        *("max pool of 1 bit, 4 pixels", "max pool of sums, 2 rows", "argmax of 10, 10 lanes"),
        *("average pool, 2 pixels", "global pool, 2 pixels", "threshold of 1 bit, 2 pixels"),
        *("dot, block RAM", "dot, 2-bit inputs", "dot, codebook of 16", "dot, tile"),
        *("products, 8 x 8 bits", "products, 2 in one"),
        *("shared rows", "shared rows, scales", "dot, 2 rows of 3 pixels"),
        *("shared rows, 4 outputs at once", "shared rows, 2 scales at once"),
        *("depthwise, 4 channels of 1 bits", "depthwise, masks", "depthwise, 2 pixels of 8"),
        *("lookup, 4 lanes", "lookup, 8 lanes, masks"),
        *("block lookup, 32 outputs", "block lookup, 16 outputs, masks"),
        *("concat of 2, 8 lanes", "concat of 3, whole pixels", "select half, 8 lanes"),
        *("select, whole pixels", "upsample by 2, 8 lanes", "upsample columns, 4 lanes"),
        *("blocks of 2, 4 lanes", "blocks of 2, 2 pixels of sums"),
        *("pad, 8 lanes", "pad, a row", "replay 8 bits, 16 words in another order"),
        *("unrolled, 8 x 36", "unrolled, border", "unrolled, sums"),
        *("folded by 2, sums", "folded by 4, 8-bit inputs", "folded by 2, border"),
    )
)


def unit_cases(*, quick: bool = False) -> list[UnitCase]:
    """Every case, or those of QUICK."""
    tables = (
        *(stream_cases, window_cases, wide_windows, layer_cases, wide_cases, rearranged_cases),
        *(dot_cases, product_cases, lookup_cases, unrolled_cases),
    )
    cases = [case for table in tables for case in table()]
    return [case for case in cases if not quick or case.name in QUICK]


def stream_cases() -> Iterator[UnitCase]:
    """What moves beats."""
    for lanes, bits, ratio in ((64, 4, 16), (16, 1, 4), (72, 2, 3)):
        name = f"{lanes} lanes of {bits} bits by {ratio}"
        yield same(
            f"downsize {name}", DownsizeUnit(element=Lanes(lanes, bits), ratio=ratio, beats=64)
        )
        yield same(
            f"upsize to {name}",
            UpsizeUnit(element=Lanes(lanes // ratio, bits), ratio=ratio, beats=64 * ratio),
        )
    runs = UpsizeUnit(element=Lanes(32, 1), ratio=8, beats=64, runs=4)
    yield same("upsize of 4 runs of 8 lanes by 8", runs)
    for lanes, bits, ratio in ((784, 1, 98), (192, 8, 192)):
        element = Lanes(lanes // ratio, bits)
        yield same(
            f"upsize to {lanes} lanes of {bits} bits by {ratio}, one register",
            UpsizeUnit(element=element, ratio=ratio, beats=ratio, single=True),
        )
    for width, depth, memory in (
        (8, 64, "auto"),
        (32, 16, "auto"),
        (72, 512, "auto"),
        (16, 2, "auto"),
    ):
        yield same(
            f"fifo {width} bits by {depth}",
            FifoUnit(element=Lanes(width, 1), depth=depth, beats=64, memory=memory),
        )
    for width, branches in ((16, 2), (128, 3)):
        yield same(
            f"fork {width} bits to {branches}",
            ForkUnit(element=Lanes(width, 1), branches=branches, beats=64),
        )
    for lanes, pixels, passes, pe in ((16, 4, 8, 1), (64, 7, 4, 4)):
        deal = DealUnit(pixel=Lanes(lanes, 1), passes=pixels, groups=passes, pixels=4, pe=pe)
        yield same(f"deal {lanes} lanes of {pixels} pixels", deal)
    for width, words, folds in ((32, 98, 8), (8, 2, 8), (144, 1, 16), (64, 12, 5)):
        replay = ReplayUnit(element=Lanes(width, 1), words=words, folds=folds, vectors=4)
        yield same(f"replay {width} bits, {words} words", replay)
    for width, words, folds in ((1, 64, 10), (6, 16, 8), (16, 8, 3)):
        ring = ReplayUnit(
            element=Lanes(width, 1), words=words, folds=folds, vectors=4, memory="registers"
        )
        yield same(f"replay {width} bits, {words} words in registers", ring)


def rearranged_cases() -> Iterator[UnitCase]:
    """Layers that move elements: concatenations, selections, upsampling, borders."""
    small, sums = TensorType.codes(14, 14, 32, 2), TensorType.integers(14, 14, 32, -900, 900)
    few, bytes_ = TensorType.codes(14, 14, 16, 2), TensorType.codes(14, 14, 16, 8, UNSIGNED)
    for parts, name, lanes in (
        ((small, small), "2, 8 lanes", 8),
        ((small, few, few), "3, 4 lanes", 4),
        ((sums, small), "2 unlike, 4 lanes", 4),
        ((small, few, few), "3, whole pixels", 64),
        ((sums, sums), "2 sums, whole pixels", 64),
    ):
        yield same(f"concat of {name}", ConcatUnit(parts=parts, lanes=lanes))
    half, shuffle = Select.slice(0, 16), Select.shuffle(32, 4)
    yield same("select half, 8 lanes", SelectUnit(layer=half, input=sums, lanes=8))
    yield same("select, whole pixels", SelectUnit(layer=shuffle, input=small, lanes=32))
    yield same("select half, 2 pixels", SelectUnit(layer=half, input=small, lanes=64))
    for bits, words, lanes in ((8, 16, 1), (16, 60, 2)):
        order = tuple(chance().permutation(words).tolist())
        yield same(
            f"replay {bits} bits, {words} words in another order",
            ReplayUnit(
                element=Lanes(lanes, bits // lanes), words=words, folds=1, vectors=4, order=order
            ),
        )
    for name, layer, x, lanes in (
        ("by 2, 8 lanes", Upsample(2, 2), small, 8),
        ("by 4, a pixel", Upsample(4, 4), bytes_, 16),
        ("by 2, 2 pixels", Upsample(2, 2), bytes_, 32),
        ("columns, 4 lanes", Upsample(1, 2), small, 4),
        ("columns, a pixel", Upsample(1, 4), few, 16),
        ("rows, a row", Upsample(2, 1), few, 16 * 14),
        ("by 2, sums, 2 lanes", Upsample(2, 2), sums, 2),
    ):
        yield same(f"upsample {name}", UpsampleUnit(layer=layer, input=x, lanes=lanes))
    for name, block, x, lanes in (
        ("2, 4 lanes", DepthToSpace(2, 2), small, 4),
        ("2, a pixel", DepthToSpace(2, 2), bytes_, 8),
        ("2, 2 pixels of sums", DepthToSpace(2, 2), sums, 32),
        ("4 rows, 2 lanes", DepthToSpace(4, 1), few, 2),
        ("2, rows at once", DepthToSpace(2, 2), few, 16 * 14),
    ):
        yield same(f"blocks of {name}", DepthToSpaceUnit(layer=block, input=x, lanes=lanes))
    for name, border, x, lanes in (
        ("8 lanes", Pad(1, 1, 1, 1, 3), small, 8),
        ("a pixel of sums", Pad(0, 1, 2, 1), sums, 32),
        ("a row", Pad(1, 1, 1, 1, 1), few, 16 * 14),
        ("codes as integers, 4 lanes", Pad(1, 2, 1, 2), small, 4),
    ):
        yield same(f"pad, {name}", PadUnit(layer=border, input=x, lanes=lanes))


def layer_cases() -> Iterator[UnitCase]:
    """Layers between two streams."""
    small, sums = TensorType.codes(14, 14, 32, 2), TensorType.integers(14, 14, 32, -900, 900)
    for lanes in (4, 16):
        yield same(
            f"threshold of 1 bit, {lanes} lanes",
            ThresholdUnit(layer=thresholds(32, 99), input=sums, lanes=lanes),
        )
        yield same(f"affine, {lanes} lanes", AffineUnit(layer=affine(32), input=sums, lanes=lanes))
        yield same(f"add, {lanes} lanes", AddUnit(layer=Add(), left=sums, right=sums, lanes=lanes))
        yield same(
            f"max pool of 1 bit, {lanes} lanes",
            MaxPool2dUnit(input=TensorType.codes(28, 28, 32, 1), lanes=lanes),
        )
        yield same(f"max pool of 2 bits, {lanes} lanes", MaxPool2dUnit(input=small, lanes=lanes))
        yield same(
            f"average pool, {lanes} lanes",
            AvgPool2dUnit(layer=AvgPool2d(2), input=small, lanes=lanes),
        )
        yield same(f"global pool, {lanes} lanes", GlobalAvgPoolUnit(input=small, lanes=lanes))
        yield same(
            f"max pool 3x3/2, {lanes} lanes",
            WindowMaxUnit(layer=MaxPool2d(3, 2, (1, 1, 1, 1)), input=small, lanes=lanes),
        )
    shifted = Affine(np.full(32, 4), chance().integers(-999, 999, 32))
    yield same("affine by a shift", AffineUnit(layer=shifted, input=sums, lanes=4))
    yield same("add of codes", AddUnit(layer=Add(1, 0), left=small, right=sums, lanes=8))
    yield same(
        "max pool of sums", MaxPool2dUnit(input=TensorType.integers(8, 8, 16, -500, 500), lanes=4)
    )
    yield same(
        "average pool, overlapping",
        AvgPool2dUnit(
            layer=AvgPool2d(3, 1), input=TensorType.codes(12, 12, 16, 4, UNSIGNED), lanes=4
        ),
    )
    yield same(
        "max pool 3x3/1 of sums",
        WindowMaxUnit(
            layer=MaxPool2d(3, 1, (1, 1, 1, 1)),
            input=TensorType.integers(8, 8, 16, -500, 500),
            lanes=4,
        ),
    )
    yield same(
        "average pool, padded",
        AvgPool2dUnit(layer=AvgPool2d(3, 2, (1, 1, 1, 1)), input=small, lanes=8),
    )
    yield same(
        "global pool of sums",
        GlobalAvgPoolUnit(input=TensorType.integers(7, 7, 64, -30, 30), lanes=8),
    )
    for bits, form in ((2, "search"), (2, "tree"), (3, "auto"), (4, "search")):
        unit = ThresholdUnit(layer=thresholds(32, 300, bits), input=sums, lanes=4, form=form)
        yield same(f"threshold of {bits} bits, {form}", unit)
    for classes, reach in ((10, 500), (100, 4000)):
        yield same(
            f"argmax of {classes}",
            ArgmaxUnit(input=TensorType.integers(1, 1, classes, -reach, reach)),
        )

    for lanes in (1, 3, 21):
        logits = TensorType.integers(8, 8, 21, -900, 900)
        yield same(f"argmax of a map of 21, {lanes} lanes", ArgmaxUnit(input=logits, lanes=lanes))


def wide_cases() -> Iterator[UnitCase]:
    """Layers whose beats hold several pixels or rows, and several logits."""
    bits1, small = TensorType.codes(28, 28, 8, 1), TensorType.codes(14, 14, 8, 2)
    sums, few = TensorType.integers(14, 14, 8, -900, 900), TensorType.integers(4, 6, 2, -900, 900)
    for name, pixels in (("4 pixels", 4), ("7 pixels", 7), ("a row", 28), ("2 rows", 56)):
        yield same(f"max pool of 1 bit, {name}", MaxPool2dUnit(input=bits1, lanes=8 * pixels))
    yield same("max pool of 1 bit, 7 rows", MaxPool2dUnit(input=bits1, lanes=8 * 28 * 7))
    yield same("max pool of 2 bits, 2 pixels", MaxPool2dUnit(input=small, lanes=16))
    yield same("max pool of 2 bits, 2 rows", MaxPool2dUnit(input=small, lanes=8 * 28))
    yield same("max pool of sums, 2 pixels", MaxPool2dUnit(input=sums, lanes=16))
    eights = TensorType.codes(8, 8, 4, 8, UNSIGNED)
    yield same("max pool of 8 bits, a row", MaxPool2dUnit(input=eights, lanes=32))
    yield same("max pool of sums, 2 rows", MaxPool2dUnit(input=few, lanes=24))
    yield same(
        "max pool 3x3/2, a row",
        WindowMaxUnit(layer=MaxPool2d(3, 2, (1, 1, 1, 1)), input=small, lanes=8 * 14),
    )
    for name, x, lanes in (
        ("2 pixels", small, 16),
        ("a row", small, 8 * 14),
        ("2 rows", small, 8 * 28),
        ("2 rows of 1 bit", bits1, 8 * 56),
        ("2 rows of sums", few, 24),
    ):
        yield same(f"average pool, {name}", AvgPool2dUnit(layer=AvgPool2d(2), input=x, lanes=lanes))
    fours = TensorType.codes(12, 12, 2, 4, UNSIGNED)
    for stride in (1, 2):
        yield same(
            f"average pool, overlapping, stride {stride}, a row",
            AvgPool2dUnit(layer=AvgPool2d(3, stride), input=fours, lanes=24),
        )
    for name, x, lanes in (
        ("2 pixels", small, 16),
        ("a row", small, 8 * 14),
        ("a row of 1 bit", bits1, 8 * 28),
        ("a frame", TensorType.codes(7, 7, 4, 2), 4 * 49),
        ("a frame of sums", TensorType.integers(4, 4, 2, -30, 30), 32),
    ):
        yield same(f"global pool, {name}", GlobalAvgPoolUnit(input=x, lanes=lanes))
    for classes, lanes in ((10, 2), (10, 5), (10, 10), (100, 10)):
        logits = TensorType.integers(1, 1, classes, -30000, 30000)
        yield same(f"argmax of {classes}, {lanes} lanes", ArgmaxUnit(input=logits, lanes=lanes))
    for name, pixels in (("a pixel", 1), ("2 pixels", 2), ("a row", 14)):
        unit = ThresholdUnit(layer=thresholds(8, 300), input=sums, lanes=8 * pixels)
        yield same(f"threshold of 1 bit, {name}", unit)
    for form in ("search", "tree"):
        unit = ThresholdUnit(layer=thresholds(8, 300, 2), input=sums, lanes=16, form=form)
        yield same(f"threshold of 2 bits, {form}, 2 pixels", unit)
    yield same("affine, a pixel", AffineUnit(layer=affine(8), input=sums, lanes=8))
    yield same("affine, 2 pixels", AffineUnit(layer=affine(8), input=sums, lanes=16))
    yield same("add, 2 pixels", AddUnit(layer=Add(), left=sums, right=sums, lanes=16))
    yield same(
        "add, a row of codes", AddUnit(layer=Add(1, 0), left=small, right=sums, lanes=8 * 14)
    )
