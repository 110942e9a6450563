"""The clocks that the routed design reaches, and its worst path in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from subbit.sw.report.subject import Subject

__all__ = ["section"]

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
    asked = {row["name"]: row["asked"] for row in clocks}
    path = worst(timing.get("critical_paths", []), asked)
    if path is None:
        return {"clocks": clocks, "sentences": [], "steps": []}
    steps = [step_row(step) for step in path["path"]]
    return {"clocks": clocks, "sentences": sentences(clock_of(path), steps), "steps": steps}


def worst(
    paths: Sequence[Mapping[str, Any]], asked: Mapping[str, float]
) -> Mapping[str, Any] | None:
    """The path between registers of one clock that takes the most of the period asked for."""
    inside = [row for row in paths if row["from"] == row["to"] and row["path"]]
    return max(inside, key=lambda row: length(row) * asked.get(clock_of(row), 0), default=None)


def clock_of(path: Mapping[str, Any]) -> str:
    """The clock at whose edge a path begins, such as ``posedge clk``."""
    return str(path["from"]).partition(" ")[2]


def length(path: Mapping[str, Any]) -> float:
    """Nanoseconds."""
    return float(sum(step["delay"] for step in path["path"]))


def step_row(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step in words: its kind, its delay in ns, the cells and stages that it lies between."""
    start, end = str(step["from"].get("cell", "")), str(step["to"].get("cell", ""))
    return {
        "kind": WORDS.get(step["type"], step["type"]),
        "is_wire": step["type"] == "routing",
        "delay": float(step["delay"]),
        "net": str(step.get("net", "")),
        "start": start,
        "end": end,
        "start_in": place_of(start),
        "end_in": place_of(end),
        "from": tuple(step["from"].get("loc", ())),
        "to": tuple(step["to"].get("loc", ())),
    }


def place_of(cell: str) -> str:
    """The unit of the accelerator, or other part of the design, that a cell belongs to."""
    path = [part.partition("$")[0] for part in cell.split(".")[:-1]]
    if path[:2] == ["core", "accelerator"]:
        return path[2] if len(path) > 2 else "the accelerator"
    if path[:2] == ["core", "link"]:
        return " ".join(["the host link's", *path[2:3]]) if len(path) > 2 else "the host link"
    return path[0] if path and path[0] else "the design"


def sentences(clock: str, steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """The path in words."""
    wire = sum(step["delay"] for step in steps if step["is_wire"])
    total = sum(step["delay"] for step in steps)
    levels = sum(step["kind"] == "logic" for step in steps)
    found = [
        f"The path that bounds {clock} takes {total:.2f} ns: it begins in "
        f"{steps[0]['start_in']}, goes through {levels} "
        f"{'cell' if levels == 1 else 'cells'} of logic, and ends in {steps[-1]['end_in']}.",
        f"{wire:.2f} ns of it ({wire / total:.0%}) are wires." if total else "",
    ]
    wires = [step for step in steps if step["is_wire"]]
    if wires and len(longest := max(wires, key=lambda step: step["delay"])["to"]) >= 2:
        step = max(wires, key=lambda step: step["delay"])
        across = abs(step["from"][0] - longest[0]) + abs(step["from"][1] - longest[1])
        found.append(f"The longest wire takes {step['delay']:.2f} ns over {across} tiles.")
    return [text for text in found if text]
