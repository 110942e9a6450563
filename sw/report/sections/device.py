"""How much of the device is used, and by which stage."""

from collections.abc import Mapping
from typing import Any

from subbit.sw.report.subject import Subject

__all__ = ["KINDS", "section"]

KINDS = {
    "lut4": "LUT4",
    "flip_flops": "flip-flops",
    "block_rams": "block RAMs",
    "multipliers": "multipliers",
}


def section(subject: Subject) -> dict[str, Any] | None:
    """``rows``: of each kind of cell what is used, what there is, and what was expected."""
    if subject.planned is None:
        return None
    device, expected = subject.board.device, subject.planned.design.counts
    used: Mapping[str, Any] = expected
    if subject.built:
        used = {**subject.built.summary, "multipliers": subject.built.summary.get("dsps", 0)}
    there = device.cells.counts
    rows = [
        {
            "name": name,
            "used": used[kind],
            "of": there[kind],
            "share": used[kind] / max(1, there[kind]),
            "expected": expected[kind] if subject.built else None,
        }
        for kind, name in KINDS.items()
    ]
    return {"rows": rows, "device": device.name, "routed": subject.built is not None}
