"""What differs in the flow from one family of parts to another: commands, tools, file names."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from subbit.boards import Board
from subbit.sw.flow import tools
from subbit.sw.flow.tools import Tool

__all__ = ["FAMILIES", "LARGE_LUT4", "Family", "family_of"]

LARGE_LUT4 = 30_000


@dataclass(frozen=True)
class Family:
    """The flow of one family of parts.

    ``synthesis``: commands of Yosys from Verilog's cells to the family's, of module ``{name}``.
    ``constraints``, ``config``, ``bitstream``: endings of the files with pins, of what nextpnr
    writes, and of the bitstream. ``size``: nextpnr's arguments for a board's device; ``output``:
    its option that names the file with the routed configuration; ``large``: its arguments for
    designs of more than LARGE_LUT4 lookup tables and up to half of a device. ``pack``: the packer's
    arguments from such a file to a bitstream.
    """

    synthesis: str
    constraints: str
    config: str
    bitstream: str
    nextpnr: Callable[[], Tool]
    packer: Callable[[], Tool]
    size: Callable[[Board], list[str]]
    output: str
    large: tuple[str, ...]
    pack: Callable[[Path, Path], list[str]]

    def place_arguments(self, board: Board, name: str) -> list[str]:
        """nextpnr's arguments for a board's device, and the netlist and pins of ``name``."""
        pins = [f"--{self.constraints}", f"{name}.{self.constraints}"]
        return [*self.size(board), "--json", f"{name}.json", *pins]


ECP5_SIZES = {
    "LFE5U-12F": "--12k",
    "LFE5U-25F": "--25k",
    "LFE5U-45F": "--45k",
    "LFE5U-85F": "--85k",
}


def ecp5_size(board: Board) -> list[str]:
    """nextpnr-ecp5's arguments for a device."""
    device = board.device
    return [ECP5_SIZES[device.name], "--package", device.package, "--speed", str(device.speed)]


def ice40_size(board: Board) -> list[str]:
    """nextpnr-ice40's arguments for a device. Its router1 may not come to an end on the UP5K."""
    return ["--up5k", "--package", board.device.package, "--router", "router2"]


# The heap placer crowds a large design's cells, and router1 then needs several times as long.
# -nowidelut: with wide multiplexers the mapper spends twice the LUTs on XNOR-popcounts.
# Cells of scope information are for viewers; nextpnr knows them only since 0.8.
ECP5 = Family(
    synthesis="synth_ecp5 -nowidelut -top {name}\ndelete t:$scopeinfo",
    constraints="lpf",
    config="config",
    bitstream="bit",
    nextpnr=tools.nextpnr,
    packer=tools.ecppack,
    size=ecp5_size,
    output="--textcfg",
    large=("--placer", "static"),
    pack=lambda config, bits: ["--compress", "--input", config.name, "--bit", bits.name],
)
# There are no LUT RAMs: memories meant for them become block RAMs or registers, as suits each.
ICE40 = Family(
    synthesis="setattr -unset ram_style a:ram_style=distributed\n"
    "synth_ice40 -device u -top {name}\ndelete t:$scopeinfo",
    constraints="pcf",
    config="asc",
    bitstream="bin",
    nextpnr=tools.nextpnr_ice40,
    packer=tools.icepack,
    size=ice40_size,
    output="--asc",
    large=(),
    pack=lambda config, bits: [config.name, bits.name],
)
FAMILIES = {"ecp5": ECP5, "ice40": ICE40}


def family_of(board: Board) -> Family:
    """The flow for a board's part."""
    return FAMILIES[board.device.fabric]
