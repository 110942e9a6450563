"""Layers of wires made of ECP5 cells, mapped, cell by cell, against their references and cycles."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.window.border import border_of
from subbit.sim.compare import compare
from subbit.sim.design import unit_design
from subbit.sim.gates import build_mapped, map_designs, mapped_design
from subbit.sim.run import golden_model
from subbit.sim.runner import run_designs
from subbit.sim.small_units import (
    BIPOLAR,
    UNSIGNED,
    codebook,
    plain,
    planes,
    random_beats,
    thresholds,
    unrolled,
)
from subbit.sw.cycles import run
from subbit.sw.ir.window import Window
from tests.jets import jets_of_wires

FRAMES = 20
UNITS: dict[str, Callable[[], UnrolledUnit]] = {
    "signs": lambda: unrolled(plain(16, 40), BIPOLAR, 1, post=thresholds(16, 1, 9), form="ecp5"),
    "codewords": lambda: unrolled(codebook(16, 3, 3), BIPOLAR, 1, form="ecp5"),
    "bytes": lambda: unrolled(plain(6, 9), UNSIGNED, 8, post=thresholds(6, 3, 900), form="ecp5"),
    "turns": lambda: unrolled(
        plain(6, 9), UNSIGNED, 8, post=thresholds(6, 1, 900), form="ecp5", fold=4
    ),
    "planes": lambda: unrolled(planes(5, 2), BIPOLAR, 3, form="ecp5"),
    "zeros": lambda: unrolled(
        *(planes(5, 1), BIPOLAR, 1),
        vectors=12,
        border=border_of((3, 4), Window.same(3), 1),
        post=thresholds(5, 1, 6),
        form="ecp5",
    ),
}


def test_cells_compute_the_reference(tmp_path: Path, models: Path) -> None:
    units = {name: make() for name, make in UNITS.items()}
    designs = [unit_design(name, unit) for name, unit in units.items()]
    network = jets_of_wires(8, "ecp5")
    designs.append(mapped_design("jets", network))
    netlists = [*map_designs(designs, tmp_path, fabric="ecp5").values()]
    inputs = []
    for unit in units.values():
        beats = random_beats(unit, FRAMES, 7)
        if unit.border:
            beats = beats * np.tile(unit.border.inside, (FRAMES, unit.length // 9))
        inputs.append(beats)
    codes = np.random.default_rng(7).integers(0, 256, (FRAMES, network.i.lanes))
    jets_in = codes.reshape(FRAMES, 1, 1, -1)
    inputs.append(codes)
    model = build_mapped(designs, netlists, models, fabric="ecp5", quick=True)
    outcomes = run_designs(model, designs, inputs, backpressure="none", seed=1, folder=tmp_path)
    for design, beats, outcome, netlist in zip(designs, inputs, outcomes, netlists, strict=True):
        golden = golden_model(network.network, jets_in) if design.name == "jets" else None
        found = compare(design, outcome.folder, beats, run(design.processes, FRAMES), golden)
        assert not found.mismatches, (design.name, str(found.first))
        cells = json.loads(netlist)["modules"][design.name]["cells"].values()
        assert Counter(cell["type"] for cell in cells)["CCU2C"] > 0


@pytest.mark.parametrize("name", UNITS)
def test_chains_are_no_longer_than_planned(name: str) -> None:
    from subbit.hw.families.netlist import CarryChain
    from subbit.hw.unrolled.network import PLACES

    cells = [cell for _, cell in UNITS[name]().network.netlist.cells]
    assert all(len(cell.places) <= PLACES for cell in cells if isinstance(cell, CarryChain))
