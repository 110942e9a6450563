"""Netlists mapped for iCE40, cell by cell, against the golden model; and planted errors."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.hw.families.ice40.cells_rtl import SUM
from subbit.sim.compare import Comparison, compare
from subbit.sim.design import Design
from subbit.sim.gates import build_mapped, map_designs, mapped_design
from subbit.sim.run import golden_model
from subbit.sim.runner import run_designs
from subbit.sw.cycles import run
from subbit.sw.ir import Conv2d, Encoding, Flatten, Layer, Linear, MaxPool2d, Network, Padding
from subbit.sw.ir.types import TensorType
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from tests.parts import binary, threshold

FRAMES = 3
CODES = np.random.default_rng(5).integers(0, 4, (FRAMES, 6, 6, 4))
CELLS: dict[str, Any] = {"popcount": "ice40", "weights": "block"}
# Windows in memories that an ECP5 has as LUT RAM, and in block RAM; one network with constants.
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "window": {
        "conv": {**CELLS, "simd": 36},
        "fc": {**CELLS, "simd": 12, "window": "registers"},
    },
    "block": {"conv": {**CELLS, "window": "block", "simd": 12, "pe": 2}, "fc": CELLS},
    "linear": {"fc": {**CELLS, "simd": 12, "pe": 2}},
}
PLANTED = {"carry_chain": ("SB_LUT4", "LUT_INIT"), "block_ram": ("SB_RAM40_4K", "INIT_0")}


def network_of(name: str) -> Network:
    """A small network with random parameters: a convolution, or none, and a linear layer."""
    chance = np.random.default_rng(2)
    layers: dict[str, Layer] = {}
    if name != "linear":
        layers["conv"] = Conv2d(binary(chance, 8, 4, 3, 3), 1, Padding.ZERO)
        layers["act"] = threshold(chance, 8, 20, 2)
        layers["pool"] = MaxPool2d()
    layers["flatten"] = Flatten()
    layers["fc"] = Linear(binary(chance, 10, 144 if name == "linear" else 72))
    x = TensorType.codes(6, 6, 4, 2, Encoding.BIPOLAR)
    return Network.chain(name, x, layers)


def pipeline_of(name: str) -> Pipeline:
    """The pipeline of a network with its SETTINGS."""
    network = network_of(name)
    chosen = SETTINGS[name]
    stages = tuple(
        replace(stage, **chosen.get(stage.layers[0], {})) for stage in smallest_plan(network).stages
    )
    return Pipeline(network, Plan(network.digest, stages))


def plant(netlist: str, module: str, error: str) -> str:
    """A netlist of module ``error`` with one wrong cell of the linear engine: its first weight, or
    the entry for zeros of a table that adds in a carry chain, whose input 0 counts for nothing.
    """
    design, (kind, parameter) = json.loads(netlist), PLANTED[error]
    cells = design["modules"][module]["cells"]
    found = [c for n, c in cells.items() if c["type"] == kind and n.startswith("fc_dot")]
    places = [0]
    if error == "carry_chain":
        found = [c for c in found if int(c["parameters"][parameter], 2) == SUM]
        places = [0, 1]
    parameters = found[0]["parameters"]
    digits = list(parameters[parameter])
    for at in places:
        digits[~at] = "10"[int(digits[~at])]
    parameters[parameter] = "".join(digits)
    design["modules"] = {error: design["modules"][module]}
    return json.dumps(design)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, models: Path) -> dict[str, Any]:
    """Every network and planted error in one model: what the comparison says, without and with
    pauses, and the numbers of its kinds of cells.
    """
    folder = tmp_path_factory.mktemp("gates-ice40")
    pipelines = {name: pipeline_of(name) for name in SETTINGS}
    designs = {name: mapped_design(f"net_{name}", row) for name, row in pipelines.items()}
    made = map_designs([*designs.values()], folder, fabric="ice40")
    netlists = dict(zip(designs, made.values(), strict=True))
    for error in PLANTED:
        designs[error] = replace(designs["linear"], name=error)
        netlists[error] = plant(netlists["linear"], "net_linear", error)
        pipelines[error] = pipelines["linear"]
    rows = list(designs.values())
    model = build_mapped(rows, list(netlists.values()), models, fabric="ice40", quick=True)
    inputs = [CODES.reshape(-1, design.i.lanes) for design in rows]
    found: dict[str, Any] = {name: [] for name in designs}
    for pauses in ("none", "random"):
        outcomes = run_designs(
            model, rows, inputs, backpressure=pauses, seed=9, folder=folder / pauses
        )
        for design, name, outcome, beats in zip(rows, designs, outcomes, inputs, strict=True):
            assert not outcome.stuck
            found[name].append(compared(design, pipelines[name], outcome.folder, beats))
    for name, design in designs.items():
        cells = json.loads(netlists[name])["modules"][design.name]["cells"].values()
        found[name].append(Counter(cell["type"] for cell in cells))
    return found


def compared(design: Design, pipeline: Pipeline, folder: Path, beats: Any) -> Comparison:
    """What the comparison says of a run; cycles count where it was one without pauses."""
    trace = run(design.processes, FRAMES) if folder.parent.name == "none" else None
    return compare(design, folder, beats, trace, golden_model(pipeline.network, CODES))


@pytest.mark.parametrize("name", SETTINGS)
def test_mapped_network_is_the_golden_model(name: str, mapped: dict[str, Any]) -> None:
    for comparison in mapped[name][:2]:
        assert not comparison.mismatches, str(comparison.first)
        assert len(comparison.outputs) == FRAMES


def test_every_kind_of_cell_takes_part(mapped: dict[str, Any]) -> None:
    cells = sum((mapped[name][2] for name in SETTINGS), Counter())
    assert {"SB_LUT4", "SB_CARRY", "SB_RAM40_4K", "SB_DFFE", "SB_DFFSR"} <= set(cells)
    assert mapped["linear"][2]["SB_RAM40_4K"] >= 2


@pytest.mark.parametrize("error", PLANTED)
def test_one_wrong_bit_is_found(error: str, mapped: dict[str, Any]) -> None:
    for comparison in mapped[error][:2]:
        assert comparison.first is not None
        assert comparison.first.kind == "value"
