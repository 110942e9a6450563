"""docs/how-it-works/architecture.md is true: its names exist, and its numbers are the program's."""

import re
from dataclasses import replace

import pytest

from subbit.hw.dot.dot import DotUnit
from subbit.hw.families.ecp5.rom_rtl import initvals
from subbit.sw.ir import BinaryWeights, Network, load_network
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "how-it-works" / "architecture.md").read_text()
OUTPUT, CHANNEL, ROW, COLUMN = 5, 3, 1, 2


@pytest.fixture(scope="module")
def network() -> Network:
    """The example that the page walks through."""
    return load_network(ROOT / "examples" / "digits-plain.safetensors")


def engine(network: Network, pe: int) -> DotUnit:
    """The engine of conv2 with the page's settings."""
    stage = next(s for s in smallest_plan(network).stages if s.layers[0] == "conv2")
    assert isinstance(stage, DotStage)
    units = dict(replace(stage, pe=pe, simd=36, weights="block", popcount="ecp5").units(network))
    unit = units["dot"]
    assert isinstance(unit, DotUnit)
    return unit


def test_the_house_names_every_folder() -> None:
    (house,) = re.findall(r"(    \+-{80}.*?)\n\n", PAGE, re.DOTALL)
    rooms = [path.parent for path in (ROOT / "hw").glob("*/__init__.py")]
    assert [r.name for r in rooms if not re.search(rf"\b{r.name}\b", house)] == []
    wings = [path.parent for path in (ROOT / "sw").glob("*/__init__.py")]
    missing = [w.name for w in wings if f"sw/{w.name}" not in house]
    assert set(missing) <= {"data", "models"}  # data sets and one network: used by the wings above


def test_the_weight_is_where_the_page_says(network: Network) -> None:
    weights = network.node("conv2").layer.tensors()["bits"]
    bit = int(weights[OUTPUT, CHANNEL, ROW, COLUMN])
    rom = engine(network, 4).source.rom
    assert (rom.depth, rom.width, rom.style) == (128, 144, "block")
    assert "word 8 of 128, bit 68 of 144" in PAGE
    assert rom.words[8] >> 68 & 1 == bit
    cell = [word >> 36 & (1 << 36) - 1 for word in rom.words]
    assert "at bit 34 of its parameter `INITVAL_01`" in PAGE
    assert initvals(cell, 36)["INITVAL_01"].value >> 34 & 1 == bit
    flipped = weights.copy()
    flipped[OUTPUT, CHANNEL, ROW, COLUMN] ^= 1
    other = replace(engine(network, 4), weights=BinaryWeights(flipped)).source.rom
    changed = [a ^ b for a, b in zip(rom.words, other.words, strict=True)]
    assert changed == [1 << 68 if at == 8 else 0 for at in range(128)]


def test_the_table_of_the_setting(network: Network) -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| ([\d,]+) \|$", PAGE, re.M)
    assert [row[0] for row in rows] == ["1", "2", "4", "8"]
    for row in rows:
        pe, passes, words, bits, cycles = (int(cell.replace(",", "")) for cell in row)
        unit = engine(network, pe)
        rom = unit.source.rom
        assert (unit.passes, rom.depth, rom.width) == (passes, words, bits)
        assert unit.processes()[0].steps.size == cycles
