"""Units of every kind at realistic sizes, whose costs are compared with the circuits."""

from collections.abc import Iterator

import numpy as np

from subbit.hw.contract.unit import Lanes
from subbit.hw.layers.add import AddUnit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.hw.post.affine import AffineUnit
from subbit.hw.post.threshold import ThresholdUnit
from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.fork import ForkUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.bench.case import UnitCase, affine, chance, same, thresholds
from subbit.sw.bench.engine_cases import dot_cases, lookup_cases, unrolled_cases
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["UnitCase", "unit_cases"]

UNSIGNED = Encoding.UNSIGNED
# Two or more of every kind, those that are mapped in the least time.
QUICK = frozenset(
    (
        *("downsize 64 lanes of 4 bits by 16", "downsize 72 lanes of 2 bits by 3"),
        *("upsize to 64 lanes of 4 bits by 16", "upsize to 72 lanes of 2 bits by 3"),
        "upsize of 4 runs of 8 lanes by 8",
        *("fifo 32 bits by 16", "fifo 72 bits by 512", "fork 16 bits to 2", "fork 128 bits to 3"),
        *("deal 16 lanes of 4 pixels", "deal 64 lanes of 7 pixels"),
        *("replay 32 bits, 98 words", "replay 144 bits, 1 words"),
        *("window, chunks", "window, whole pixels", "window, in block RAM"),
        *("threshold of 1 bit, 4 lanes", "threshold of 2 bits, search"),
        *("affine, 4 lanes", "affine by a shift", "add, 4 lanes", "add, 16 lanes"),
        *("max pool of 1 bit, 4 lanes", "max pool of 2 bits, 16 lanes"),
        *("average pool, 4 lanes", "average pool, 16 lanes"),
        *("global pool, 4 lanes", "global pool of sums", "argmax of 10", "argmax of 100"),
        *("dot, block RAM", "dot, 2-bit inputs", "dot, codebook of 16", "dot, tile"),
        *("shared rows", "shared rows, scales", "dot, 2 rows of pixels"),
        *("shared rows, all outputs at once", "shared rows, scales at once"),
        *("depthwise, 4 channels of 1 bits", "depthwise, masks", "depthwise, 2 pixels"),
        *("lookup, 4 lanes", "lookup, 8 lanes, masks", "block lookup", "block lookup, masks"),
        *("unrolled, 8 x 36", "unrolled, border", "unrolled, sums"),
    )
)


def unit_cases(*, quick: bool = False) -> list[UnitCase]:
    """Every case, or those of QUICK."""
    engines = (dot_cases, lookup_cases, unrolled_cases)
    tables = (stream_cases, window_cases, layer_cases, *engines)
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


def window_cases() -> Iterator[UnitCase]:
    """Windows: of chunks and of whole pixels, with masks and without, of several pixels."""
    bits1 = TensorType.codes(12, 24, 32, 1)
    pixels8 = TensorType.codes(28, 28, 1, 8, UNSIGNED)
    few = TensorType.codes(14, 14, 8, 2)
    wide = TensorType.codes(16, 16, 64, 1)
    zero, minus, none = Padding.ZERO, Padding.MINUS, Padding.NONE
    yield same(
        "window, chunks, masks",
        WindowUnit(input=bits1, kernel=3, stride=1, padding=zero, channels=16, folds=4),
    )
    yield same(
        "window, chunks",
        WindowUnit(input=bits1, kernel=3, stride=1, padding=minus, channels=8, folds=8),
    )
    yield same(
        "window, whole pixels",
        WindowUnit(input=few, kernel=3, stride=1, padding=minus, channels=8, folds=16),
    )
    yield same(
        "window, payload delay",
        WindowUnit(
            input=few, kernel=3, stride=1, padding=minus, channels=8, folds=16, payload_delay=2
        ),
    )
    yield same(
        "window, 5x5 of 8 bits",
        WindowUnit(input=pixels8, kernel=5, stride=1, padding=zero, channels=1, folds=8),
    )
    yield same(
        "window, stride 2",
        WindowUnit(input=bits1, kernel=3, stride=2, padding=minus, channels=32, folds=4),
    )
    yield same(
        "window, 1x1",
        WindowUnit(input=bits1, kernel=1, stride=1, padding=none, channels=8, folds=4),
    )
    yield same(
        "window, 4 pixels",
        WindowUnit(input=wide, kernel=3, stride=1, padding=minus, channels=16, folds=4, pixels=4),
    )
    yield same(
        "window, direct",
        WindowUnit(input=few, kernel=3, stride=1, padding=none, channels=8, folds=1),
    )
    yield same(
        "window, in block RAM",
        WindowUnit(
            input=wide,
            kernel=3,
            stride=1,
            padding=minus,
            channels=8,
            folds=4,
            memory="block",
            pixels=1,
            buffers="block",
        ),
    )


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
