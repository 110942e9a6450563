"""Layers that move elements, and classes of pixels, mapped, against references and cycles."""

from pathlib import Path

import pytest

from subbit.hw.contract.unit import Unit
from subbit.sim.compare import Comparison, compare
from subbit.sim.components import CASES
from subbit.sim.design import Design, WholePipeline, unit_design
from subbit.sim.gates import build_mapped, map_designs, mapped_design
from subbit.sim.runner import run_designs
from subbit.sim.small_units import random_beats

FRAMES = 3
NAMES = ("concat", "select", "replay_in_order", "upsample", "depthtospace", "pad", "argmax_map")
UNITS: dict[str, Unit] = {name: CASES[name]() for name in NAMES}


def design_of(name: str, unit: Unit) -> Design:
    """A unit alone, or a small pipeline."""
    if isinstance(unit, WholePipeline):
        return mapped_design(f"net_{name}", unit.pipeline)
    return unit_design(name, unit)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, models: Path) -> dict[str, list[Comparison]]:
    """What the comparison says of each unit, mapped, without and with pauses."""
    folder = tmp_path_factory.mktemp("moved")
    designs = {name: design_of(name, unit) for name, unit in UNITS.items()}
    rows = list(designs.values())
    netlists = [*map_designs(rows, folder, fabric="ecp5").values()]
    model = build_mapped(rows, netlists, models, fabric="ecp5", quick=True)
    inputs = [random_beats(unit, FRAMES, 7) for unit in UNITS.values()]
    comparisons: dict[str, list[Comparison]] = {name: [] for name in designs}
    for pauses in ("none", "random"):
        outcomes = run_designs(
            *(model, rows, inputs), backpressure=pauses, seed=1, folder=folder / pauses
        )
        for name, beats, outcome in zip(designs, inputs, outcomes, strict=True):
            trace = designs[name].trace(FRAMES) if pauses == "none" else None
            comparisons[name].append(compare(designs[name], outcome.folder, beats, trace, None))
    return comparisons


@pytest.mark.parametrize("name", UNITS)
def test_cells_compute_the_reference(name: str, found: dict[str, list[Comparison]]) -> None:
    for comparison in found[name]:
        assert not comparison.mismatches, str(comparison.first)
        assert len(comparison.outputs) == FRAMES
