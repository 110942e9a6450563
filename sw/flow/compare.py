"""Two networks, plans or builds side by side."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subbit.boards import Board
from subbit.sw.flow.report import read_subject
from subbit.sw.ir import Network
from subbit.sw.ir.describe import describe_network
from subbit.sw.report.page import Part, page, render
from subbit.sw.report.subject import Subject
from subbit.sw.report.write import write_page

__all__ = ["FIGURES", "Comparison", "compare", "write_comparison"]

# What is compared: name, and whether more of it is better (None where neither is).
FIGURES: dict[str, bool | None] = {
    "accuracy": True,
    "weights": None,
    "weight_bits": False,
    "lut4": False,
    "flip_flops": False,
    "block_rams": False,
    "multipliers": False,
    "clock_mhz": True,
    "interval_cycles": False,
    "latency_cycles": False,
    "fps": True,
}
NOT_SCORED: Mapping[str, Any] = {"data": None, "kind": None, "limit": 1, "score": False}
Source = Network | str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two subjects, called ``names``, with the ``figures`` of each by name, None where one is not
    known; ``layers``, a row for each layer of either with what differs; ``stages``, the settings
    that differ.
    """

    names: tuple[str, str]
    figures: tuple[dict[str, Any], dict[str, Any]]
    layers: list[dict[str, Any]]
    stages: list[dict[str, Any]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each figure of both, the ``change`` from the first to the second as a share of the first,
        and which one is ``better``: 0, 1, or None.
        """
        found = []
        for name, more in FIGURES.items():
            first, second = (figures[name] for figures in self.figures)
            known = first is not None and second is not None
            change = (second - first) / first if known and first else None
            better = None
            if known and more is not None and first != second:
                better = int((second > first) == more)
            values = {"a": first, "b": second, "change": change, "better": better}
            found.append({"name": name, **values})
        return found

    def summary(self) -> dict[str, Any]:
        """What ``subbit compare --json`` prints."""
        return {
            "a": {"name": self.names[0], **self.figures[0]},
            "b": {"name": self.names[1], **self.figures[1]},
            "change": {row["name"]: row["change"] for row in self.rows},
            "layers": [row for row in self.layers if row["differs"]],
            "stages": self.stages,
        }


def compare(first: Source, second: Source, board: Board | None = None) -> Comparison:
    """Set two networks, plans or builds side by side; each as in subbit.write_report.

    ``board``: that networks and plans are planned for. Accuracy is what the networks' files say,
    cells and clock those of a build, else estimates. Raises SubbitError where one cannot be read.
    """
    sides = [side(source, board) for source in (first, second)]
    names = [title(source, made) for source, made in zip((first, second), sides, strict=True)]
    return Comparison(
        (names[0], names[1]),
        (figures_of(sides[0]), figures_of(sides[1])),
        layer_rows(sides[0].network, sides[1].network),
        stage_rows(*sides),
    )


def side(source: Source, board: Board | None) -> Subject:
    """What is compared; a build has its own board."""
    is_build = not isinstance(source, Network) and Path(source).is_dir()
    return read_subject(source, None if is_build else board, None, NOT_SCORED)[0]


def title(source: Source, subject: Subject) -> str:
    """What a side is called: its path, or the network's name."""
    return subject.network.name if isinstance(source, Network) else str(source)


def figures_of(subject: Subject) -> dict[str, Any]:
    """The figures of a side, in the order of FIGURES."""
    network, planned = subject.network, subject.planned
    found: dict[str, Any] = dict.fromkeys(FIGURES)
    row = network.metadata.get("accuracy")
    if isinstance(row, dict) and row.get("images"):
        found["accuracy"] = round(row["correct"] / row["images"], 6)
    elif isinstance(row, int | float) and not isinstance(row, bool):
        found["accuracy"] = row
    found |= {"weights": network.weight_count, "weight_bits": network.weight_bits}
    if planned is not None:
        found |= planned.design.counts
        found["interval_cycles"] = planned.timing.interval_cycles
        found["latency_cycles"] = planned.timing.latency_cycles
        found["clock_mhz"] = round((subject.clock_hz or 0) / 1e6, 3)
        found["fps"] = round(subject.fps or 0, 3)
    if subject.built is not None:
        found |= {
            kind: subject.built.summary[kind] for kind in ("lut4", "flip_flops", "block_rams")
        }
        found["multipliers"] = subject.built.summary.get("dsps", 0)
    return found


def layer_rows(first: Network, second: Network) -> list[dict[str, Any]]:
    """The layers of both by name, in the order of the first, then what only the second has."""
    sides = [
        {row["name"]: row for row in describe_network(each)["layers"]} for each in (first, second)
    ]
    made = [
        {node.name: (node.inputs, node.layer) for node in each.nodes} for each in (first, second)
    ]
    rows = []
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        a, b = (side.get(name) for side in sides)
        differs = [
            key
            for key in ("kind", "output", "encoding", "weight_bits")
            if a and b and a[key] != b[key]
        ]
        if a is None or b is None:
            differs = ["only in the second" if a is None else "only in the first"]
        elif not differs and made[0][name] != made[1][name]:
            same_inputs = made[0][name][0] == made[1][name][0]
            differs = ["parameters"] if same_inputs else ["inputs"]
        rows.append({"name": name, "a": a, "b": b, "differs": differs})
    return rows


def stage_rows(first: Subject, second: Subject) -> list[dict[str, Any]]:
    """The settings of stages of the same layers that differ."""
    if first.planned is None or second.planned is None:
        return []
    rows = []
    others = {stage.layers: stage.to_json() for stage in second.planned.plan.stages}
    for stage in first.planned.plan.stages:
        a, b = stage.to_json(), others.get(stage.layers)
        if b is not None and a != b:
            keys = [key for key in dict.fromkeys([*a, *b]) if a.get(key) != b.get(key)]
            settings = {key: [a.get(key), b.get(key)] for key in keys}
            rows.append({"layers": list(stage.layers), "settings": settings})
    return rows


def write_comparison(found: Comparison, out: str | os.PathLike[str]) -> Path:
    """Write a comparison as one HTML page, under the rules of subbit.write_report."""
    values = {"names": found.names, "rows": found.rows, "stages": found.stages}
    parts = [
        Part("figures", "Figures", render("compare", values)),
        Part(
            "layers",
            "Layers",
            render("compare_layers", {"names": found.names, "rows": found.layers}),
        ),
    ]
    return write_page(out, page(f"{found.names[0]} and {found.names[1]}", parts))
