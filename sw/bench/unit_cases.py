"""Units of every kind at realistic sizes, whose costs are compared with the circuits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.dot.depthwise import DepthwiseUnit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.layers.add import AddUnit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.layers.maxpool2d import MaxPool2dUnit
from subbit.hw.lookup.block_lookup import BlockLookupUnit
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.post.affine import AffineUnit
from subbit.hw.post.threshold import ThresholdUnit
from subbit.hw.streams.deal import DealUnit
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.streams.fork import ForkUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.streams.width import DownsizeUnit, UpsizeUnit
from subbit.hw.window.border import border_of
from subbit.hw.window.window import WindowUnit
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.planes import PlanesWeights
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import BinaryWeights, CodebookWeights, TiledWeights, Weights

__all__ = ["UnitCase", "unit_cases"]

BIPOLAR, UNSIGNED = Encoding.BIPOLAR, Encoding.UNSIGNED
KERNELS = 1 << 9  # of 3x3 bits


# Two or more of every kind, those that are mapped in the least time.
QUICK = frozenset(
    (
        *("downsize 64 lanes of 4 bits by 16", "downsize 72 lanes of 2 bits by 3"),
        *("upsize to 64 lanes of 4 bits by 16", "upsize to 72 lanes of 2 bits by 3"),
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
        *("shared rows", "shared rows, scales"),
        *("depthwise, 4 channels of 1 bits", "depthwise, masks"),
        *("lookup, 4 lanes", "lookup, 8 lanes, masks", "block lookup", "block lookup, masks"),
    )
)


@dataclass(frozen=True)
class UnitCase:
    """A unit for each family: ``make`` takes the fabric, which is the form of its counters."""

    name: str
    make: Callable[[str], Unit]


def unit_cases(*, quick: bool = False) -> list[UnitCase]:
    """Every case, or those of QUICK."""
    tables = (stream_cases, window_cases, layer_cases, dot_cases, codebook_cases)
    cases = [case for table in tables for case in table()]
    return [case for case in cases if not quick or case.name in QUICK]


def chance() -> np.random.Generator:
    """The same random numbers for every case."""
    return np.random.default_rng(5)


def plain(outputs: int, *shape: int) -> Weights:
    """Binary weights."""
    return BinaryWeights(chance().integers(0, 2, (outputs, *shape), np.uint8))


def codebook(outputs: int, channels: int, tau: int) -> CodebookWeights:
    """3x3 kernels from a codebook."""
    random = chance()
    words = random.choice(KERNELS, 1 << tau, replace=False)
    bits = (words[:, None] >> np.arange(9) & 1).astype(np.uint8).reshape(-1, 3, 3)
    return CodebookWeights(bits, random.integers(0, 1 << tau, (outputs, channels)))


def tiled(outputs: int, length: int, repeats: int, scaled: bool = False) -> TiledWeights:
    """Repeats of a tile."""
    random = chance()
    tile = random.integers(0, 2, outputs * length // repeats, np.uint8)
    scales = random.integers(1, 6, repeats) if scaled else np.ones(repeats, np.int64)
    return TiledWeights((outputs, length), tile, scales)


def planes(outputs: int, *shape: int) -> Weights:
    """Weights of two bit planes."""
    bits = chance().integers(0, 2, (2, outputs, *shape), np.uint8)
    return PlanesWeights(tuple(map(BinaryWeights, bits)))


def thresholds(channels: int, reach: int, bits: int = 1) -> Threshold:
    """Thresholds within ``reach``."""
    random = chance()
    rows = random.integers(-reach, reach + 1, (channels, (1 << bits) - 1))
    return Threshold(np.sort(rows, axis=1), random.integers(0, 2, channels, np.uint8))


def affine(channels: int, *, shift: bool = False) -> Affine:
    """Scales and offsets; with ``shift`` all scales are one power of two."""
    random = chance()
    scale = np.full(channels, 4) if shift else random.integers(2, 50, channels)
    return Affine(scale, random.integers(-999, 999, channels))


def same(name: str, unit: Unit) -> UnitCase:
    """A unit without counters."""
    return UnitCase(name, lambda fabric: unit)


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
    yield same("affine by a shift", AffineUnit(layer=affine(32, shift=True), input=sums, lanes=4))
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


def dot_cases() -> Iterator[UnitCase]:
    """Direct engines of every source of weights; depthwise ones; shared rows."""

    def dot(
        name: str,
        weights: Weights,
        bits: int,
        pe: int,
        simd: int,
        **more: Any,
    ) -> UnitCase:
        reach = 3 * round((weights.row_length * ((1 << bits) - 1) ** 2) ** 0.5)
        post = thresholds(weights.shape[0], reach)
        settings: dict[str, Any] = {
            "post": post,
            "masked": False,
            "encoding": BIPOLAR,
            "vectors": 16,
            **more,
        }
        return UnitCase(
            name,
            lambda fabric: DotUnit(
                weights=weights, bits=bits, pe=pe, simd=simd, form=fabric, **settings
            ),
        )

    yield dot("dot, block RAM", plain(32, 144), 1, 4, 18, memory="block")
    yield dot("dot, logic", plain(16, 72), 1, 4, 36, memory="logic")
    yield dot("dot, portable", plain(32, 144), 1, 4, 18, memory="block")
    yield dot("dot, constant", plain(8, 36), 1, 8, 36)
    yield dot("dot, masks", plain(16, 8, 3, 3), 1, 4, 36, masked=True)
    yield dot("dot, border", plain(16, 8, 3, 3), 1, 4, 36, border=border_of((4, 4), 3, 1, 1))
    yield dot("dot, 8-bit inputs", plain(16, 25), 8, 4, 25, encoding=UNSIGNED)
    yield dot("dot, 2-bit inputs", plain(16, 72), 2, 4, 18)
    yield dot("dot, 2-bit inputs in series", plain(16, 72), 2, 4, 18, x_branches=1)
    yield dot("dot, two planes", planes(16, 72), 2, 4, 18)
    yield dot("dot, two planes in series", planes(16, 72), 2, 4, 18, w_branches=1)
    yield dot("dot, 3 bits out", plain(16, 72), 1, 4, 18, post=thresholds(16, 20, 3))
    yield dot("dot, scales", plain(16, 72), 1, 2, 18, post=affine(16))
    yield dot("dot, integers", plain(10, 288), 1, 1, 36, post=None)
    yield dot("dot, 4 pixels", plain(16, 72), 1, 4, 18, pixels=4)
    yield dot("dot, codebook", codebook(64, 32, 5), 1, 4, 36, memory="block")
    yield dot("dot, codebook of 16", codebook(32, 16, 4), 1, 8, 18, memory="block")
    yield dot("dot, tile", tiled(32, 144, 4), 1, 4, 18)
    yield dot("dot, scaled tile", tiled(32, 144, 4, True), 1, 4, 18)
    yield dot("dot, crossing tile", tiled(30, 144, 4, True), 1, 3, 18)
    yield dot("dot, large", plain(64, 32, 3, 3), 1, 16, 288, memory="block", payload_delay=2)
    yield shared_case("shared rows", 64, 144, 4, 4, 18)
    yield shared_case("shared rows, scales", 32, 72, 2, 2, 36, post=affine(32))
    for channels, bits, post in (
        (4, 1, thresholds(32, 5)),
        (8, 2, thresholds(32, 9, 2)),
        (2, 4, affine(32)),
    ):
        x = TensorType.codes(14, 14, 32, bits)
        layer = DepthwiseConv2d(plain(32, 1, 3, 3), 1, Padding.MINUS)
        yield same(
            f"depthwise, {channels} channels of {bits} bits",
            DepthwiseUnit(layer=layer, input=x, channels=channels, post=post),
        )
    masked = DepthwiseConv2d(plain(32, 1, 3, 3), 1, Padding.ZERO)
    yield same(
        "depthwise, masks",
        DepthwiseUnit(
            layer=masked, input=TensorType.codes(14, 14, 32, 1), channels=4, post=thresholds(32, 5)
        ),
    )


def shared_case(
    name: str,
    outputs: int,
    length: int,
    repeats: int,
    pe: int,
    simd: int,
    post: Threshold | Affine | None = None,
) -> UnitCase:
    """Rows that several outputs share."""
    rows = outputs // repeats
    end = post or thresholds(outputs, 3 * round(length**0.5))

    def make(fabric: str) -> Unit:
        dot = DotUnit(
            weights=plain(rows, length),
            encoding=BIPOLAR,
            bits=1,
            masked=False,
            pe=pe,
            simd=simd,
            vectors=16,
            post=None,
            memory="block",
            form=fabric,
        )
        raw = replace(dot, post=Affine(np.ones(rows, np.int64), np.zeros(rows, np.int64)))
        return SharedRowsUnit(dot=raw, repeats=repeats, post=end)

    return UnitCase(name, make)


def codebook_cases() -> Iterator[UnitCase]:
    """Engines that look dot products up."""

    def lookup(
        name: str, weights: CodebookWeights, bits: int, lanes: int, dot9: int, masked: bool = False
    ) -> UnitCase:
        post = thresholds(weights.shape[0], 3 * round(weights.row_length**0.5) << (bits - 1))
        return UnitCase(
            name,
            lambda fabric: LookupUnit(
                weights=weights,
                encoding=BIPOLAR,
                bits=bits,
                masked=masked,
                vectors=16,
                post=post,
                memory="auto",
                form=fabric,
                lanes=lanes,
                dot9=dot9,
            ),
        )

    def block(
        name: str,
        weights: CodebookWeights,
        pixels: int,
        ports: int,
        dot9: int,
        fill: str,
        masked: bool = False,
        bits: int = 1,
    ) -> UnitCase:
        post = thresholds(weights.shape[0], 3 * round(weights.row_length**0.5) << (bits - 1))
        return UnitCase(
            name,
            lambda fabric: BlockLookupUnit(
                weights=weights,
                encoding=BIPOLAR,
                bits=bits,
                masked=masked,
                vectors=8,
                post=post,
                memory="auto",
                form=fabric,
                pixels=pixels,
                ports=ports,
                dot9=dot9,
                fill=fill,
            ),
        )

    yield lookup("lookup, 4 lanes", codebook(64, 16, 5), 1, 4, 2)
    yield lookup("lookup, 8 lanes, masks", codebook(32, 16, 4), 1, 8, 4, True)
    yield lookup("lookup, 2 bits", codebook(32, 16, 4), 2, 4, 2)
    yield block("block lookup", codebook(64, 16, 5), 4, 8, 4, "logic")
    yield block("block lookup, masks", codebook(32, 16, 4), 4, 4, 4, "logic", True)
    yield block("block lookup, counts in block RAM", codebook(64, 16, 4), 8, 8, 2, "block")
    yield block("block lookup, 2 bits", codebook(32, 8, 4), 4, 4, 2, "logic", False, 2)
    yield block("block lookup, 32 ports", codebook(64, 64, 5), 8, 32, 16, "block")
