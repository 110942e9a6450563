"""Tiled layers of which several outputs have the same row: each distinct row once, then their
thresholds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import gcd
from typing import ClassVar

import numpy as np

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.post.raw import RawNumbers
from subbit.hw.streams.width import UpsizeUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import BinaryWeights, TiledWeights
from subbit.sw.lower.engines.direct import (
    SETTINGS,
    check_plane,
    check_window,
    fed_dot,
    window_channels,
)
from subbit.sw.lower.engines.engine import Engine, EngineStage, Setting, groups_of, refuse_groups
from subbit.sw.lower.engines.widths import (
    check_input_pixels,
    check_output_pixels,
    most_pixels,
    widened,
)
from subbit.sw.lower.stages.order import order_units
from subbit.sw.lower.stages.stage import check_divides, divisors

__all__ = [
    "SharedRowsEngine",
    "distinct_rows",
    "sharing",
    "sharing_advice",
    "short_tile",
]


class SharedRowsEngine(Engine):
    """Computes each distinct row of a tiled layer once, for all outputs that have it.

    For tiled layers whose p repeats divide the outputs. ``pe`` of the ``outputs / p`` distinct rows
    at once; ``repeats`` of the p outputs that have a row made at once, a divisor of p. The other
    settings are those of the direct engine, which computes the rows. Cycles per ``pixels``:
    ``outputs / p / pe * max(N / simd, p / repeats)``; see SharedRowsUnit. With ``repeats`` p no sum
    waits in a memory.
    """

    name: ClassVar[str] = "shared_rows"
    settings: ClassVar[Mapping[str, Setting]] = {**SETTINGS, "repeats": Setting(1, least=1)}

    def tiled_weights(self, stage: EngineStage, network: Network) -> TiledWeights:
        """The layer's weights; raises PlanError where no rows are shared."""
        weights = stage.layer(network).weights
        if not isinstance(weights, TiledWeights):
            found = f"not for {weights.encoding} ones"
            raise PlanError(f"engine {self.name!r} is for tiled layers, {found}")
        if advice := sharing_advice(weights):
            raise PlanError(f"engine {self.name!r}: {advice}")
        refuse_groups(stage, network)
        if not stage.input(network).is_code:
            raise PlanError(f"engine {self.name!r} takes codes, not integers; take 'direct'")
        return weights

    def check(self, stage: EngineStage, network: Network) -> None:
        """Raise PlanError where a setting does not fit the layer."""
        weights = self.tiled_weights(stage, network)
        rows, shared = weights.shape[0] // sharing(weights), sharing(weights)
        check_window(stage, network)
        check_output_pixels(stage, network)
        check_divides("pe", stage.pe, rows, "the distinct rows of the tile")
        check_divides("simd", stage.simd, weights.row_length, "the weights of one output")
        check_plane(stage, weights)
        check_divides("repeats", self.value(stage, "repeats"), shared, "the outputs of a row")
        check_input_pixels(stage, network, window_channels(stage, network))

    def variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """Any folding of the distinct rows, where outputs share any."""
        for pe, simd in self.foldings(stage, network):
            yield self.on(stage, pe=pe, simd=simd, pixels=1)

    def wide_variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """The same with several pixels, the least ``repeats`` that keep up with the rows, and beats
        at both ends that do.
        """
        for pe, simd in self.foldings(stage, network):
            weights = self.tiled_weights(stage, network)
            words, shared = weights.row_length // simd, sharing(weights)
            repeats = next(n for n in divisors(shared) if shared // n <= words)
            more: dict[str, int | str] = {} if repeats == 1 else {"repeats": repeats}
            cycles = weights.shape[0] // shared // pe * words
            for pixels in most_pixels(stage, network):
                found = self.on(stage, pe=pe, simd=simd, pixels=pixels, compare="logic", **more)
                yield from widened(found, network, window_channels(found, network), cycles)

    def foldings(self, stage: EngineStage, network: Network) -> Iterator[tuple[int, int]]:
        """Each ``pe`` and ``simd``; none where no outputs share rows."""
        weights = stage.layer(network).weights
        if not isinstance(weights, TiledWeights) or sharing_advice(weights):
            return
        if not stage.input(network).is_code or groups_of(stage, network) > 1:
            return
        yield from product(divisors(weights.shape[0] // sharing(weights)), stage.simds(network))

    def least_cycles(self, stage: EngineStage, network: Network) -> int:
        """Those of the rows, or of the outputs where these are more; windows aside."""
        weights, y = self.tiled_weights(stage, network), stage.dots(network)
        shared = sharing(weights)
        reads = shared // int(self.value(stage, "repeats"))
        passes = weights.shape[0] // shared // stage.pe
        cycles = passes * max(weights.row_length // stage.simd, reads)
        leaving = stage.pixels // stage.output_pixels
        return y.height * y.width // stage.pixels * max(cycles, leaving)

    def units(
        self, stage: EngineStage, network: Network, limits: SizeLimits
    ) -> list[tuple[str, Unit]]:
        """The window, the engine of the distinct rows with what follows on each output, and the
        outputs put in their order.
        """
        self.check(stage, network)
        weights, layer = self.tiled_weights(stage, network), stage.layer(network)
        rows, shared = distinct_rows(weights), sharing(weights)
        scales = np.ones(weights.shape[0], np.int64)
        if shared == weights.repeats:
            scales = np.repeat(weights.scales, rows.shape[0])
        lift = lifted(rows, stage.input(network))
        given = Affine(np.ones_like(lift), lift)  # sums from 0 up, which cost no adder
        feed, dot = fed_dot(stage, network, limits, replace(layer, weights=rows), given)
        lifts = np.tile(lift, shared)
        sums = RawNumbers(scales, -scales * lifts, given.infer((dot.dot_type,)).high)
        end = sums.layer(stage.post(network))
        at_once = int(self.value(stage, "repeats"))
        engine = SharedRowsUnit(dot=dot, repeats=shared, post=end, at_once=at_once)
        return [*feed, (self.name, engine), *ordered_units(engine, stage.output_pixels)]

    def notes(self, stage: EngineStage, network: Network) -> list[str]:
        """Why no outputs of a tiled layer share a row, and what tiles shorter than a row lose."""
        weights, name = stage.layer(network).weights, stage.layers[0]
        if not isinstance(weights, TiledWeights):
            return []
        advice, short = sharing_advice(weights), short_tile(weights)
        found = [f"{name} saves memory alone: {advice}"] if advice else []
        return [*found, f"{name}: {short}"] if short else found


def ordered_units(engine: SharedRowsUnit, output_pixels: int) -> list[tuple[str, Unit]]:
    """What puts the outputs in the tensor's order. Where several repeats of only some rows come at
    once, first the outputs of all rows are put together.
    """
    o, groups, passes = engine.o, engine.dot.vectors, engine.reads * engine.words
    units: list[tuple[str, Unit]] = []
    if engine.at_once > 1 and engine.words > 1:
        runs = engine.pixels * engine.at_once
        gather = UpsizeUnit(element=o, ratio=engine.words, beats=groups * passes, runs=runs)
        units, o, passes = [("rows", gather)], gather.o, engine.reads
    cycles = engine.interval_cycles // groups
    order = order_units(o, engine.pixels, passes, groups, cycles, output_pixels=output_pixels)
    return [*units, *order]


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


def distinct_rows(weights: TiledWeights) -> BinaryWeights | TiledWeights:
    """The rows that differ: a tile, or where a row is longer than that or they do not end together,
    as many repeats of it as these rows take.
    """
    shared = sharing(weights)
    shape, repeats = (weights.shape[0] // shared, *weights.shape[1:]), weights.repeats // shared
    if repeats > 1:
        return TiledWeights(shape, weights.tile, np.ones(repeats, np.int64))
    return BinaryWeights(weights.tile.reshape(shape))


def lifted(rows: BinaryWeights | TiledWeights, x: TensorType) -> Ints:
    """For each row what is missing in its dot products to be what the engine counts, or twice
    that.
    """
    top = (1 << x.bits) - 1
    if x.encoding is Encoding.BIPOLAR:
        return np.full(rows.shape[0], top * rows.row_length)
    minus: Ints = (rows.dense() < 0).reshape(rows.shape[0], -1).sum(axis=1)
    return top * minus
