"""The clocks that the routed design reaches, and its worst path in words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from subbit.sw.report.subject import Subject

__all__ = ["section"]

PART = re.compile(r"^(?:.*\.)?([a-z][a-z0-9_]*)\.[^.]*$")
LOGIC, WIRE = ("clk-to-q", "logic", "setup"), ("routing",)
WORDS = {
    "clk-to-q": "register output",
    "logic": "logic",
    "setup": "setup of a register",
    "routing": "wire",
    "source": "clock source",
    "clk-skew": "skew of clocks",
}


def section(subject: Subject) -> dict[str, Any] | None:
    """``clocks``, the worst path's ``sentences`` and ``steps``; None without a routed design."""
    timing = subject.built.timing if subject.built else None
    if not timing:
        return None
    clocks = [
        {"name": name, "reached": row["achieved"], "asked": row["constraint"]}
        for name, row in sorted(timing.get("fmax", {}).items())
    ]
    path = worst(timing.get("critical_paths", []))
    if path is None:
        return {"clocks": clocks, "sentences": [], "steps": []}
    heads = [names[0] for names in subject.stages]
    steps = [step_row(step, heads) for step in path["path"]]
    return {"clocks": clocks, "sentences": sentences(steps), "steps": steps}


def worst(paths: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The longest path between registers of one clock, or else the longest of all."""
    inside = [row for row in paths if row["from"] == row["to"] and row["path"]]
    found = inside or [row for row in paths if row["path"]]
    return max(found, key=length) if found else None


def length(path: Mapping[str, Any]) -> float:
    """Nanoseconds."""
    return float(sum(step["delay"] for step in path["path"]))


def step_row(step: Mapping[str, Any], heads: Sequence[str]) -> dict[str, Any]:
    """A step in words: its kind, its delay in ns, the cells and stages that it lies between."""
    start, end = str(step["from"].get("cell", "")), str(step["to"].get("cell", ""))
    return {
        "kind": WORDS.get(step["type"], step["type"]),
        "is_wire": step["type"] in WIRE,
        "delay": float(step["delay"]),
        "net": str(step.get("net", "")),
        "start": start,
        "end": end,
        "start_in": place_of(start, heads),
        "end_in": place_of(end, heads),
        "from": tuple(step["from"].get("loc", ())),
        "to": tuple(step["to"].get("loc", ())),
    }


def place_of(cell: str, heads: Sequence[str]) -> str:
    """The unit or part of the design that a cell belongs to, by its hierarchical name."""
    for part in cell.split("."):
        if any(part == head or part.startswith(f"{head}_") for head in heads):
            return part
    found = PART.match(cell)
    return found.group(1) if found else "the design"


def sentences(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """The path in words."""
    wire = sum(step["delay"] for step in steps if step["is_wire"])
    total = sum(step["delay"] for step in steps)
    levels = sum(step["kind"] == "logic" for step in steps)
    found = [
        f"The longest path takes {total:.2f} ns: it begins in {steps[0]['start_in']}, goes through "
        f"{levels} {'cell' if levels == 1 else 'cells'} of logic, and ends in "
        f"{steps[-1]['end_in']}.",
        f"{wire:.2f} ns of it ({wire / total:.0%}) are wires." if total else "",
    ]
    wires = [step for step in steps if step["is_wire"]]
    if wires and len(longest := max(wires, key=lambda step: step["delay"])["to"]) >= 2:
        step = max(wires, key=lambda step: step["delay"])
        across = abs(step["from"][0] - longest[0]) + abs(step["from"][1] - longest[1])
        found.append(f"The longest wire takes {step['delay']:.2f} ns over {across} tiles.")
    return [text for text in found if text]
