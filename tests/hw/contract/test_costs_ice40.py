"""What memories cost on an iCE40: what Yosys makes of them, and what is estimated."""

import json
from pathlib import Path

import pytest
from pyosys import libyosys

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import choose_memory, memory_cost, small_rams
from subbit.hw.families.table import family

ICE40 = family("ice40")
SHAPES = [
    (8, 4),
    (16, 8),
    (5, 16),
    (7, 9),
    (2, 33),
    (32, 3),
    (49, 32),
    (64, 2),
    (8, 1000),
    (1, 4096),
]


def cells_of(verilog: str, folder: Path, name: str = "dut") -> dict[str, int]:
    """Cells after the flow's own synthesis."""
    source, report = folder / "dut.v", folder / "stat.json"
    source.write_text(verilog)
    design = libyosys.Design()
    commands = ICE40.mapping(name).splitlines()
    for command in (f"read_verilog {source}", *commands):
        libyosys.run_pass(f"tee -q -o {folder / 'log.txt'} {command}", design)
    libyosys.run_pass(f"tee -q -o {report} stat -json", design)
    found: dict[str, int] = json.loads(report.read_text())["design"]["num_cells_by_type"]
    return found


def memory(width: int, depth: int) -> str:
    """A memory with a registered read port, as of a part that has LUT RAM or block RAM for it."""
    bits = max(1, (depth - 1).bit_length())
    style = choose_memory(width, depth)
    return f"""
    module dut (input clk, we, re, input [{bits - 1}:0] wa, ra, input [{width - 1}:0] d,
                output reg [{width - 1}:0] q);
      (* ram_style = "{style}", no_rw_check = 1 *) reg [{width - 1}:0] mem [0:{depth - 1}];
      always @(posedge clk) begin if (we) mem[wa] <= d; if (re) q <= mem[ra]; end
    endmodule"""


@pytest.mark.parametrize(("width", "depth"), SHAPES)
def test_synthesis_takes_block_ram_where_it_is_said_to(
    width: int, depth: int, tmp_path: Path
) -> None:
    said = ICE40.cost(memory_cost(width, depth))
    cells = cells_of(memory(width, depth), tmp_path)
    assert said.block_rams == cells.get("SB_RAM40_4K", 0)
    registers = sum(count for kind, count in cells.items() if kind.startswith("SB_DFF"))
    assert said.flip_flops == pytest.approx(registers, abs=2)


def test_block_rams_of_four_kilobits() -> None:
    assert [small_rams(*shape) for shape in ((16, 256), (17, 256), (4, 1024), (1, 4096))] == [
        *(1, 2, 1),
        1,
    ]
    assert family("ecp5").cost(Cost(10, 20, 1, 5, -4, 30)) == Cost(10, 20, 1)
    assert ICE40.cost(Cost(10, 20, 1, 5, -4, 30)) == Cost(6, 50, 5)
    assert ICE40.cost(Cost(small_rams=2) + Cost(small_rams=3)).block_rams == 5
