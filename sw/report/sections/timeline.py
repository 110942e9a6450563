"""Two frames on their way through the pipeline: where each stage works, and where it waits."""

from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from subbit.sw.cycles.steps import Steps, step_cycles
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.report.subject import Subject
from subbit.sw.report.svg import Run, drawing, element, runs_path, text

__all__ = ["MOST_STEPS", "section", "states_of"]

FRAMES = 2
MOST_STEPS = 400_000  # of all processes together; takes about a second
COLUMNS, LEFT, ROW, BAR, HEAD = 480, 150, 26, 16, 26
IDLE, WORKS, INPUT, ROOM = range(4)
LOOKS = {WORKS: "works", INPUT: "for-input", ROOM: "for-room"}
WORDS = {WORKS: "works", INPUT: "waits for input", ROOM: "waits for room behind it"}
States = NDArray[np.int64]


def section(subject: Subject) -> dict[str, Any] | None:
    """``drawing``, the ``looks`` with their words, and ``rows`` in numbers; or ``reason``."""
    pipeline = subject.pipeline
    if pipeline is None:
        return None
    steps = FRAMES * sum(len(process.steps) for process in pipeline.processes)
    if steps > MOST_STEPS:
        reason = f"Two frames take {steps:,} steps, more than are drawn ({MOST_STEPS:,})."
        return {"drawing": None, "reason": reason, "rows": [], "looks": {}, "confirmed": False}
    trace = pipeline.cycles(FRAMES)
    end = int(trace.branches[-1][0][-1]) + 1
    found = step_cycles(pipeline.processes, trace, pipeline.feeds)
    rows = [
        row_of(subject, names, found[slowest(pipeline, names)], end) for names in subject.stages
    ]
    about = f"{len(rows)} stages over {end:,} cycles, from the first beat in to the last one out"
    parts = [Markup("").join(row["shapes"](at)) for at, row in enumerate(rows)]
    tall = HEAD + ROW * len(rows) + 4
    title = f"Two frames through {subject.network.name}"
    made = drawing(LEFT + COLUMNS, tall, title, about, *axis(end, tall), *parts, wide=True)
    looks = {LOOKS[state]: WORDS[state] for state in LOOKS}
    simulated = subject.simulated
    confirmed = bool(simulated) and not simulated["mismatches"]
    confirmed = confirmed and simulated["backpressure"] == "none"
    return {"drawing": made, "reason": "", "rows": rows, "looks": looks, "confirmed": confirmed}


def slowest(pipeline: Pipeline, names: tuple[str, ...]) -> int:
    """The process of a stage that has most steps."""
    first, best = 0, (-1, 0)
    for step in pipeline.steps:
        chain = step.unit.processes()
        if step.stage.layers == names:
            best = max(best, *((len(p.steps), first + k) for k, p in enumerate(chain)))
        first += len(chain)
    return best[1]


def states_of(steps: Steps, end: int) -> States:
    """What a process does in each cycle from 0 to ``end``: idle, works, waits for input, for room.

    It is idle before its first step and after its last one.
    """
    states = np.full(end, IDLE, np.int64)
    for cycle, for_input, for_room in zip(
        steps.cycles.tolist(), steps.for_input.tolist(), steps.for_room.tolist(), strict=True
    ):
        begun = cycle - for_room
        states[max(0, begun - for_input) : begun] = INPUT
        states[begun:cycle] = ROOM
        if cycle < end:
            states[cycle] = WORKS
    first, last = int(steps.cycles[0]), int(steps.cycles[-1])
    states[:first] = states[last + 1 :] = IDLE
    return states


def row_of(subject: Subject, names: tuple[str, ...], steps: Steps, end: int) -> dict[str, Any]:
    """A stage: cycles of each kind, and ``shapes``, which draws them in a row of the drawing."""
    states = states_of(steps, end)
    counts = {LOOKS[state]: int((states == state).sum()) for state in LOOKS}
    columns = seen(states)
    half = len(steps.cycles) // FRAMES
    frames = [(int(part[0]), int(part[-1])) for part in (steps.cycles[:half], steps.cycles[half:])]
    colour, label = subject.colours[names[0]], ", ".join(names)

    def shapes(at: int) -> list[Markup]:
        y = HEAD + ROW * at
        parts = [
            element("rect", x=0, y=y + 3, width=10, height=10, class_=f"box c{colour}"),
            text(16, y + 12, label[:22], class_="small"),
        ]
        for state, look in LOOKS.items():
            if runs := runs_in(columns, state, y):
                parts.append(element("path", d=runs_path(runs, BAR), class_=look))
        for first, last in frames:
            x = LEFT + first * COLUMNS / end
            wide = max(1.0, (last + 1 - first) * COLUMNS / end)
            line = element("rect", x=x, y=y - 1, width=wide, height=BAR + 2, class_="frame")
            parts.append(line)
        return parts

    return {"names": names, "colour": colour, "frames": frames, "counts": counts, "shapes": shapes}


def seen(states: States) -> States:
    """The state that is drawn in each column: the one of most of its cycles."""
    edges = np.linspace(0, len(states), COLUMNS + 1).astype(np.int64)
    columns = np.zeros(COLUMNS, np.int64)
    for column in range(COLUMNS):
        start = min(edges[column], len(states) - 1)
        here = states[start : max(edges[column + 1], start + 1)]
        columns[column] = np.bincount(here, minlength=len(WORDS) + 1).argmax()
    return columns


def runs_in(columns: States, state: int, y: float) -> list[Run]:
    """The columns of a state as bars."""
    padded = np.concatenate([[False], columns == state, [False]])
    starts, ends = np.flatnonzero(np.diff(padded.astype(np.int8))).reshape(-1, 2).T
    return [(LEFT + int(a), y, int(b - a)) for a, b in zip(starts, ends, strict=True)]


def axis(end: int, tall: float) -> list[Markup]:
    """Cycles along the top."""
    parts = []
    for part in range(5):
        x, cycle = LEFT + part * COLUMNS / 4, part * (end - 1) // 4
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        parts.append(element("line", x1=x, x2=x, y1=18, y2=tall, class_="grid"))
        parts.append(text(x, 12, f"{cycle:,}", text_anchor=anchor, class_="small"))
    parts.append(text(0, 12, "cycle", class_="small"))
    return parts
