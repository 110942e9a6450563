"""Tiled layers whose repeats divide the outputs: each distinct row once, then p thresholds."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import BinaryWeights, TiledWeights
from subbit.sw.stages.stage import check_divides, divisors
from subbit.sw.units.affine import Affine as AffineUnit
from subbit.sw.units.dot import Dot
from subbit.sw.units.replay import Replay
from subbit.sw.units.threshold import Threshold as ThresholdUnit
from subbit.sw.units.unit import Unit

if TYPE_CHECKING:
    from subbit.sw.stages.dot import DotStage

__all__ = [
    "SHARED",
    "distinct_rows",
    "shared_cycles",
    "shared_units",
    "shared_variants",
    "sharing_advice",
]

SHARED = "shared_rows"


def sharing_advice(weights: TiledWeights) -> str:
    """Why no two outputs of a tiled layer share a row, and which numbers of repeats would help; ""
    where they do.
    """
    if weights.rows_shared and weights.repeats > 1:
        return ""
    outputs, p = weights.shape[0], weights.repeats
    near = sorted(divisors(outputs)[1:], key=lambda d: (abs(d - p), d))[:3]
    helps = ", ".join(map(str, sorted(near)))
    why = f"p={p} does not divide the {outputs} outputs" if p > 1 else "p=1 repeats nothing"
    return f"{why}, so each output has a row of its own; p={helps} would share rows"


def tiled_weights(stage: "DotStage", network: Network) -> TiledWeights:
    """The layer's weights; raises PlanError where no rows are shared."""
    weights = stage.layer(network).weights
    if not isinstance(weights, TiledWeights):
        raise PlanError(f"engine {SHARED!r} is for tiled layers, not for {weights.encoding} ones")
    if advice := sharing_advice(weights):
        raise PlanError(f"engine {SHARED!r}: {advice}")
    return weights


def distinct_rows(weights: TiledWeights) -> BinaryWeights:
    """The rows of one tile."""
    rows = weights.shape[0] // weights.repeats
    return BinaryWeights(weights.tile.reshape(rows, *weights.shape[1:]))


def shared_cycles(stage: "DotStage", network: Network) -> int:
    """Cycles a frame, windows aside: those of the rows, or of the outputs where these are more."""
    weights, y = tiled_weights(stage, network), network.types[stage.layers[0]]
    passes = weights.shape[0] // weights.repeats // stage.pe * y.height * y.width
    return passes * max(weights.row_length // stage.simd, weights.repeats)


def shared_variants(stage: "DotStage", network: Network) -> Iterator["DotStage"]:
    """The stage with shared rows, where outputs share any."""
    weights = stage.layer(network).weights
    if not isinstance(weights, TiledWeights) or sharing_advice(weights):
        return
    for pe in divisors(weights.shape[0] // weights.repeats):
        for simd in stage.simds(network):
            yield replace(stage, engine=SHARED, pe=pe, simd=simd, pixels=1)


def shared_units(stage: "DotStage", network: Network) -> list[tuple[str, Unit]]:
    """The units of the distinct rows, a buffer that repeats their sums, and what follows on each
    output.
    """
    weights, layer = tiled_weights(stage, network), stage.layer(network)
    rows = distinct_rows(weights)
    check_divides("pe", stage.pe, rows.shape[0], "the rows of a tile")
    check_divides("simd", stage.simd, rows.row_length, "the weights of one output")
    if stage.pixels != 1:
        raise PlanError(f"engine {SHARED!r} computes one pixel at a time, not {stage.pixels}")
    scales = np.repeat(weights.scales, rows.shape[0])
    post = network.node(stage.layers[1]).layer if len(stage.layers) > 1 else None
    assert post is None or isinstance(post, Threshold | Affine)
    if post is None and weights.scaled:
        post, scales = Affine(scales, np.zeros_like(scales)), np.ones_like(scales)
    x = network.types[network.node(stage.layers[0]).inputs[0]]
    lift = lifted(rows, x)
    ones = np.ones_like(lift)
    given = Affine(ones, lift) if post else None  # sums from 0 up, which cost no adder
    units = stage.dot_units(network, replace(layer, weights=rows), given)
    dot = units[-1][1]
    assert isinstance(dot, Dot)
    y = network.types[stage.layers[0]]
    memory = "block" if dot.passes > 1 else "auto"  # block RAMs are free where bits are saved
    repeat = Replay(dot.o, dot.passes, weights.repeats, y.height * y.width, memory)
    units.append(("repeat", repeat))
    if given is None:
        return units
    final = given.infer((dot.dot_type,))
    sums = TensorType.integers(y.height, y.width, weights.shape[0], final.low, final.high)
    lift = np.tile(lift, weights.repeats)
    if isinstance(post, Threshold):
        thresholds = -(-post.thresholds // scales[:, None]) + lift[:, None]
        moved = Threshold(thresholds, post.rising, post.encoding)
        return [*units, ("thresholds", ThresholdUnit(moved, sums, stage.pe))]
    assert isinstance(post, Affine)
    scales = post.scale * scales
    scaled = Affine(scales, post.offset - scales * lift)
    return [*units, ("affine", AffineUnit(scaled, sums, stage.pe))]


def lifted(rows: BinaryWeights, x: TensorType) -> Ints:
    """For each row what is missing in its dot products to be what the engine counts, or twice
    that.
    """
    top = (1 << x.bits) - 1
    if x.encoding is Encoding.BIPOLAR:
        return np.full(rows.shape[0], top * rows.row_length)
    minus: Ints = (rows.bits == 0).reshape(rows.shape[0], -1).sum(axis=1)
    return top * minus
