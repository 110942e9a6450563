"""What a report is about: a network, and what is known of it so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from subbit.boards import Board
from subbit.sw.ir.network import Network
from subbit.sw.lower.graph import wiring
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.planner.goal import Planned
from subbit.sw.report.scored import Scored

__all__ = ["COLOURS", "Built", "Subject"]

COLOURS = 10  # that stages are drawn in, over and over


@dataclass(frozen=True, eq=False)
class Built:
    """What a build left behind: ``summary`` as in summary.json; ``timing`` as in timing.json and
    ``placement`` as in placement.json, None where a build of an older subbit has none.
    """

    summary: Mapping[str, Any]
    timing: Mapping[str, Any] | None = None
    placement: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """``network`` on ``board``. ``planned``: None where no plan fits, for the reason ``unplanned``.
    ``built``: the build, ``simulated``: the summary of a simulation. ``scored``: accuracy on a data
    set, None where that is not known, for the reason ``unscored``.
    """

    network: Network
    board: Board
    planned: Planned | None = None
    unplanned: str = ""
    built: Built | None = None
    simulated: Mapping[str, Any] = field(default_factory=dict)
    scored: Scored | None = None
    unscored: str = ""

    @cached_property
    def pipeline(self) -> Pipeline | None:
        """The units of the plan."""
        return Pipeline(self.network, self.planned.plan) if self.planned else None

    @cached_property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """The layers of each stage; without a plan each layer for itself."""
        if self.planned:
            return tuple(stage.layers for stage in self.planned.plan.stages)
        return tuple((node.name,) for node in self.network.nodes)

    @cached_property
    def colours(self) -> dict[str, int]:
        """For each layer the number of the colour that it is drawn in: that of its stage, or of the
        one before it where it is mere wiring.
        """
        found = {name: place % COLOURS for place, names in enumerate(self.stages) for name in names}
        wired = wiring(self.network)
        for node in self.network.nodes:
            found.setdefault(node.name, found.get(wired[node.name], 0))
        return found

    @property
    def clock_hz(self) -> float | None:
        """Of the build, or what is expected."""
        if self.built:
            return 1e6 * float(self.built.summary["clock_mhz"])
        return self.planned.clock_hz if self.planned else None

    @property
    def fps(self) -> float | None:
        """Frames a second without the serial port, of the build or expected."""
        if self.built:
            return float(self.built.summary["fps"])
        return self.planned.fps if self.planned else None
