"""A sweep as a page: what the points cost and reach, and which of them are worth having."""

import os
from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from pathlib import Path
from typing import Any

from markupsafe import Markup

from subbit.sw.report.page import Part, page, render
from subbit.sw.report.subject import COLOURS
from subbit.sw.report.svg import drawing, element, text
from subbit.sw.report.write import write_page
from subbit.sw.sweep.run import SweepResult

__all__ = ["scatter", "write_sweep"]

WIDTH, HEIGHT, LEFT, FOOT, HEAD = 640, 380, 70, 46, 36
AXES = {"lut4": "LUT4", "weight_bits": "bits of weights"}
Rows = Sequence[Mapping[str, Any]]


def write_sweep(found: SweepResult, out: str | os.PathLike[str]) -> Path:
    """Write a sweep as one HTML page, under the rules of subbit.write_report."""
    rows = [row | {"name": Path(row["network"]).stem} for row in found.summary()["rows"]]
    names = list(dict.fromkeys(row["name"] for row in rows))
    colours = {name: place % COLOURS for place, name in enumerate(names)}
    drawn = [row for row in rows if "error" not in row]
    charts = [scatter(drawn, colours, axis) for axis in AXES] if drawn else []
    values = {"rows": rows, "charts": charts, "colours": colours}
    return write_page(out, page("Sweep", [Part("points", "Points", render("sweep", values))]))


def scatter(rows: Rows, colours: Mapping[str, int], axis: str) -> Markup:
    """Points over logarithmic axes: ``axis`` from left to right, frames a second upwards. Those
    that no other one beats are large and have a line around them.
    """
    (x0, x1), (y0, y1) = ends([row[axis] for row in rows]), ends([row["fps"] for row in rows])

    def at(x: float, y: float) -> tuple[float, float]:
        across = (log10(max(x, 1)) - x0) / (x1 - x0) * (WIDTH - LEFT - 20)
        up = (log10(max(y, 1)) - y0) / (y1 - y0) * (HEIGHT - FOOT - HEAD)
        return LEFT + across, HEIGHT - FOOT - up

    parts = [text(4, 12, "frames a second")]
    parts.append(text(WIDTH / 2, HEIGHT - 8, AXES[axis], text_anchor="middle"))
    for power in range(x0, x1 + 1):
        x, y = at(10.0**power, 10.0**y0)
        parts.append(element("line", x1=x, x2=x, y1=HEAD, y2=y, class_="grid"))
        parts.append(text(x, y + 16, f"{10**power:,}", text_anchor="middle", class_="small"))
    for power in range(y0, y1 + 1):
        x, y = at(10.0**x0, 10.0**power)
        parts.append(element("line", x1=x, x2=WIDTH - 20, y1=y, y2=y, class_="grid"))
        parts.append(text(x - 6, y + 4, f"{10**power:,}", text_anchor="end", class_="small"))
    for row in sorted(rows, key=lambda row: bool(row["pareto"])):
        x, y = at(row[axis], row["fps"])
        said = f"{row['name']} on {row['board']}: {row['fps']:,.0f} frames/s, {row[axis]:,}"
        size, look = (7, "box ") if row["pareto"] else (4, "")
        look += f"c{colours[row['name']]}"
        title = element("title", f"{said} {AXES[axis]}")
        parts.append(element("circle", title, cx=x, cy=y, r=size, class_=look))
    best = sum(bool(row["pareto"]) for row in rows)
    about = f"{len(rows)} points, {best} of them beaten by no other; the table has all"
    return drawing(WIDTH, HEIGHT, f"Frames a second over {AXES[axis]}", about, *parts)


def ends(numbers: Sequence[float]) -> tuple[int, int]:
    """The powers of ten between which all lie, one apart at least."""
    low, high = (log10(max(end, 1)) for end in (min(numbers), max(numbers)))
    return floor(low), max(ceil(high), floor(low) + 1)
