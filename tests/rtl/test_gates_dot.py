"""Direct engines of ECP5 cells, mapped, cell by cell, against the units' references and cycles."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.dot.dot import DotUnit
from subbit.sim.compare import Comparison, compare
from subbit.sim.design import unit_design
from subbit.sim.gates import build_mapped, map_designs
from subbit.sim.runner import run_designs
from subbit.sim.small_units import BIPOLAR, UNSIGNED, codebook, dot, plain, random_beats, thresholds
from subbit.sw.cycles import run

FRAMES = 2
CELLS: dict[str, Any] = {"form": "ecp5"}
BLOCK: dict[str, Any] = {"form": "ecp5", "memory": "block"}
# What is far apart on a part begins at a tenth of the sizes that were measured.
SMALL = SizeLimits(
    large_engine_xnors=280,
    xnors_per_input_copy=109,
    large_table_bits=16384,
    wide_table_bits=24,
    part_block_rams=2,
    part_bits=93,
)
FAR: dict[str, Any] = {**CELLS, "limits": SMALL}
FAR_BLOCK: dict[str, Any] = {**BLOCK, "limits": SMALL}
# Each with the widths of the words that its block RAMs' ports read.
UNITS: dict[str, tuple[Callable[[], DotUnit], set[int]]] = {
    "wide": (lambda: dot(plain(8, 60), BIPOLAR, 1, 4, 12, post=thresholds(8, 1, 9), **BLOCK), {18}),
    "deep": (lambda: dot(plain(120, 24), BIPOLAR, 1, 3, 1, **BLOCK), {18}),
    "port_9": (lambda: dot(plain(40, 40), BIPOLAR, 1, 1, 1, **BLOCK), {9}),
    "port_4": (lambda: dot(plain(60, 60), BIPOLAR, 1, 1, 1, **BLOCK), {4}),
    "port_2": (lambda: dot(plain(100, 60), BIPOLAR, 1, 1, 1, **BLOCK), {2}),
    "port_1": (lambda: dot(plain(100, 90), BIPOLAR, 1, 1, 1, **BLOCK), {1}),
    "banks_9": (lambda: dot(plain(90, 576), BIPOLAR, 1, 1, 9, **BLOCK), {9}),
    "banks_1": (lambda: dot(plain(180, 100), BIPOLAR, 1, 1, 1, **BLOCK), {1}),
    "codebook": (lambda: dot(codebook(8, 2, 5), BIPOLAR, 1, 2, 9, **BLOCK), {18}),
    "masked": (lambda: dot(plain(4, 36), BIPOLAR, 1, 2, 18, masked=True, **CELLS), set()),
    "masked_codes": (lambda: dot(plain(4, 18), BIPOLAR, 2, 4, 9, masked=True, **CELLS), set()),
    "bytes": (lambda: dot(plain(4, 18), UNSIGNED, 8, 2, 9, **CELLS), set()),
    "pixels": (lambda: dot(plain(4, 64), BIPOLAR, 1, 2, 32, pixels=3, **CELLS), set()),
    "far": (
        lambda: dot(plain(8, 24), BIPOLAR, 1, 4, 12, post=thresholds(8, 1, 9), pixels=6, **FAR),
        set(),
    ),
    "far_block": (lambda: dot(plain(64, 256), BIPOLAR, 1, 4, 32, pixels=2, **FAR_BLOCK), {18}),
    "far_rows": (
        lambda: dot(plain(64, 24), BIPOLAR, 1, 32, 12, post=thresholds(64, 1, 9), **FAR),
        set(),
    ),
    "constant": (lambda: dot(plain(3, 40), BIPOLAR, 1, 3, 40, **CELLS), set()),
    "alone": (lambda: dot(plain(4, 12), BIPOLAR, 1, 2, 1, **CELLS), set()),
}


@dataclass(frozen=True)
class Found:
    """Of each unit its netlist, and what the comparison says of a run of all in one model."""

    netlists: dict[str, str]
    comparisons: dict[str, Comparison]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Found:
    """Every unit mapped and simulated."""
    folder = tmp_path_factory.mktemp("units")
    units = {name: make() for name, (make, _) in UNITS.items()}
    designs = [unit_design(name, unit) for name, unit in units.items()]
    netlists = map_designs(designs, folder, fabric="ecp5")
    inputs = [random_beats(unit, FRAMES, 7) for unit in units.values()]
    model = build_mapped(designs, list(netlists.values()), models, fabric="ecp5", quick=True)
    outcomes = run_designs(model, designs, inputs, backpressure="none", seed=1, folder=folder)
    rows = zip(designs, inputs, outcomes, strict=True)
    comparisons = {
        design.name: compare(design, outcome.folder, beats, run(design.processes, FRAMES), None)
        for design, beats, outcome in rows
    }
    return Found(netlists, comparisons)


@pytest.mark.parametrize("name", UNITS)
def test_cells_compute_the_reference(name: str, found: Found) -> None:
    comparison = found.comparisons[name]
    assert not comparison.mismatches, str(comparison.first)
    assert len(comparison.outputs) == FRAMES


@pytest.mark.parametrize("name", UNITS)
def test_vendor_cells_are_used(name: str, found: Found) -> None:
    rows = json.loads(found.netlists[name])["modules"][name]["cells"].values()
    instances = [cell for cell in rows if cell["type"] == "DP16KD"]
    assert {int(c["parameters"]["DATA_WIDTH_A"], 2) for c in instances} == UNITS[name][1]
    assert all(cell["parameters"]["REGMODE_A"] == "OUTREG" for cell in instances)
    assert Counter(cell["type"] for cell in rows)["CCU2C"] > 0


@pytest.mark.parametrize(
    ("name", "sums", "parts"), [("far", 6, 1), ("far_block", 2, 2), ("far_rows", 2, 5)]
)
def test_registers_that_hold_the_same_remain(
    name: str, sums: int, parts: int, found: Found
) -> None:
    nets = json.loads(found.netlists[name])["modules"][name]["netnames"]
    registers = {bit for name, net in nets.items() if "kept" in name for bit in net["bits"]}
    rom = UNITS[name][0]().source.rom
    addresses = rom.cost.block_rams * (rom.depth - 1).bit_length()
    assert UNITS[name][0]().distance_stages == 1
    # enables and clears of sums, steps and resets of tables
    assert len(registers) == 2 * (sums + parts) + addresses


def test_each_few_rows_have_registers_of_the_inputs(found: Found) -> None:
    unit = UNITS["far_rows"][0]()
    rows = json.loads(found.netlists["far_rows"])["modules"]["far_rows"]["cells"].values()
    driven = Counter(c["connections"]["DI"][0] for c in rows if c["type"] == "TRELLIS_FF")
    assert (unit.source.rows, unit.rows_per_input_copy) == (32, 9)
    assert Counter(driven.values())[4] == unit.simd


def test_each_block_ram_of_a_far_table_has_its_own_address(found: Found) -> None:
    rows = json.loads(found.netlists["far_block"])["modules"]["far_block"]["cells"].values()
    pins = [f"ADA{pin}" for pin in range(14)]
    rams = [cell["connections"] for cell in rows if cell["type"] == "DP16KD"]
    addresses = [tuple(ram[pin][0] for pin in pins if isinstance(ram[pin][0], int)) for ram in rams]
    assert len(rams) == len(set(addresses)) == 4
