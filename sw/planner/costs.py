"""What a stage costs and how long it takes: quickly while searching, exactly in the end."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.boards import FpgaDevice
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.families.table import family
from subbit.hw.link.buffer import beat_parts
from subbit.hw.streams.fifo import FifoUnit
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.cycles.fast import measure
from subbit.sw.errors import PlanError
from subbit.sw.ir.network import Network
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.planner.calibration import Calibration, calibration
from subbit.sw.planner.counters import swaps

__all__ = [
    "Costs",
    "Option",
    "StageEstimate",
    "feed_cost",
    "total",
    "with_queue",
]

# Counters of more positions than this take fewer LUT4s and far longer wires: for 64 outputs of 3x3
# times 64 inputs, 7 pixels x 2 x 576 take 250,900 tiles of wire (12,400 LUT4s), 7 x 8 x 144 take
# 148,900 (13,700), as nextpnr places them. So each of their positions is priced as more LUT4s.
WIDE, WIRES = 288, 0.3
SHORT = 2  # beats of a FIFO that only parts one path into two
FRAMES = 3  # to measure the interval of a stage
BLOCK_RAMS = 512  # of a device that nobody names
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


def feed_cost(network: Network, fabric: str, lanes: int) -> Cost:
    """What the host link takes more for beats of ``lanes`` elements of the network's input than for
    those that lie in one byte of a frame.
    """
    x = network.input_type
    _, join = beat_parts(elements=x.elements, bits=x.bits, lanes=lanes)
    return family(fabric).cost(join.cost()) if join else Cost()


class Costs:
    """The options of a network's stages, each worked out once.

    ``fabric``, ``limits``: of the device; ``block_rams``: that it has. Stages that
    differ in the contents of their weights alone are taken to cost the same.
    """

    def __init__(
        self,
        network: Network,
        fabric: str,
        lines: Calibration | None = None,
        limits: SizeLimits = MEASURED,
        block_rams: int = BLOCK_RAMS,
    ) -> None:
        self.block_rams = block_rams
        self.network, self.fabric, self.limits = network, fabric, limits
        self.lines = lines or calibration(fabric)
        self._memo: dict[object, Option | None] = {}
        self._exact: dict[object, int] = {}
        self._measured: dict[object, int] = {}
        self._built: dict[object, Cost] = {}
        self._units: dict[Unit, Cost] = {}
        self._keys: dict[str, object] = {}

    @classmethod
    def on(cls, network: Network, device: FpgaDevice) -> "Costs":
        """The options on that device."""
        return cls(network, device.fabric, None, device.limits, device.block_rams)

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
            windows = any(isinstance(unit, WindowUnit) for unit in units)
            found = self.measured(units) if windows else 0
            self._exact[key] = max(option.cycles, found)
        return replace(option, cycles=self._exact[key])

    def measured(self, units: Sequence[Unit]) -> int:
        """The cycles that units take together, by the model; 0 where that would take long. Those of
        the same processes are measured once.
        """
        processes = [
            process
            for unit in units
            for process in (
                unit.rough_processes() if isinstance(unit, UnrolledUnit) else unit.processes()
            )
        ]
        if FRAMES * sum(len(process.steps) for process in processes) > MAX_STEPS:
            return 0
        key = tuple((p.steps.tobytes(), p.latency, p.capacity, p.recycle) for p in processes)
        if hash(key) not in self._measured:
            self._measured[hash(key)] = measure(processes, FRAMES).interval_cycles
        return self._measured[hash(key)]

    def work_out(self, stage: Stage) -> Option:
        """Raises PlanError where the settings do not fit."""
        units = self.units(stage)
        cost = total(self.lines.packed(self.quick(unit)) for unit in units)
        cost += total(map(self.lines.of, self.queue(stage, units[-1])))
        cycles = max(unit.interval_cycles for unit in units)
        inputs = tuple(units[0].inputs.values())
        silent_share = max(
            silent_share_of(unit) if isinstance(unit, WindowUnit) else 0.0 for unit in units
        )
        wires = sum(map(wire_price, units))
        return Option(
            stage, cost, cycles, inputs, units[-1].o, units[-1].o_beats, silent_share, wires
        )

    @staticmethod
    def queue(stage: Stage, last: Unit) -> list[Unit]:
        """The FIFO that a stage has behind its last unit, whatever stands around it."""
        depth = with_queue(stage).fifo
        return [FifoUnit(element=last.o, depth=depth, beats=last.o_beats)] if depth else []

    def built(self, option: Option) -> Cost:
        """The cost of the stage as it is built, with the counters of the fabric: what these take
        is found, which may take a second.
        """
        key = self.key(option.stage)
        if key not in self._built:
            form = family(self.fabric).popcount_form
            named = option.stage.with_popcount(form).units(self.network, self.limits)
            units = [unit for _, unit in named]
            parts = [*units, *self.queue(option.stage, units[-1])]
            self._built[key] = total(map(self.lines.of, parts))
        return self._built[key]

    def quick(self, unit: Unit) -> Cost:
        """The unit's estimate on the fabric, with its counters instead of portable ones."""
        if type(unit).__eq__ is object.__eq__:
            return self.worked_out(unit)
        if unit not in self._units:
            self._units[unit] = self.worked_out(unit)
        return self._units[unit]

    def worked_out(self, unit: Unit) -> Cost:
        """See quick; units that are equal are worked out once there."""
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


def with_queue(stage: Stage) -> Stage:
    """The stage, with a short FIFO behind it where it computes several pixels at once.

    Without one, ``ready`` of what follows reaches through all units that put these pixels in order,
    which was the slowest path of many designs.
    """
    return replace(stage, fifo=max(stage.fifo, SHORT)) if stage.reorders else stage


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
