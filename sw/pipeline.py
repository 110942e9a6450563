"""Pipeline: the row of units that a Network and a Plan make, with their cycles."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count
from math import lcm

from subbit.sw.cycles import Process, Trace, run
from subbit.sw.errors import PlanError
from subbit.sw.ir.network import Network
from subbit.sw.plan import Plan, check_plan
from subbit.sw.stages.stage import Stage
from subbit.sw.units.fifo import Fifo
from subbit.sw.units.unit import Lanes, Unit
from subbit.sw.units.width import Downsize, Upsize

__all__ = ["Pipeline", "Step"]


@dataclass(frozen=True, eq=False)
class Step:
    """A unit in its place: its name in the hierarchy, the stage it belongs to, and, where its
    output stream is the tensor of a layer, the name of that layer.
    """

    name: str
    unit: Unit
    stage: Stage
    tensor: str | None = None


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The units of ``network`` under ``plan``, joined in order; raises PlanError where they do not
    fit.

    The first unit's input stream takes the frames; the last one's output stream gives the result.
    """

    network: Network
    plan: Plan

    def __post_init__(self) -> None:
        check_plan(self.network, self.plan)
        _ = self.steps

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every unit in order, width changes and FIFOs between stages included."""
        names: set[str] = set()
        return tuple(
            Step(unique(step.name, names), step.unit, step.stage, step.tensor)
            for step in self.build()
        )

    def build(self) -> Iterator[Step]:
        """The units, with names that may clash still."""
        o: Lanes | None = None
        beats = 0
        for stage in self.plan.stages:
            head = stage.layers[0]
            try:
                units = stage.units(self.network)
            except PlanError as error:
                raise PlanError(f"stage {head!r}: {error}") from None
            for position, (suffix, unit) in enumerate(units):
                if o is not None:
                    for join in joined(o, unit.i, beats):
                        yield Step(f"{head}_{type(join).__name__.lower()}", join, stage)
                last = position == len(units) - 1
                yield Step(f"{head}_{suffix}", unit, stage, stage.layers[-1] if last else None)
                o, beats = unit.o, unit.o_beats
            if stage.fifo:
                assert o is not None
                yield Step(f"{head}_fifo", Fifo(o, stage.fifo, beats), stage)

    @property
    def i(self) -> Lanes:
        """Payload of the input stream."""
        return self.steps[0].unit.i

    @property
    def o(self) -> Lanes:
        """Payload of the output stream."""
        return self.steps[-1].unit.o

    @cached_property
    def processes(self) -> tuple[Process, ...]:
        """The processes of all units as one chain."""
        return tuple(process for step in self.steps for process in step.unit.processes())

    @cached_property
    def outputs(self) -> dict[str, int]:
        """For each unit's name, which process of the chain gives its output stream."""
        index = count()
        return {step.name: [next(index) for _ in step.unit.processes()][-1] for step in self.steps}

    def cycles(self, frames: int = 3) -> Trace:
        """The cycle of every beat of every stream over some frames."""
        return run(list(self.processes), frames)

    @cached_property
    def timing(self) -> Trace:
        """Four frames: enough for latency and for the interval at steady state."""
        return self.cycles(4)

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


def joined(o: Lanes, i: Lanes, beats: int) -> Iterator[Unit]:
    """The width changes that lead from a stream of ``o`` to one of ``i``."""
    assert (o.bits, o.signed) == (i.bits, i.signed), f"{o} does not fit {i}"
    if o.lanes == i.lanes:
        return
    whole = lcm(o.lanes, i.lanes)
    if whole > o.lanes:
        yield Upsize(o, whole // o.lanes, beats)
        beats //= whole // o.lanes
    if whole > i.lanes:
        yield Downsize(Lanes(whole, o.bits, o.signed), whole // i.lanes, beats)


def unique(name: str, names: set[str]) -> str:
    """``name``, or with a number behind it where it is taken."""
    candidates = chain([name], (f"{name}_{k}" for k in count(2)))
    free = next(candidate for candidate in candidates if candidate not in names)
    names.add(free)
    return free
