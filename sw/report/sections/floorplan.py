"""The device from above: which tiles the cells of each stage are in."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from subbit.sw.report.sections.device import KINDS
from subbit.sw.report.subject import Subject
from subbit.sw.report.svg import drawing, element, joined_runs, runs_path

__all__ = ["section", "stage_of"]

CELL = 6
ACCELERATOR = "core.accelerator."
OTHER = "link, clocks and the rest"
Tiles = dict[tuple[int, int], Counter[str]]


def section(subject: Subject) -> dict[str, Any] | None:
    """``drawing``, and ``rows`` of the stages with ``kinds`` of cells; None without a placement."""
    placed = subject.built.placement if subject.built else None
    if not placed:
        return None
    kinds = [kind for kind in placed["kinds"] if kind in KINDS]
    tiles = tiles_of(subject, placed)
    owners = owners_of(tiles)
    heads = [*(names for names in subject.stages if names in tiles), ()]
    rows, shapes = [], []
    for names in heads:
        here = tiles.get(names, {})
        look = f"c{subject.colours[names[0]]}" if names else "other"
        sums = Counter[str]()
        for counts in here.values():
            sums.update(counts)
        name = ", ".join(names) if names else OTHER
        counts_row = [sums[kind] for kind in kinds]
        rows.append({"name": name, "look": look, "counts": counts_row, "tiles": len(here)})
        runs = joined_runs([place for place, owner in owners.items() if owner == names])
        bars = ((CELL * x, CELL * y, CELL * wide) for x, y, wide in runs)
        shapes.append(element("path", d=runs_path(bars, CELL), class_=look))
    wide, tall = CELL * placed["columns"], CELL * placed["rows"]
    chip = element("rect", x=0, y=0, width=wide, height=tall, class_="chip")
    used, whole = len(owners), placed["columns"] * placed["rows"]
    about = (
        f"{used:,} of {whole:,} tiles are in use; each is in the colour of the stage with most "
        "cells there"
    )
    title = f"Floorplan of the {subject.board.device.name}"
    made = drawing(wide, tall, title, about, chip, *shapes)
    return {"drawing": made, "rows": rows, "kinds": [KINDS[kind] for kind in kinds]}


def tiles_of(subject: Subject, placed: Mapping[str, Any]) -> dict[tuple[str, ...], Tiles]:
    """For each stage, by its layers, the cells in each tile; under () those of no stage."""
    units = (
        {}
        if subject.pipeline is None
        else {step.name: step.stage.layers for step in subject.pipeline.steps}
    )
    found: dict[tuple[str, ...], Tiles] = {}
    for path, rows in placed["parts"].items():
        here = found.setdefault(stage_of(path, units), {})
        for x, y, *numbers in rows:
            counts = dict(zip(placed["kinds"], numbers, strict=True))
            here.setdefault((x, y), Counter()).update(counts)
    return found


def stage_of(path: str, units: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The stage of a part of the design, by the names of the units; () where it is of none."""
    unit = path.removeprefix(ACCELERATOR).split(".")[0] if path.startswith(ACCELERATOR) else ""
    return units.get(unit, ())


def owners_of(tiles: Mapping[tuple[str, ...], Tiles]) -> dict[tuple[int, int], tuple[str, ...]]:
    """For each tile in use the stage that has most cells there."""
    most: dict[tuple[int, int], tuple[int, tuple[str, ...]]] = {}
    for names, here in tiles.items():
        for place, counts in here.items():
            most[place] = max(most.get(place, (0, ())), (counts.total(), names))
    return {place: names for place, (_, names) in most.items()}
