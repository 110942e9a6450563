"""Engines of every kind at realistic sizes, whose costs are compared with the circuits."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from subbit.hw.contract.unit import Unit
from subbit.hw.dot.depthwise import DepthwiseUnit
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.lookup.block_lookup import BlockLookupUnit
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.unrolled.folded import FoldedUnit
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.window.border import border_of
from subbit.sw.bench.case import UnitCase, affine, chance, dot_unit, plain, same, thresholds
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.random_weights import random_codebook, random_planes, random_tiled
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import CodebookWeights, TiledWeights, Weights
from subbit.sw.ir.window import Window

__all__ = ["dot_cases", "lookup_cases", "unrolled_cases"]

SCALES = 5  # the greatest of a scaled tile


def codebook(outputs: int, channels: int, tau: int) -> CodebookWeights:
    """3x3 kernels from a codebook."""
    return random_codebook(chance(), outputs, channels, tau)


def tiled(outputs: int, length: int, top: int = 1) -> TiledWeights:
    """Four repeats of a tile."""
    return random_tiled(chance(), (outputs, length), 4, top)


def dot(name: str, weights: Weights, bits: int, pe: int, simd: int, **more: Any) -> UnitCase:
    """A direct engine; thresholds of one bit behind it unless ``more`` says so."""
    reach = 3 * round((weights.row_length * ((1 << bits) - 1) ** 2) ** 0.5)
    settings = {"post": thresholds(weights.shape[0], reach), "bits": bits, **more}
    return UnitCase(name, lambda form: dot_unit(weights, pe=pe, simd=simd, form=form, **settings))


def dot_cases() -> Iterator[UnitCase]:
    """Direct engines of every source of weights; depthwise ones; shared rows."""
    yield dot("dot, block RAM", plain(32, 144), 1, 4, 18, memory="block")
    yield dot("dot, logic", plain(16, 72), 1, 4, 36, memory="logic")
    yield dot("dot, portable", plain(32, 144), 1, 4, 18, memory="block")
    yield dot("dot, constant", plain(8, 36), 1, 8, 36)
    yield dot("dot, masks", plain(16, 8, 3, 3), 1, 4, 36, masked=True)
    yield dot(
        "dot, border", plain(16, 8, 3, 3), 1, 4, 36, border=border_of((4, 4), Window.same(3), 1)
    )
    yield dot("dot, 8-bit inputs", plain(16, 25), 8, 4, 25, encoding=Encoding.UNSIGNED)
    yield dot("dot, 2-bit inputs", plain(16, 72), 2, 4, 18)
    yield dot("dot, 2-bit inputs in series", plain(16, 72), 2, 4, 18, x_branches=1)
    planes = random_planes(chance(), 2, (16, 72))
    yield dot("dot, two planes", planes, 2, 4, 18)
    yield dot("dot, two planes in series", planes, 2, 4, 18, w_branches=1)
    yield dot("dot, 3 bits out", plain(16, 72), 1, 4, 18, post=thresholds(16, 20, 3))
    yield dot("dot, scales", plain(16, 72), 1, 2, 18, post=affine(16))
    yield dot("dot, integers", plain(10, 288), 1, 1, 36, post=None)
    yield dot("dot, 4 pixels", plain(16, 72), 1, 4, 18, pixels=4)
    yield dot("dot, 2 pixels leave whole", plain(16, 72), 1, 16, 72, pixels=2)
    yield dot("dot, 2 rows of pixels", *(plain(16, 4, 3, 3), 1, 4, 36), **rows_of((6, 4), 8))
    yield dot("dot, 2 rows of 3 pixels", *(plain(8, 2, 3, 3), 1, 2, 18), **rows_of((4, 3), 6))
    yield dot("dot, a frame a beat", plain(10, 64), 1, 10, 64)
    yield dot("dot, constants compared in logic", plain(16, 72), 1, 16, 72, known=True)
    yield dot("dot, codebook", codebook(64, 32, 5), 1, 4, 36, memory="block")
    yield dot("dot, codebook of 16", codebook(32, 16, 4), 1, 8, 18, memory="block")
    yield dot("dot, tile", tiled(32, 144), 1, 4, 18)
    yield dot("dot, scaled tile", tiled(32, 144, SCALES), 1, 4, 18)
    yield dot("dot, crossing tile", tiled(30, 144, SCALES), 1, 3, 18)
    yield dot("dot, large", plain(64, 32, 3, 3), 1, 16, 288, memory="block", payload_delay=2)
    yield shared_case("shared rows", 64, 144, 4, 4, 18)
    yield shared_case("shared rows, scales", 32, 72, 2, 2, 36, post=affine(32))
    yield shared_case("shared rows, 2 outputs at once", 64, 144, 4, 4, 18, at_once=2)
    yield shared_case("shared rows, 2 pixels", 64, 144, 4, 4, 18, pixels=2)
    yield shared_case("shared rows, all outputs at once", 64, 144, 4, 4, 36, at_once=4)
    yield shared_case("shared rows, 2 pixels, all at once", 64, 72, 8, 1, 72, at_once=8, pixels=2)
    yield shared_case(
        "shared rows, scales at once", 32, 72, 2, 2, 36, post=affine(32), at_once=2, pixels=2
    )
    yield shared_case("shared rows, 4 outputs at once", 32, 72, 4, 2, 18, at_once=4)
    yield shared_case(
        "shared rows, 2 scales at once", 16, 36, 2, 2, 18, post=affine(16), at_once=2, pixels=2
    )
    for channels, bits, post in (
        (4, 1, thresholds(32, 5)),
        (8, 2, thresholds(32, 9, 2)),
        (2, 4, affine(32)),
    ):
        name = f"depthwise, {channels} channels of {bits} bits"
        yield depthwise_case(name, channels, bits, Padding.MINUS, post)
    yield depthwise_case("depthwise, masks", 4, 1, Padding.ZERO, thresholds(32, 5))
    for name, channels in (("depthwise, 2 pixels", 32), ("depthwise, 2 pixels of 8", 8)):
        end = thresholds(channels, 5)
        yield depthwise_case(name, channels, 1, Padding.MINUS, end, pixels=2, tensor=channels)


def rows_of(shape: tuple[int, int], pixels: int) -> dict[str, Any]:
    """Whole rows of pixels of a 3x3 convolution with zeros around a tensor of that shape."""
    return {"pixels": pixels, "border": border_of(shape, Window.same(3), pixels)}


def depthwise_case(
    name: str,
    channels: int,
    bits: int,
    padding: Padding,
    post: Threshold | Affine,
    pixels: int = 1,
    tensor: int = 32,
) -> UnitCase:
    """A 3x3 kernel for each channel of the tensor, which has 32 unless ``tensor`` says so."""
    layer = DepthwiseConv2d(plain(tensor, 1, 3, 3), 1, padding)
    x = TensorType.codes(14, 14, tensor, bits)
    unit = DepthwiseUnit(layer=layer, input=x, channels=channels, post=post, pixels=pixels)
    return same(name, unit)


def shared_case(
    name: str,
    outputs: int,
    length: int,
    repeats: int,
    pe: int,
    simd: int,
    post: Threshold | Affine | None = None,
    at_once: int = 1,
    pixels: int = 1,
) -> UnitCase:
    """Rows that several outputs share."""
    rows = outputs // repeats
    end = post or thresholds(outputs, 3 * round(length**0.5))

    def make(fabric: str) -> Unit:
        settings: dict[str, Any] = {"memory": "block", "pixels": pixels}
        engine = dot_unit(plain(rows, length), None, pe=pe, simd=simd, form=fabric, **settings)
        raw = replace(engine, post=Affine(np.ones(rows, np.int64), np.zeros(rows, np.int64)))
        return SharedRowsUnit(dot=raw, repeats=repeats, post=end, at_once=at_once)

    return UnitCase(name, make)


def lookup(
    kind: type[LookupUnit] | type[BlockLookupUnit],
    name: str,
    weights: CodebookWeights,
    **settings: Any,
) -> UnitCase:
    """An engine that looks dot products up; of one-bit inputs without masks unless ``settings`` say
    so.
    """
    given: dict[str, Any] = {"bits": 1, "masked": False, "encoding": Encoding.BIPOLAR}
    given |= {"memory": "auto", **settings}
    reach = 3 * round(weights.row_length**0.5) << (given["bits"] - 1)
    post = thresholds(weights.shape[0], reach)
    return UnitCase(name, lambda form: kind(weights=weights, post=post, form=form, **given))


def lookup_cases() -> Iterator[UnitCase]:
    """Engines that look dot products up, one pixel or a block of pixels at a time."""
    one = partial(lookup, LookupUnit, vectors=16)
    yield one("lookup, 4 lanes", codebook(64, 16, 5), lanes=4, dot9=2)
    yield one("lookup, 8 lanes, masks", codebook(32, 16, 4), lanes=8, dot9=4, masked=True)
    yield one("lookup, 2 bits", codebook(32, 16, 4), lanes=4, dot9=2, bits=2)
    block = partial(lookup, BlockLookupUnit, vectors=8, pixels=4, ports=4, fill="logic")
    wide = partial(block, pixels=8, fill="block")
    yield block("block lookup", codebook(64, 16, 5), ports=8, dot9=4)
    yield block("block lookup, 32 outputs", codebook(32, 8, 4), dot9=2)
    yield block("block lookup, 16 outputs, masks", codebook(16, 8, 4), dot9=2, masked=True)
    yield block("block lookup, masks", codebook(32, 16, 4), dot9=4, masked=True)
    yield wide("block lookup, counts in block RAM", codebook(64, 16, 4), ports=8, dot9=2)
    yield block("block lookup, 2 bits", codebook(32, 8, 4), dot9=2, bits=2)
    yield wide("block lookup, 32 ports", codebook(64, 64, 5), ports=32, dot9=16)


def unrolled(name: str, weights: Weights, reach: int, **settings: Any) -> UnitCase:
    """A layer whose weights are wires; of one-bit inputs and with thresholds of one bit unless
    ``settings`` say so.
    """
    given: dict[str, Any] = {"encoding": Encoding.BIPOLAR, "bits": 1, "vectors": 16}
    given |= {"post": thresholds(weights.shape[0], reach)} | settings
    kind = FoldedUnit if "fold" in settings else UnrolledUnit
    return UnitCase(name, lambda form: kind(weights=weights, form=form, **given))


def unrolled_cases() -> Iterator[UnitCase]:
    """Layers whose weights are wires, of every encoding, precision and end."""
    yield unrolled("unrolled, 16 x 64", plain(16, 64), 12)
    yield unrolled("unrolled, 8 x 36", plain(8, 36), 9)
    yield unrolled("unrolled, codebook of 16", codebook(16, 4, 4), 9)
    yield unrolled("unrolled, tile", tiled(32, 36), 9)
    yield unrolled("unrolled, 2 pixels", plain(8, 36), 9, pixels=2)
    pixels: dict[str, Any] = {"encoding": Encoding.UNSIGNED, "bits": 8}
    yield unrolled("unrolled, 8-bit inputs", plain(8, 27), 900, **pixels)
    codes = {"bits": 2, "post": thresholds(16, 20, 2)}
    yield unrolled("unrolled, 2-bit inputs", plain(16, 36), 0, **codes)
    yield unrolled("unrolled, two planes", random_planes(chance(), 2, (8, 36)), 30)
    yield unrolled("unrolled, scales", tiled(8, 40, SCALES), 30)
    yield unrolled("unrolled, sums", plain(10, 32), 0, post=None)
    yield unrolled("unrolled, affine", plain(10, 32), 0, post=affine(10))
    border = border_of((4, 4), Window.same(3), 1)
    yield unrolled("unrolled, border", plain(8, 4, 3, 3), 9, border=border)
    for fold in (2, 4):
        yield unrolled(f"folded by {fold}, 8-bit inputs", plain(8, 27), 900, fold=fold, **pixels)
    yield unrolled("folded by 2, 2-bit inputs", plain(16, 36), 0, fold=2, **codes)
    yield unrolled("folded by 2, sums", plain(10, 16), 0, post=None, bits=2, fold=2)
    yield unrolled("folded by 4, tile", tiled(32, 36), 9, bits=4, fold=4)
    yield unrolled("folded by 2, border", plain(6, 2, 3, 3), 9, border=border, bits=2, fold=2)
