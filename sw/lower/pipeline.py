"""Pipeline: the units that a Network and a Plan make, joined to a graph, with their cycles."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, count

from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.sw.cycles import Feed, Process, Trace, run
from subbit.sw.cycles.fast import Timing, measure
from subbit.sw.errors import PlanError
from subbit.sw.ir.network import Network
from subbit.sw.lower.balance import Balancer
from subbit.sw.lower.graph import Edge, edges, forks
from subbit.sw.lower.plan import Plan, check_plan
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.lower.wiring import Step, Wires, flow

__all__ = ["Pipeline", "Step"]

# Queues found before, by digest of the network and plan, as commands build a pipeline repeatedly.
BALANCED: dict[tuple[str, Plan], dict[str, int]] = {}
KEPT = 64
MOST_BEAT_BITS = 1 << 16  # what Amaranth takes as one signal, and every Verilog tool
TOO_SHORT = (
    "a queue is too short, so that paths that meet again wait for each other for ever; remove "
    "'queues' from the plan, or choose greater depths"
)


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The units of ``network`` under ``plan``, every one behind those that it reads; raises
    PlanError where they do not fit.

    The first unit's input stream takes the frames; the last one's output stream gives the result.
    """

    network: Network
    plan: Plan

    def __post_init__(self) -> None:
        check_plan(self.network, self.plan)
        if not self.steps:
            raise PlanError(
                f"network {self.network.name!r} only renames elements; there is nothing to build"
            )
        self.check_widths()
        if self.forks:
            self.check_flow()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every unit in order, width changes, forks and FIFOs between stages included."""
        names: set[str] = set()
        return tuple(replace(step, name=unique(step.name, names)) for step in self.build())

    @cached_property
    def edges(self) -> dict[str, list[Edge]]:
        """The streams that each stage reads, by the stage's first layer."""
        return edges(self.network, [stage.layers for stage in self.plan.stages])

    @cached_property
    def forks(self) -> dict[str, list[Edge]]:
        """The tensors that several stages read, and the streams that carry them there."""
        return forks(self.edges)

    @cached_property
    def units(self) -> list[tuple[Stage, list[tuple[str, Unit]]]]:
        """Each stage with its units."""
        rows = []
        for stage in self.plan.stages:
            try:
                rows.append((stage, stage.units(self.network, self.plan.limits)))
            except PlanError as error:
                raise PlanError(f"stage {stage.layers[0]!r}: {error}") from None
        return rows

    @cached_property
    def queues(self) -> dict[str, int]:
        """The depth of the FIFO in each stream behind a fork, by its name: the plan's, or else the
        least that costs no rate.
        """
        stated = dict(self.plan.queues)
        names = [edge.name for readers in self.forks.values() for edge in readers]
        if all(name in stated for name in names):
            return stated
        key = self.network.digest, self.plan
        if key not in BALANCED:
            if len(BALANCED) >= KEPT:
                BALANCED.clear()
            try:
                balancer = Balancer(self.units, self.edges, dict(self.plan.memories))
                BALANCED[key] = balancer.depths(names, stated)
            except ValueError:
                raise PlanError(TOO_SHORT) from None
        return BALANCED[key]

    def build(self) -> Iterator[Step]:
        """The units, with names that may clash still."""
        wires = Wires(self.edges, self.queues, dict(self.plan.memories))
        for stage, units in self.units:
            yield from wires.stage(stage, units)

    def check_widths(self) -> None:
        """Raise PlanError where a beat has more bits than a signal may have."""
        for step in self.steps:
            for lanes in (*step.unit.inputs.values(), *step.unit.outputs.values()):
                if lanes.width > MOST_BEAT_BITS:
                    raise PlanError(
                        f"stage {step.stage.layers[0]!r}: a beat of {lanes.lanes:,} elements has "
                        f"{lanes.width:,} bits, and a stream at most {MOST_BEAT_BITS:,}; plan "
                        "fewer elements or pixels a beat"
                    )

    def check_flow(self) -> None:
        """Raise PlanError where the queues of the plan are too short for anything to move."""
        try:
            measure(self.processes, 2, self.feeds)
        except ValueError:
            raise PlanError(TOO_SHORT) from None

    @property
    def i(self) -> Lanes:
        """Payload of the input stream."""
        return self.steps[0].unit.i

    @property
    def o(self) -> Lanes:
        """Payload of the output stream."""
        return self.steps[-1].unit.o

    @cached_property
    def flow(self) -> tuple[list[Process], list[tuple[Feed, ...]], list[int]]:
        """Processes, what they read, and which gives the output of each step; see flow."""
        return flow(self.steps)

    @property
    def processes(self) -> tuple[Process, ...]:
        """The processes of all units, one after another."""
        return tuple(self.flow[0])

    @property
    def feeds(self) -> list[tuple[Feed, ...]]:
        """The streams that each process reads."""
        return self.flow[1]

    @cached_property
    def outputs(self) -> dict[str, int]:
        """For each unit's name, which process gives its output stream."""
        return dict(zip((step.name for step in self.steps), self.flow[2], strict=True))

    def cycles(self, frames: int = 3, period: int = 0) -> Trace:
        """The cycle of every beat of every stream over some frames, one every ``period`` cycles or
        as soon as they are taken.
        """
        return run(self.processes, frames, self.feeds, period)

    def reference(self, beats: Beats) -> list[Beats]:
        """The output beats of every unit for input beats of whole frames."""
        found: list[Beats] = []
        for step in self.steps:
            sources = [found[s] if s >= 0 else beats for s, _ in step.feeds]
            found.append(step.unit.joined(sources))
        return found

    @cached_property
    def timing(self) -> Timing:
        """Four frames: enough for latency and for the interval at steady state."""
        return measure(self.processes, 4, self.feeds)

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames at steady state."""
        return self.timing.interval_cycles

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first input beat to the last output beat of a frame that finds the
        pipeline empty.
        """
        return self.timing.latency_cycles


def unique(name: str, names: set[str]) -> str:
    """``name``, or with a number behind it where it is taken."""
    candidates = chain([name], (f"{name}_{k}" for k in count(2)))
    free = next(candidate for candidate in candidates if candidate not in names)
    names.add(free)
    return free
