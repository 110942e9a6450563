"""Read-only tables in ECP5 block RAMs, whose output registers are switched on.

A DP16KD puts its data out 5.8 ns after the clock, with its own register behind it in 0.6 ns. Yosys
never uses that register.
"""

from collections.abc import Mapping, Sequence

from amaranth.hdl import Array, Cat, ClockSignal, Const, Instance, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.memory import block_shape
from subbit.hw.families.local_register import local_register
from subbit.hw.streams.registers_rtl import registered

__all__ = ["BlockRom", "TwinBlockRom"]

ROWS = 512  # of 36 bits
PORT_WIDTHS = {18: 4, 9: 3, 4: 2, 2: 1, 1: 0}  # and the place of a word's address in a port's
INITVALS, ROWS_EACH = 64, 8


def port_width(depth: int) -> int:
    """Bits that a block RAM's port reads of tables of that depth, 0 where it is too deep."""
    return max((width for width in PORT_WIDTHS if words(width) >= depth), default=0)


def words(width: int) -> int:
    """Words of that width in a block RAM; a ninth bit is lost to those below 9."""
    return ROWS * 36 // width if width >= 9 else ROWS * 32 // width


class BlockRom(wiring.Component):
    """``data`` is ``words[addr]``, ``width`` bits, of two cycles before, or three where
    ``local_addresses``: then each block RAM has a register for its address.

    A shallow table takes both ports of each block RAM, which read half a word each. Of a deep one
    the block RAMs' registers hold a word of every ``bank_words`` ones, among which lookup tables
    choose.
    """

    addr: Signal
    data: Signal

    def __init__(self, *, words: Sequence[int], width: int, local_addresses: bool = False) -> None:
        self._words, self._width, self._local_addresses = words, width, local_addresses
        super().__init__({"addr": In(range(max(len(words), 2))), "data": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width, bank_words = block_shape(self._width, len(self._words))
        low = (bank_words - 1).bit_length()
        banks = []
        for first in range(0, len(self._words), bank_words):
            contents = self._words[first : first + bank_words]
            banks.append(bank := Signal(self._width, name=f"bank{first // bank_words}"))
            for start in range(0, self._width, width):
                addr: Value = self.addr[:low]
                if self._local_addresses:
                    addr = local_register(m, platform, addr)
                add_slice(m, contents, addr, bank, start, width)
        if len(banks) > 1:
            choice = registered(m, self.addr[low:], 2 + self._local_addresses)
            m.d.comb += self.data.eq(Array(banks)[choice])
        else:
            m.d.comb += self.data.eq(banks[0])
        return m


def add_slice(
    m: Module, table: Sequence[int], addr: Value, data: Value, start: int, width: int
) -> None:
    """One block RAM, for ``width`` bits from ``start`` of ``table``'s words and of ``data``."""
    part = data[start : start + width]
    contents = [word >> start & (1 << len(part)) - 1 for word in table]
    if width < 36:
        add_ram(m, contents, width, width, {"A": (addr, part)})
        return
    halves = {"A": part[:18], "B": part[18:]}
    ports = {
        name: (Cat(Const(half, 1), addr), out) for half, (name, out) in enumerate(halves.items())
    }
    add_ram(m, contents, width, 18, ports)


class TwinBlockRom(wiring.Component):
    """``data0`` and ``data1`` are the words at ``addr0`` and ``addr1`` of two cycles before, from
    the two ports of one block RAM; ``port_width(len(words))`` must be at least ``width``.
    """

    addr0: Signal
    addr1: Signal
    data0: Signal
    data1: Signal

    def __init__(self, *, words: Sequence[int], width: int) -> None:
        self._words = words
        addr, data = In(range(max(len(words), 2))), Out(width)
        super().__init__({"addr0": addr, "addr1": addr, "data0": data, "data1": data})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = port_width(len(self._words))
        ports = {"A": (self.addr0, self.data0), "B": (self.addr1, self.data1)}
        add_ram(m, list(self._words), width, width, ports)
        return m


def add_ram(
    m: Module, contents: list[int], width: int, used: int, ports: Mapping[str, tuple[Value, Value]]
) -> None:
    """One block RAM of words of ``width`` bits, ``used`` of which a port reads; ``ports``: address
    and data of each.
    """
    cell: dict[str, object] = {"p_GSR": "DISABLED", "p_RESETMODE": "SYNC"}
    for name, value in initvals(contents, width).items():
        cell[f"p_{name}"] = value
    for port in "AB":
        word, out = ports.get(port, (Const(0, 0), Const(0, 0)))
        address = Cat(Const(0, PORT_WIDTHS[used]), word)
        for pin in range(14):
            cell[f"i_AD{port}{pin}"] = address[pin] if pin < len(address) else Const(0, 1)
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
