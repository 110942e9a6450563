"""What windows over beats of one pixel, or a part of one, take."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.blocks import counter_cost, luts, registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import delay_cost
from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.window.axis import Axis
from subbit.sw.ir.window import Window

__all__ = ["plain_cost"]

Tables = tuple[NDArray[np.bool_], ...]


class PlainUnit(Protocol):
    """What the cost of a window depends on."""

    @property
    def i(self) -> Lanes: ...
    @property
    def window(self) -> Window: ...
    @property
    def rows(self) -> Axis: ...
    @property
    def columns(self) -> Axis: ...
    @property
    def rows_run(self) -> int: ...
    @property
    def line_words(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    @property
    def span(self) -> int: ...
    @property
    def column_bits(self) -> int: ...
    @property
    def marked_bits(self) -> int: ...
    @property
    def staged(self) -> bool: ...
    @property
    def memory(self) -> str: ...
    @property
    def buffers(self) -> str: ...
    @property
    def payload_delay(self) -> int: ...
    @property
    def replay(self) -> ReplayUnit: ...
    def line_tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]: ...
    def position_tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]: ...
    def rows_inside(self) -> NDArray[np.bool_]: ...


def plain_cost(unit: PlainUnit) -> Cost:
    """Line buffer, history, counters, and a register behind them if there is one; no replay."""
    stage = registers(unit.replay.element.width + 1) + luts(1) if unit.staged else Cost()
    return line_cost(unit) + history_cost(unit) + stage


def every_pixel(unit: PlainUnit) -> bool:
    """Whether every pixel is a window."""
    return unit.window.kernel == unit.window.strides == (1, 1)


def line_cost(unit: PlainUnit) -> Cost:
    """The line buffer: memory, the register of a column, counters."""
    above = (unit.window.reach[0] - 1) * unit.i.width
    if every_pixel(unit):
        return registers(unit.column_bits) + luts(2) + Cost(flip_flops=1)
    lines = delay_cost(above, unit.line_words, unit.memory) if above else Cost()
    takes, gives, used = unit.line_tables()
    counters = counter_cost(unit.line_words, [used.repeat(unit.chunks)])
    counters += counter_cost(unit.rows_run, [takes, gives])
    handshake = luts(8) + Cost(flip_flops=1)
    return lines + registers(unit.column_bits) + counters + handshake


def history_cost(unit: PlainUnit) -> Cost:
    """The columns before, what puts padding in place of pixels, counters."""
    if every_pixel(unit) and unit.chunks > 1:
        return Cost()
    column, pads = unit.marked_bits, any(unit.window.pads)
    total = counter_cost(unit.chunks) + luts(12) + Cost(flip_flops=2)
    total += counter_cost(unit.columns.positions, unit.position_tables())
    total += counter_cost(unit.rows.outputs, unit.rows_inside().T if pads else ())
    inside = luts(unit.window.kernel[0] if pads else 0)
    if unit.chunks == 1:  # padding is the reset of a register
        delayed = column + 1 if unit.payload_delay else 0
        return total + inside + registers(unit.span * column + delayed)
    padded = luts(unit.column_bits if pads else 0)
    past = delay_cost((unit.span - 1) * column, unit.chunks, unit.buffers)
    return total + inside + padded + past
