"""Windows of many shapes, and pooling over them, mapped, against references and cycles."""

from pathlib import Path
from typing import Any

import pytest

from subbit.hw.contract.unit import Unit
from subbit.hw.layers.windowmax import WindowMaxUnit
from subbit.sim.compare import Comparison, compare
from subbit.sim.design import Design, unit_design
from subbit.sim.gates import build_mapped, map_designs
from subbit.sim.runner import run_designs
from subbit.sim.small_units import random_beats, window
from subbit.sw.cycles import run
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.types import TensorType

FRAMES = 3
MASKS: dict[str, Any] = {"padding": Padding.ZERO, "channels": 2}
UNITS: dict[str, Unit] = {
    "oblong": window(
        *(6, 7, 2), kernel=(3, 2), dilation=(1, 2), stride=(2, 1), pads=(1, 2, 2, 0), **MASKS
    ),
    "groups": window(4, 6, 4, kernel=(1, 3), groups=2, folds=3, **MASKS),
    "greatest": WindowMaxUnit(
        layer=MaxPool2d(3, 2, (1, 1, 1, 1)), input=TensorType.codes(5, 6, 2, 2), lanes=1
    ),
    "unlike": window(4, 8, 1, input_pixels=4, pixels=3),
    "masks": window(4, 8, 2, input_pixels=4, pixels=2, folds=3, **MASKS),
    "rows": window(4, 4, 2, input_pixels=8, pixels=8, **MASKS),
    "ones": window(5, 6, 1, input_pixels=3, pixels=3, folds=2, padding=Padding.PLUS),
}


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[list[Design], Path]:
    """Every unit mapped, all in one model."""
    folder = tmp_path_factory.mktemp("netlists")
    designs = [unit_design(name, unit) for name, unit in UNITS.items()]
    netlists = [*map_designs(designs, folder, fabric="ecp5").values()]
    return designs, build_mapped(designs, netlists, models, fabric="ecp5", quick=True)


@pytest.fixture(scope="module", params=["none", "random"])
def found(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    mapped: tuple[list[Design], Path],
) -> dict[str, Comparison]:
    """What the comparison says of each unit, without and with pauses."""
    folder, (designs, model) = tmp_path_factory.mktemp("units"), mapped
    inputs = [random_beats(unit, FRAMES, 7) for unit in UNITS.values()]
    pauses = request.param
    outcomes = run_designs(model, designs, inputs, backpressure=pauses, seed=1, folder=folder)
    rows = zip(designs, inputs, outcomes, strict=True)
    return {
        design.name: compare(
            *(design, outcome.folder, beats),
            run(design.processes, FRAMES) if pauses == "none" else None,
            None,
        )
        for design, beats, outcome in rows
    }


@pytest.mark.parametrize("name", UNITS)
def test_cells_compute_the_reference(name: str, found: dict[str, Comparison]) -> None:
    comparison = found[name]
    assert not comparison.mismatches, str(comparison.first)
    assert len(comparison.outputs) == FRAMES
