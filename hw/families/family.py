"""What one FPGA family has and does: the one interface by which everything else asks for it."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from subbit.hw.contract.cost import Cost
from subbit.hw.families.carry import PORTABLE, CarryRules
from subbit.hw.families.device import FpgaDevice
from subbit.hw.families.netlist import CarryChain, Lut
from subbit.hw.families.pll import BoardPll
from subbit.hw.families.program import Program
from subbit.sw.errors import FamilyError

if TYPE_CHECKING:
    from amaranth.hdl import Module, Value
    from amaranth.lib.wiring import Component

    from subbit.hw.families.nets_rtl import NetRegisters

__all__ = ["Family"]

STATED = (
    *("name", "title"),
    *("has_carry_trees", "has_register_cells", "has_block_roms", "has_lut_rams"),
)


class Family:
    """One FPGA family. A subclass in the family's own folder overrides what the family has; all
    else raises FamilyError, with the family and what it lacks, and never is another family's.

    Every family states ``name``, as in subbit.hw.families.table; ``title``, for messages; and, as
    circuits have a portable form to take instead: ``has_carry_trees``, whether counters are
    compressor trees of its carry chains (``carry``, ``add_cell``); ``has_register_cells``, whether
    there are registers that synthesis leaves apart (``add_register``); ``has_block_roms``, whether
    tables in block RAM are made of its cells (``block_rom``, ``twin_block_rom``); and
    ``has_lut_rams``, whether a lookup table can be a memory. Raises TypeError for a subclass that
    states less.

    ``large_arguments``: nextpnr's further arguments for netlists whose LUT4s are in the range that
    ``large_lut4`` gives; none where designs of all sizes are placed alike. ``constraints``,
    ``config``, ``bitstream``: endings of the files with pins, of what nextpnr writes, and of the
    bitstream. ``resource_kinds``: for each number of an FpgaDevice the kinds of cells in nextpnr's
    report and log that are counted in it, and how often.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    has_carry_trees: ClassVar[bool]
    has_register_cells: ClassVar[bool]
    has_block_roms: ClassVar[bool]
    has_lut_rams: ClassVar[bool]

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        silent = [name for name in STATED if not hasattr(cls, name)]
        if silent:
            raise TypeError(f"the family {cls.__name__} does not state {', '.join(silent)}")

    def lacks(self, thing: str) -> FamilyError:
        """The error that says so."""
        return FamilyError(f"{self.title} has no {thing}: hw/families/{self.name} does not make it")

    # Parts and their cells

    def covers(self, platform: Any) -> bool:
        """Whether the part of an Amaranth platform is of this family; of none unless overridden,
        so that only designs for a ``Part`` are made of the family's cells.
        """
        return False

    def add_cell(
        self, m: "Module", pipeline: "NetRegisters", level: int, cell: Lut | CarryChain
    ) -> None:
        """Add the cells of a lookup table or carry chain of a compressor netlist to the module.

        ``pipeline``: the netlist's nets as signals; ``level``: of the cell.
        """
        raise self.lacks("cells for compressor trees")

    def add_register(self, m: "Module", d: "Value", q: "Value") -> None:
        """Add a register for one bit that a reset leaves alone, and that synthesis leaves apart
        from others that hold the same.
        """
        raise self.lacks("cell for a local register")

    def add_multiplier(self, m: "Module", a: "Value", b: "Value", product: "Value") -> None:
        """Add a multiplier with registers at its inputs and its output, which a reset leaves alone:
        ``product``, its low bits, is ``a * b`` of two cycles before, all two's complement.

        Raises FamilyError where an operand has more bits than the multipliers take.
        """
        raise self.lacks("multipliers for engines")

    def block_rom(
        self, words: Sequence[int], width: int, *, local_addresses: bool = False
    ) -> "Component":
        """A table in block RAMs with their output registers on: ``data`` is ``words[addr]`` of two
        cycles before, or of three with ``local_addresses``, a register for the address of each.
        """
        raise self.lacks("block RAMs for tables with output registers")

    def twin_block_rom(self, words: Sequence[int], width: int) -> "Component":
        """The same table read at two places: ``data0`` is ``words[addr0]`` of two cycles before,
        ``data1`` is ``words[addr1]``.
        """
        raise self.lacks("block RAMs for tables with two read ports")

    @property
    def carry(self) -> CarryRules:
        """The rules of the family's carry chains, by which compressor trees are planned."""
        raise self.lacks("rules of carry chains")

    @property
    def popcount_form(self) -> str:
        """The form of counters on this family's parts: made of its cells, or else portable."""
        return self.name if self.has_carry_trees else PORTABLE

    # What things take

    @property
    def block_ram_shapes(self) -> tuple[tuple[int, int], ...]:
        """Word widths of a block RAM (one write port, one read port), and its words at each."""
        raise self.lacks("shapes of block RAMs")

    def cost(self, estimate: Cost) -> Cost:
        """A unit's estimate in the cells that nextpnr counts for this family."""
        raise self.lacks("model of what units cost")

    def mapped_cost(self, cells: Mapping[str, Mapping[str, Any]]) -> Cost:
        """The cells of a module after synthesis (``cells`` of Yosys's JSON), counted as ``cost``
        counts them.
        """
        raise self.lacks("count of mapped cells")

    def calibration(self) -> str:
        """The text of the family's ``calibration.json``, which ``subbit bench planner`` writes."""
        file = files(type(self).__module__.rpartition(".")[0]).joinpath("calibration.json")
        if not file.is_file():
            raise self.lacks("calibration of the planner")
        return file.read_text("utf-8")

    # Clocks

    @property
    def target_hz(self) -> int:
        """The frequency of the domain ``sync`` to which place-and-route is driven unless told
        otherwise: out of reach of large designs on purpose, so that the timing-driven placer works
        on the slowest paths until the end.
        """
        raise self.lacks("clock to drive place-and-route to")

    def pll(self, input_hz: int, ceiling_hz: float) -> BoardPll:
        """The PLL at the highest frequency up to ``ceiling_hz`` that it makes of ``input_hz``.

        Raises ValueError where the PLL cannot go that low.
        """
        raise self.lacks("PLL circuit")

    # From Verilog to a bitstream

    def synthesis(self, top: str) -> str:
        """Commands of Yosys, a line each, from Verilog's cells of module ``top`` to its."""
        raise self.lacks("synthesis script")

    def mapping(self, top: str) -> str:
        """``synthesis``, before which memories meant for LUT RAM are left to Yosys on a family that
        has none: they become block RAMs or registers, as suits each.
        """
        free = "" if self.has_lut_rams else "setattr -unset ram_style a:ram_style=distributed\n"
        return free + self.synthesis(top)

    def finish_netlist(self, netlist: Path) -> None:
        """Change a netlist of Yosys's (JSON) in place as nextpnr wants it; not at all unless
        overridden.
        """

    @property
    def router(self) -> Program:
        """Its nextpnr."""
        raise self.lacks("place-and-route")

    def device_arguments(self, device: FpgaDevice) -> list[str]:
        """nextpnr's arguments for a part."""
        raise self.lacks("place-and-route")

    def pin_arguments(self, name: str) -> list[str]:
        """nextpnr's arguments for the pins in ``name``.``constraints``."""
        return [f"--{self.constraints}", f"{name}.{self.constraints}"]

    def place_arguments(self, device: FpgaDevice, name: str) -> list[str]:
        """nextpnr's arguments for a part, and the netlist and pins of ``name``."""
        return [
            *self.device_arguments(device),
            *("--json", f"{name}.json"),
            *self.pin_arguments(name),
        ]

    @property
    def output(self) -> str:
        """nextpnr's option that names the file with the routed configuration."""
        raise self.lacks("place-and-route")

    large_arguments: ClassVar[tuple[str, ...]] = ()

    def large_lut4(self, device: FpgaDevice) -> tuple[int, int]:
        """More LUT4s than the first number, and no more than the second, make a netlist large."""
        raise self.lacks("placer for large designs")

    @property
    def constraints(self) -> str:
        """See the class."""
        raise self.lacks("format of pin constraints")

    def pin_constraints(self, pins: Mapping[str, int]) -> str:
        """The text that puts ports on pins, where nextpnr puts no port without one anywhere."""
        raise self.lacks("pin constraints beside those of a board's platform")

    @property
    def config(self) -> str:
        """See the class."""
        raise self.lacks("routed configurations")

    @property
    def bitstream(self) -> str:
        """See the class."""
        raise self.lacks("bitstreams")

    @property
    def packer(self) -> Program:
        """What makes a bitstream of a routed configuration."""
        raise self.lacks("packer of bitstreams")

    def pack_arguments(self, config: Path, bitstream: Path) -> list[str]:
        """The packer's arguments; both files are in the folder in which it runs."""
        raise self.lacks("packer of bitstreams")

    # Reports and simulation

    def tiles(self, device: FpgaDevice) -> tuple[int, int] | None:
        """Columns and rows of tiles, as nextpnr counts them; None where the family does not tell.
        Only the drawing of a floorplan asks.
        """
        return None

    @property
    def resource_kinds(self) -> Mapping[str, Mapping[str, int]]:
        """See the class."""
        raise self.lacks("reading of nextpnr's reports")

    def cells_in(self, line: str) -> tuple[str, int] | None:
        """A kind of cells and their number in a line of nextpnr's log beside its table of what is
        used, which all families have; nothing unless overridden.
        """
        return None

    def probe_cost(self, used: Mapping[str, int], routed: Path) -> Cost:
        """What a design without a board takes, as benchmarks count it: a place of a carry chain is
        a LUT4. ``used``: cells by kind, from report and log; ``routed``: what nextpnr wrote.
        """
        raise self.lacks("reading of nextpnr's reports")

    def modelled(self, netlist: str) -> str:
        """A netlist of Yosys's (JSON) as the cell models take it; as it is unless overridden."""
        return netlist

    def cell_models(self, yosys_data: Path) -> str:
        """Verilog models of every cell that synthesis may leave in an accelerator.

        ``yosys_data``: the folder of the files that Yosys brings along. Raises ToolError where they
        are missing.
        """
        raise self.lacks("cell models for simulation")
