"""What windows over beats of several pixels take."""

from collections.abc import Iterator
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import delay_cost
from subbit.hw.contract.unit import Lanes
from subbit.hw.window.wide import WideShape
from subbit.sw.ir.types import TensorType

__all__ = ["covered_bits", "wide_cost"]


CHOICE = 0.85  # LUT4s of a choice among n signals, for each of n - 1, and one at least


class WideUnit(Protocol):
    """What the cost of a window depends on."""

    @property
    def input(self) -> TensorType: ...
    @property
    def i(self) -> Lanes: ...
    @property
    def masked(self) -> bool: ...
    @property
    def pad_code(self) -> int: ...
    @property
    def memory(self) -> str: ...
    @property
    def buffers(self) -> str: ...
    @property
    def direct(self) -> bool: ...
    @property
    def history_delay(self) -> int: ...


def wide_cost(unit: WideUnit, shape: WideShape) -> Cost:
    """Line buffer, history, counters and what chooses among places; no register behind that."""
    line, delay = shape.line, unit.history_delay
    stored = int((~shape.rows_inside().all(axis=0)).sum())
    beats = len({h // line.step for h in line.kept})  # pixels of a beat share their mask bits
    cells = len(line.kept) * shape.cell_pixels * unit.input.channels * unit.input.bits
    marks = stored * beats if unit.masked else 0
    said = len(shape.place_bits) + len(shape.edges)
    delayed = delay * (2 + unit.i.width + stored + said)
    return (
        control_cost(shape)
        + lines_cost(unit, shape)
        + ahead_cost(unit, shape)
        + registers(cells + marks + said + delayed)
        + choices_cost(unit, shape)
    )


def ahead_cost(unit: WideUnit, shape: WideShape) -> Cost:
    """Beats that are put aside, one that waits, and the choice of what becomes of the first."""
    if not shape.aside:
        return Cost()
    bits, beats = unit.i.width, shape.height * shape.width // shape.taken
    total = counter_cost(beats, [np.arange(beats) < shape.aside]) + luts(6) + Cost(flip_flops=1)
    total += delay_cost(bits, shape.aside, unit.buffers) + registers(bits + 3 * unit.history_delay)
    if not shape.by_rows:
        return total + luts(bits)
    shared = sum(shape.line.step <= h < 2 * shape.line.step for h in shape.line.kept)
    return total + luts(shared * bits // shape.line.step, 0)


def control_cost(shape: WideShape) -> Cost:
    """Counters of lines, of states and of groups, those that tell something, and a handshake."""
    line = shape.line
    takes, gives, late = shape.row_tables()
    begins = np.arange(len(takes)) == (-1 if not shape.aside else 0)
    rows = [takes, gives, late, begins, *shape.rows_inside().T]
    states = [line.own > 0, line.late > 0, np.arange(line.length) < line.takes]
    groups = [np.array(line.more), *shape.place_bits, *shape.edges]
    total = luts(10 + 2 * shape.has_tail) + Cost(flip_flops=1 + any(line.more))
    if line.ahead:
        states = [table[1:] for table in (*states, np.arange(line.length) == 1)]
    lengths = len(takes), line.length - line.ahead, len(line.ends)
    told = [any(map(varies, tables)) for tables in (rows, states, groups)]
    told[1] |= told[0]
    for length, tables, needed in zip(lengths, (rows, states, groups), told, strict=True):
        total += counter_cost(length, tables) if needed else Cost()
    return total


def varies(table: NDArray[np.bool_]) -> bool:
    """Whether a table's elements differ."""
    return bool(table.any() and not table.all())


def lines_cost(unit: WideUnit, shape: WideShape) -> Cost:
    """The line buffer. Where an iCE40 makes up for the registers of its memory, lookup tables of
    the history take part in that, but for those rows that go on to the row above.
    """
    kept = shape.rows - 1
    if shape.by_rows or not kept:
        return Cost()
    shared, total = (
        delay_cost(kept * unit.i.width, shape.line.takes, unit.memory, absorbed=absorbed)
        for absorbed in (True, False)
    )
    return shared + Cost(more_lut4=(total.more_lut4 - shared.more_lut4) * (kept - 1) // kept)


def choices_cost(unit: WideUnit, shape: WideShape) -> Cost:
    """What chooses each pixel among the places of the history, and puts padding in its place: a
    register resets itself to 0, and on an ECP5 to nothing else. On an iCE40 the register behind
    shares a cell with the last table of a choice.
    """
    bits, ecp5, ice40 = unit.input.channels * unit.input.bits, 0.0, 0.0
    for at, sources in pixels(shape):
        among = max(1, CHOICE * (sources - 1)) if sources > 1 else 0
        edge = shape.edge(at) is not None and sources > 0
        ecp5 += max(among, edge and (unit.direct or unit.pad_code > 0))
        ice40 += max(among, edge) if unit.direct else max(0, among - 1)
    if unit.pad_code and not shape.by_rows:
        ecp5 += shape.taken * int((~shape.rows_inside().all(axis=0)).sum())
    return luts(round(bits * ecp5), round(bits * ice40))


def pixels(shape: WideShape) -> Iterator[tuple[int, int]]:
    """For each pixel that windows cover together its cell, and from how many places it comes; 0
    where it is always padding.
    """
    for row, column in product(shape.used_rows, shape.used_columns):
        at = row if shape.by_rows else column
        places = zip(shape.sources[at], shape.places, strict=True)
        found = {
            (cell, pixel)
            for cell, (_, group) in places
            if cell is not None and (pixel := shape.cell_pixel(row, column, group)) is not None
        }
        yield at, len(found)


def used_cells(shape: WideShape) -> tuple[int, ...]:
    """Cells that windows cover together and have elements in."""
    return shape.used_rows if shape.by_rows else shape.used_columns


def covered_bits(unit: WideUnit, shape: WideShape) -> int:
    """Bits of the pixels that windows cover together, but for those that are always padding, and
    their different mask bits.
    """
    line, cell = shape.line, unit.input.channels * unit.input.bits
    real = sum(sources > 0 for _, sources in pixels(shape))
    if not unit.masked:
        return real * cell
    inside = shape.rows_inside()
    masks = set()
    for row, at in product(range(inside.shape[1]), used_cells(shape)):
        stored = not inside[:, row].all()
        beats = [None if h is None or not stored else h // line.step for h in shape.sources[at]]
        masks.add((row if stored else None, *beats, shape.edge(at)))
    return real * cell + len(masks)
