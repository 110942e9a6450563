"""What a stage costs and how long it takes: quickly while searching, exactly in the end."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.boards import FpgaDevice
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Counters, Lanes, Unit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.dot.shared_rows import SharedRowsUnit
from subbit.hw.families.table import family
from subbit.hw.lookup.block_lookup import BlockLookupUnit
from subbit.hw.lookup.dot9 import Dot9Row
from subbit.hw.lookup.entry_sum import EntrySumShape
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.cycles.fast import measure
from subbit.sw.errors import PlanError
from subbit.sw.ir.network import Network
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.planner.calibration import Calibration, calibration

__all__ = [
    "Costs",
    "Option",
    "StageEstimate",
    "total",
]

# How much more than a family says of its compressor trees a bit of a masked row takes, and LUT4s
# and flip-flops for each position of its padding, about; finding the trees themselves takes too
# long for every trial.
MASKED, PADDING = 1.65, 1.3
FEW = 40  # bits of a row up to which trees are found in no time
SUM_TREES = (1.1, 1.3)  # the same of an ECP5 for each bit of the entries that are added up
# Counters of more positions than this take fewer LUT4s and far longer wires: for 64 outputs of 3x3
# times 64 inputs, 7 pixels x 2 x 576 take 250,900 tiles of wire (12,400 LUT4s), 7 x 8 x 144 take
# 148,900 (13,700), as nextpnr places them. So each of their positions is priced as more LUT4s.
WIDE, WIRES = 288, 0.3
FRAMES = 3  # to measure the interval of a stage
MAX_STEPS = 4_000_000  # of the model, some 0.1 seconds, to measure it with


@dataclass(frozen=True)
class StageEstimate:
    """What a stage is expected to cost, and the cycles a frame keeps its slowest process busy."""

    stage: Stage
    cost: Cost
    cycles: int


@dataclass(frozen=True)
class Option:
    """A stage that may be chosen: its cost and cycles, and its streams.

    ``inputs``, ``o``: payloads; ``beats``: that it gives in a frame. ``silent_share``: the share
    of a frame that a window takes while it has no output to give, else 0. ``wires``: of wide
    counters, as the LUT4s that they are worth.
    """

    stage: Stage
    cost: Cost
    cycles: int
    inputs: tuple[Lanes, ...]
    o: Lanes
    beats: int
    silent_share: float
    wires: float


def total(costs: Iterable[Cost]) -> Cost:
    """Their sum."""
    return sum(costs, Cost())


class Costs:
    """The options of a network's stages, each worked out once.

    ``fabric``, ``limits``: of the device. Stages that differ in the contents of their weights
    alone are taken to cost the same.
    """

    def __init__(
        self,
        network: Network,
        fabric: str,
        lines: Calibration | None = None,
        limits: SizeLimits = MEASURED,
    ) -> None:
        self.network, self.fabric, self.limits = network, fabric, limits
        self.lines = lines or calibration(fabric)
        self._memo: dict[object, Option | None] = {}
        self._exact: dict[object, int] = {}
        self._keys: dict[str, object] = {}

    @classmethod
    def on(cls, network: Network, device: FpgaDevice) -> "Costs":
        """The options on that device."""
        return cls(network, device.fabric, limits=device.limits)

    def units(self, stage: Stage) -> list[Unit]:
        """The units of a stage, with portable counters: the trees of others take long to find."""
        named = stage.quickly_made().units(self.network, self.limits)
        return [unit for _, unit in named]

    def option(self, stage: Stage) -> Option | None:
        """The stage as an option; None where its settings do not fit."""
        key = self.key(stage)
        if key not in self._memo:
            try:
                self._memo[key] = self.work_out(stage)
            except PlanError:
                self._memo[key] = None
        found = self._memo[key]
        return replace(found, stage=stage) if found else None

    def exact(self, option: Option) -> Option:
        """The option with the cycles that the units of its stage take together, by the model, which
        may be more than any of them takes alone: windows of stride 2 come in bursts.
        """
        key = self.key(option.stage)
        if key not in self._exact:
            units = self.units(option.stage)
            processes = [process for unit in units for process in unit.processes()]
            windows = any(isinstance(unit, WindowUnit) for unit in units)
            quick = FRAMES * sum(len(process.steps) for process in processes) <= MAX_STEPS
            found = measure(processes, FRAMES).interval_cycles if windows and quick else 0
            self._exact[key] = max(option.cycles, found)
        return replace(option, cycles=self._exact[key])

    def work_out(self, stage: Stage) -> Option:
        """Raises PlanError where the settings do not fit."""
        units = self.units(stage)
        cost = total(self.lines.packed(self.quick(unit)) for unit in units)
        cycles = max(unit.interval_cycles for unit in units)
        inputs = tuple(units[0].inputs.values())
        silent_share = max(
            silent_share_of(unit) if isinstance(unit, WindowUnit) else 0.0 for unit in units
        )
        wires = sum(map(wire_price, units))
        return Option(
            stage, cost, cycles, inputs, units[-1].o, units[-1].o_beats, silent_share, wires
        )

    def quick(self, unit: Unit) -> Cost:
        """The unit's estimate on the fabric, with its counters instead of portable ones."""
        part = family(self.fabric)
        if isinstance(unit, UnrolledUnit):  # of a formula; finding its adders takes long
            return part.cost(unit.estimate())
        said = part.cost(unit.cost())
        if not part.has_carry_trees:
            return said
        for slow, fast in swaps(unit, self.fabric):
            said = said + fast - part.cost(slow)
        return said

    def key(self, stage: Stage) -> object:
        """What the stage's cost depends on."""
        names = [field.name for field in fields(stage) if field.name not in ("layers", "fifo")]
        settings = tuple(getattr(stage, name) for name in names)
        return type(stage), settings, tuple(map(self.layer_key, stage.layers))

    def layer_key(self, name: str) -> object:
        """A layer's kind, input, attributes, and the shapes of its arrays."""
        if name not in self._keys:
            node = self.network.node(name)
            arrays = tuple(
                (key, array.shape, shape_of(array)) for key, array in node.layer.tensors().items()
            )
            types = tuple(self.network.types[source] for source in node.inputs)
            attributes = json.dumps(node.layer.attributes(), sort_keys=True)
            self._keys[name] = node.layer.kind, types, attributes, arrays
        return self._keys[name]


def swaps(unit: Unit, fabric: str) -> Iterator[tuple[Cost, Cost]]:
    """What the portable counters and adders of a unit cost, and the fabric's in their place."""
    if isinstance(unit, DotUnit | SharedRowsUnit):
        pixels = unit.pixels if isinstance(unit, DotUnit) else unit.dot.pixels
        yield unit.popcount.cost * pixels, trees(unit.popcount, fabric) * pixels
    elif isinstance(unit, LookupUnit):
        yield unit.popcount.cost * unit.dot9, trees(unit.popcount, fabric) * unit.dot9
    elif isinstance(unit, BlockLookupUnit) and fabric == "ecp5":
        if isinstance(unit.filler, Dot9Row):
            yield unit.filler.cost * unit.dot9, replace(unit.filler, form=fabric).cost * unit.dot9
        if unit.ports > 1:
            yield unit.adder.cost * unit.pixels, sum_trees(unit.adder) * unit.pixels


def silent_share_of(window: WindowUnit) -> float:
    """The share of its rows that a window takes while it has no output to give: those before the
    first output, and with stride 2 every other one, unless both come in one beat.
    """
    taken = max(1, window.input_pixels // window.input.width)  # rows of a beat
    silent = max(0.0, 1 - taken / window.rows.stride)
    return min(1.0, silent + window.rows.first / window.input.height)


def wire_price(unit: Unit) -> float:
    """What the wires of a unit's counters are worth, in LUT4s, where these are wide."""
    counters = unit.popcount
    if counters is None or counters.simd <= WIDE:
        return 0.0
    lanes = counters.rows * unit.pixels * counters.bits * len(counters.scales)
    return WIRES * lanes * counters.simd


def shape_of(array: NDArray[Any]) -> object:
    """What of the contents of an array changes what it costs: whether all are equal."""
    return bool(np.all(array.ravel()[:1] == array))


def sum_trees(adder: EntrySumShape) -> Cost:
    """About what a compressor tree takes for a sum of entries."""
    bits = adder.count * adder.bits
    return Cost(
        round(SUM_TREES[0] * bits + adder.width), round(SUM_TREES[1] * bits + 2 * adder.width)
    )


@cache
def trees(counters: Counters, fabric: str) -> Cost:
    """About what compressor trees of the fabric take for these counters."""
    lut4, flip_flops = family(fabric).carry.tree_cells
    bits = counters.simd * counters.bits * len(counters.scales)
    if bits <= FEW and isinstance(counters, PopcountShape):
        return family(fabric).cost(replace(counters, form=fabric).cost)
    row = bits * (MASKED if counters.masked else 1)
    padding = PADDING * counters.simd * counters.masked
    return Cost(
        round(counters.rows * lut4 * row + padding),
        round(counters.rows * flip_flops * row + padding),
    )
