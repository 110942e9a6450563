"""subbit bench engine: what it measures of a small engine."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.streams.replay import ReplayUnit
from subbit.sw.bench.chain import UnitChain, chain_cells
from subbit.sw.bench.devices import device_of, measure
from subbit.sw.bench.engine import bench_engine, engine_unit
from subbit.sw.cli.bench import bench_command
from subbit.sw.errors import SubbitError
from subbit.sw.flow.cells import netlist_cells


def test_a_small_engine_in_both_forms() -> None:
    arguments = ["engine", "--pe", "2", "--simd", "18", "--pixels", "2", "--seeds", "3", "--json"]
    found = CliRunner().invoke(bench_command, arguments, catch_exceptions=False)
    row = json.loads(found.stdout)
    assert (row["pe"], row["simd"], row["pixels"], row["block_rams"]) == (2, 18, 2, 1)
    assert row["lut4_per_bmac"] == round(row["lut4"] / 72, 3)
    assert row["seeds"] == {"3": row["fmax_mhz"]}
    assert 50 < row["fmax_mhz"] < 500
    assert row["synthesis_lut4"] <= row["lut4"] < row["portable"]["lut4"]
    assert row["portable"]["block_rams"] == 1
    assert "fmax_mhz" not in row["portable"]


def test_the_engine_has_accumulators_and_full_memories() -> None:
    unit = engine_unit(24, 144, 2, "ecp5")
    assert (unit.words, unit.passes, unit.pixels) == (16, 8, 2)
    assert unit.source.rom.style == "block"
    assert unit.source.cost.block_rams == 96


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(SubbitError, match="on ECP5, not on ice40-up5k"):
        bench_engine("ice40-up5k", 2, 18)
    found = CliRunner().invoke(bench_command, ["engine", "--seeds", "1,x"])
    assert found.exit_code == 2
    assert "'1,x' is no list of numbers like 1,2,3" in found.output


def test_memories_are_measured_as_bitstreams_have_them(tmp_path: Path) -> None:
    units: list[Unit] = [
        ReplayUnit(element=Lanes(36, 2), words=100, folds=4, vectors=2, memory="block")
    ]
    chain = UnitChain(units)
    assert measure(chain, [chain.pins, chain.out], device_of("ecp5-25k"), tmp_path, ()) == []
    cells = netlist_cells(tmp_path / "top.json").row()
    assert cells == chain_cells(units)
    assert cells["block_rams"] == 2
    assert cells["lut4"] < 72  # what keeps reads and writes of a word apart takes that many
