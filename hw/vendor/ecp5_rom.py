"""Read-only tables in ECP5 block RAMs, whose output registers are switched on.

A DP16KD puts its data out 5.8 ns after the clock, with its own register behind it in 0.6 ns. Yosys
never uses that register.
"""

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.sw.units.rom import Rom, block_rams

__all__ = ["BlockRom", "fits_block"]

ROWS = 512  # of 36 bits
PORT_WIDTHS = {18: 4, 9: 3, 4: 2, 2: 1, 1: 0}  # and the place of a word's address in a port's
INITVALS, ROWS_EACH = 64, 8


def port_width(depth: int) -> int:
    """Bits that a block RAM's port reads of tables of that depth, 0 where it is too deep."""
    return max((width for width in PORT_WIDTHS if words(width) >= depth), default=0)


def words(width: int) -> int:
    """Words of that width in a block RAM; a ninth bit is lost to those below 9."""
    return ROWS * 36 // width if width >= 9 else ROWS * 32 // width


def slice_width(depth: int) -> int:
    """Bits that a block RAM holds of each word: where it is shallow, two ports read half each."""
    return 36 if depth <= ROWS else port_width(depth)


def fits_block(table: Rom) -> bool:
    """Whether the table goes into as few block RAMs as synthesis would take."""
    width = slice_width(table.depth)
    return width > 0 and -(-table.width // width) == block_rams(table.depth, table.width)


class BlockRom(wiring.Component):
    """``data`` is ``table.words[addr]`` of two cycles before; ``fits_block`` must hold."""

    addr: Signal
    data: Signal

    def __init__(self, table: Rom) -> None:
        self._table = table
        super().__init__({"addr": In(range(max(table.depth, 2))), "data": Out(table.width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        table, width = self._table, slice_width(self._table.depth)
        for start in range(0, table.width, width):
            part = self.data[start : start + width]
            mask = (1 << len(part)) - 1
            contents = [word >> start & mask for word in table.words]
            if table.depth <= ROWS:
                self._add(m, contents, width, {"A": part[:18], "B": part[18:]}, 1)
            else:
                self._add(m, contents, width, {"A": part}, 0)
        return m

    def _add(
        self, m: Module, contents: list[int], width: int, data: dict[str, Value], halves: int
    ) -> None:
        """One block RAM, with the data of its ports; ``halves``: of a word, a port each."""
        used = port_width(self._table.depth << halves)
        cell: dict[str, object] = {"p_GSR": "DISABLED", "p_RESETMODE": "SYNC"}
        for name, value in initvals(contents, width).items():
            cell[f"p_{name}"] = value
        for half, port in enumerate("AB"):
            place = PORT_WIDTHS[used]
            address = Cat(Const(0, place), Const(half, halves), self.addr)
            for pin in range(14):
                bit = address[pin] if pin < len(address) else Const(0, 1)
                cell[f"i_AD{port}{pin}"] = bit
            out = data.get(port, Const(0, 0))
            cell |= {f"o_DO{port}{pin}": bit for pin, bit in enumerate(out)}
            cell |= {
                f"p_DATA_WIDTH_{port}": used,
                f"p_REGMODE_{port}": "OUTREG",
                f"p_CSDECODE_{port}": "0b000",
                f"p_CLK{port}MUX": f"CLK{port}",
                f"i_CLK{port}": ClockSignal(),
                f"i_CE{port}": Const(int(len(out) > 0), 1),
                f"i_OCE{port}": Const(1, 1),
                **{f"i_{pin}{port}": Const(0, 1) for pin in ("WE", "RST")},
                **{f"i_CS{port}{pin}": Const(0, 1) for pin in range(3)},
            }
        m.submodules += Instance("DP16KD", **cell)


def initvals(contents: list[int], width: int) -> dict[str, Const]:
    """The parameters that hold words of ``width`` bits; each row of 36 bits stands in 40."""
    rows = [0] * ROWS
    for at, word in enumerate(contents):
        if width >= 9:
            row, place = divmod(at * width, 36)
        else:
            byte, bit = divmod(at * width, 8)
            row, place = byte // 4, byte % 4 * 9 + bit
        rows[row] |= word << place
    spaced = [row & 0x3FFFF | row >> 18 << 20 for row in rows]
    values = {}
    for number in range(INITVALS):
        some = spaced[number * ROWS_EACH : (number + 1) * ROWS_EACH]
        bits = sum(row << 40 * at for at, row in enumerate(some))
        values[f"INITVAL_{number:02X}"] = Const(bits, 40 * ROWS_EACH)
    return values
