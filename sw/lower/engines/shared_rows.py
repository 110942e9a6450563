"""Tiled layers of which several outputs have the same row: each distinct row once, then their
thresholds.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from subbit.hw.contract.unit import Unit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import BinaryWeights, TiledWeights
from subbit.sw.lower.stages.stage import check_divides, divisors

if TYPE_CHECKING:
    from subbit.sw.lower.stages.dot import DotStage

__all__ = [
    "SHARED",
    "distinct_rows",
    "shared_cycles",
    "shared_units",
    "shared_variants",
    "sharing",
    "sharing_advice",
    "short_tile",
]

SHARED = "shared_rows"


def sharing(weights: TiledWeights) -> int:
    """How many outputs have each row: those of the outputs and of the repeats that divide both.

    Outputs ``outputs / sharing`` apart begin at the same place of the tile. Where repeats end
    within rows, all must have the same scale.
    """
    both = gcd(weights.repeats, weights.shape[0])
    return both if both == weights.repeats or not weights.scaled else 1


def sharing_advice(weights: TiledWeights) -> str:
    """Why no two outputs of a tiled layer share a row, and which numbers of repeats would help; ""
    where they do.
    """
    if sharing(weights) > 1:
        return ""
    outputs, p = weights.shape[0], weights.repeats
    near = sorted(divisors(outputs)[1:], key=lambda d: (abs(d - p), d))[:3]
    helps = ", ".join(map(str, sorted(near)))
    why = f"p={p} does not divide the {outputs} outputs" if p > 1 else "p=1 repeats nothing"
    return f"{why}, so each output has a row of its own; p={helps} would share rows"


def short_tile(weights: TiledWeights) -> str:
    """What a tile that is shorter than a row comes to, "" for others: few rows that differ. Sums of
    the inputs of equal weights would serve few rows, too, and take more than they save.
    """
    q, length, outputs = weights.tile.size, weights.row_length, weights.shape[0]
    if q >= length:
        return ""
    distinct = outputs // gcd(weights.repeats, outputs)
    rows = f"{distinct} of its {outputs} rows differ" if distinct > 1 else "all its rows are equal"
    scales = ", apart from their scales" if weights.scaled else ""
    return (
        f"a tile of {q} weights is shorter than a row of {length}, so that {rows}{scales}; a "
        "smaller p would let more of them differ, and no engine adds up the inputs of equal "
        "weights first, since that saves nothing unless nearly all rows are equal"
    )


def tiled_weights(stage: "DotStage", network: Network) -> TiledWeights:
    """The layer's weights; raises PlanError where no rows are shared."""
    weights = stage.layer(network).weights
    if not isinstance(weights, TiledWeights):
        raise PlanError(f"engine {SHARED!r} is for tiled layers, not for {weights.encoding} ones")
    if advice := sharing_advice(weights):
        raise PlanError(f"engine {SHARED!r}: {advice}")
    return weights


def distinct_rows(weights: TiledWeights) -> BinaryWeights | TiledWeights:
    """The rows that differ: a tile, or where a row is longer than that or they do not end together,
    as many repeats of it as these rows take.
    """
    shared = sharing(weights)
    shape, repeats = (weights.shape[0] // shared, *weights.shape[1:]), weights.repeats // shared
    if repeats > 1:
        return TiledWeights(shape, weights.tile, np.ones(repeats, np.int64))
    return BinaryWeights(weights.tile.reshape(shape))


def shared_cycles(stage: "DotStage", network: Network) -> int:
    """Cycles a frame, windows aside: those of the rows, or of the outputs where these are more."""
    weights, y = tiled_weights(stage, network), network.types[stage.layers[0]]
    shared = sharing(weights)
    passes = weights.shape[0] // shared // stage.pe * y.height * y.width
    return passes * max(weights.row_length // stage.simd, shared)


def shared_variants(stage: "DotStage", network: Network) -> Iterator["DotStage"]:
    """The stage with shared rows, where outputs share any."""
    weights = stage.layer(network).weights
    if not isinstance(weights, TiledWeights) or sharing_advice(weights):
        return
    for pe in divisors(weights.shape[0] // sharing(weights)):
        for simd in stage.simds(network):
            yield replace(stage, engine=SHARED, pe=pe, simd=simd, pixels=1)


def shared_units(stage: "DotStage", network: Network) -> list[tuple[str, Unit]]:
    """The window, and the engine of the distinct rows with what follows on each output."""
    weights, layer = tiled_weights(stage, network), stage.layer(network)
    rows, shared = distinct_rows(weights), sharing(weights)
    check_divides("pe", stage.pe, rows.shape[0], "the distinct rows of the tile")
    check_divides("simd", stage.simd, rows.row_length, "the weights of one output")
    stage.check_plane(weights)
    if stage.pixels != 1:
        raise PlanError(f"engine {SHARED!r} computes one pixel at a time, not {stage.pixels}")
    scales = np.ones(weights.shape[0], np.int64)
    if shared == weights.repeats:
        scales = np.repeat(weights.scales, rows.shape[0])
    post = network.node(stage.layers[1]).layer if len(stage.layers) > 1 else None
    assert post is None or isinstance(post, Threshold | Affine)
    x = network.types[network.node(stage.layers[0]).inputs[0]]
    lift = lifted(rows, x)
    given = Affine(np.ones_like(lift), lift)  # sums from 0 up, which cost no adder
    units = stage.dot_units(network, replace(layer, weights=rows), given)
    dot = units[-1][1]
    assert isinstance(dot, DotUnit)
    end = on_sums(post, scales, np.tile(lift, shared))
    return [*units[:-1], (SHARED, SharedRowsUnit(dot, shared, end))]


def on_sums(post: Threshold | Affine | None, scales: Ints, lift: Ints) -> Threshold | Affine:
    """What follows on dot products, a scale times those of rows, for the rows' lifted sums."""
    if isinstance(post, Threshold):
        thresholds = -(-post.thresholds // scales[:, None]) + lift[:, None]
        return Threshold(thresholds, post.rising, post.encoding)
    if post:
        scales, offset = post.scale * scales, post.offset
    else:
        offset = np.zeros_like(scales)
    return Affine(scales, offset - scales * lift)


def lifted(rows: BinaryWeights | TiledWeights, x: TensorType) -> Ints:
    """For each row what is missing in its dot products to be what the engine counts, or twice
    that.
    """
    top = (1 << x.bits) - 1
    if x.encoding is Encoding.BIPOLAR:
        return np.full(rows.shape[0], top * rows.row_length)
    minus: Ints = (rows.dense() < 0).reshape(rows.shape[0], -1).sum(axis=1)
    return top * minus
