"""A row for each stage: its layers, bits, cycles and cells, and which one bounds the rate."""

from collections.abc import Mapping
from typing import Any

from subbit.sw.ir.describe import describe_network
from subbit.sw.planner.report import describe
from subbit.sw.report.subject import Subject

__all__ = ["section"]

HIDDEN = ("layers", "cycles", "lut4", "flip_flops", "block_rams", "multipliers")


def section(subject: Subject) -> dict[str, Any]:
    """``rows`` of the stages, ``layers`` of the layers, and ``bound``: what bounds the rate."""
    described = describe_network(subject.network)["layers"]
    layers = {row["name"]: row for row in described}
    for row in described:
        row["colour"] = subject.colours[row["name"]]
    if subject.planned is None:
        return {"rows": [], "layers": described, "bound": ""}
    said = describe(subject.planned, None)
    interval = said["interval_cycles"]
    rows = [
        {
            "names": row["layers"],
            "colour": subject.colours[row["layers"][0]],
            "weights": sum(layers[name]["weights"] for name in row["layers"]),
            "bits": sum(layers[name]["weight_bits"] for name in row["layers"]),
            "settings": settings(row),
            "share": min(1.0, row["cycles"] / interval),
            "bounds": row["layers"] == said["bound_by"],
            **{key: row[key] for key in HIDDEN},
        }
        for row in said["stages"]
    ]
    return {"rows": rows, "layers": described, "bound": bound_text(said)}


def settings(row: Mapping[str, Any]) -> str:
    """The settings of a stage that say something, in one line."""
    shown = {key: value for key, value in row.items() if key not in HIDDEN and value not in (0, "")}
    return " ".join(f"{key}={value}" for key, value in shown.items())


def bound_text(said: Mapping[str, Any]) -> str:
    """Which stage bounds the rate, in words."""
    names = ", ".join(said["bound_by"])
    text = f"{names} bounds the rate: its slowest unit is busy in "
    busy = said["interval_cycles"] - said["waiting_cycles"]
    text += f"{busy:,} of the {said['interval_cycles']:,} cycles between two frames."
    if said["waiting_cycles"]:
        text += f" {said['waiting_cycles']:,} are lost where stages wait for each other."
    return text
