"""What units say they cost, and what Yosys makes of them."""

import json
from pathlib import Path

import pytest
from pyosys import libyosys

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import choose_memory, memory_cost
from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.layers.add import AddUnit
from subbit.hw.layers.avgpool2d import AvgPool2dUnit
from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.streams.replay import ReplayUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.flow.verilog import to_verilog
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import TensorType

UNITS: list[Unit] = [
    WindowUnit(TensorType.codes(6, 24, 32, 1), 3, 1, Padding.ZERO, 16, 4),
    ReplayUnit(Lanes(32, 1), 98, 8, 1),
    AvgPool2dUnit(AvgPool2d(2), TensorType.codes(28, 28, 32, 4), 4),
    GlobalAvgPoolUnit(TensorType.codes(7, 7, 64, 2), 8),
    AddUnit(Add(), *[TensorType.integers(14, 14, 8, -900, 900)] * 2, 4),
]


def mapped(unit: Unit, folder: Path) -> Cost:
    """Cost after mapping."""
    source, report = folder / "dut.v", folder / "stat.json"
    source.write_text(to_verilog(unit.load_component()(unit), name="dut"))
    design = libyosys.Design()
    for command in (f"read_verilog {source}", "synth_ecp5 -nowidelut -top dut"):
        libyosys.run_pass(f"tee -q -o {folder / 'log.txt'} {command}", design)
    libyosys.run_pass(f"tee -q -o {report} stat -json", design)
    cells = json.loads(report.read_text())["design"]["num_cells_by_type"]
    carry, ram = cells.get("CCU2C", 0), cells.get("TRELLIS_DPR16X4", 0)
    return Cost(cells["LUT4"] + 2 * carry + 4 * ram, cells["TRELLIS_FF"], cells.get("DP16KD", 0))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: type(unit).__name__)
def test_estimates_are_near_what_is_mapped(unit: Unit, tmp_path: Path) -> None:
    real, said = mapped(unit, tmp_path), unit.cost()
    assert said.lut4 == pytest.approx(real.lut4, rel=0.2)
    assert said.flip_flops == pytest.approx(real.flip_flops, rel=0.1)
    assert said.block_rams == real.block_rams


def test_memories_by_depth_and_width() -> None:
    assert memory_cost(0, 9) == Cost()
    assert memory_cost(8, 1) == Cost(flip_flops=8)
    assert memory_cost(8, 16) == Cost(lut4=8, flip_flops=8)
    assert memory_cost(6, 30, "distributed") == Cost(lut4=2 * 8 + 6 + 2, flip_flops=6)
    assert memory_cost(36, 513, "block") == Cost(block_rams=2)
    assert memory_cost(37, 512, "block") == Cost(block_rams=2)
    assert memory_cost(9, 2048) == Cost(block_rams=1)
    assert choose_memory(8, 16) == "distributed"
    assert choose_memory(32, 120) == "block"
    assert choose_memory(128, 30) == "distributed"
    assert choose_memory(1, 2, "block") == "block"
