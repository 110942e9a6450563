"""Engines that reuse dot products, mapped for ECP5, cell by cell against the golden model."""

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sim.compare import Comparison, compare
from subbit.sim.gates import build_mapped, map_designs, mapped_design
from subbit.sim.run import golden_model
from subbit.sim.runner import run_designs
from subbit.sw.cycles import run
from subbit.sw.ir import Conv2d, Encoding, Network, Padding, TensorType
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from tests.parts import codebook, threshold, tiled

FRAMES, SIDE, CHANNELS, OUTPUTS = 2, 6, 4, 6
CODES = np.random.default_rng(7).integers(0, 2, (FRAMES, SIDE, SIDE, CHANNELS))
BLOCK = {"engine": "block_lookup", "simd": 36, "pixels": 3, "dot9": 2, "popcount": "ecp5"}
# Engine and settings, how the edges are padded, and bits of an index, 0 for a tile.
ENGINES: dict[str, tuple[dict[str, Any], Padding, int]] = {
    "lookup": ({"engine": "lookup", "pe": 2, "simd": 9, "dot9": 2}, Padding.ZERO, 5),
    "chains": (BLOCK, Padding.MINUS, 5),
    "chains_edges": (BLOCK, Padding.ZERO, 3),
    "tables": ({**BLOCK, "fill": "block"}, Padding.MINUS, 5),
    "tables_whole": ({**BLOCK, "fill": "block"}, Padding.PLUS, 3),
    "tables_edges": ({**BLOCK, "fill": "block"}, Padding.ZERO, 6),
    "shared": ({"engine": "shared_rows", "pe": 1, "simd": 18}, Padding.ZERO, 0),
}


@dataclass(frozen=True)
class Found:
    """Of each engine its cells, and what the comparison says, without and with pauses."""

    cells: dict[str, Counter[str]]
    comparisons: dict[str, list[Comparison]]


def pipeline_of(name: str) -> Pipeline:
    """One layer on an engine."""
    settings, padding, tau = ENGINES[name]
    chance = np.random.default_rng(tau)
    x = TensorType.codes(SIDE, SIDE, CHANNELS, 1, Encoding.BIPOLAR)
    shape = (OUTPUTS, CHANNELS, 3, 3)
    weights = codebook(chance, OUTPUTS, CHANNELS, tau) if tau else tiled(chance, shape, 2, top=3)
    layers = {"conv": Conv2d(weights, 1, padding), "act": threshold(chance, OUTPUTS, 6)}
    network = Network.chain(name, x, layers)
    stage = replace(smallest_plan(network).stages[0], **settings)
    return Pipeline(network, Plan(network.digest, (stage,)))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Found:
    """Every engine mapped, and all of them simulated in one model."""
    folder = tmp_path_factory.mktemp("lookup")
    pipelines = {name: pipeline_of(name) for name in ENGINES}
    designs = {name: mapped_design(f"net_{name}", row) for name, row in pipelines.items()}
    rows = list(designs.values())
    netlists = dict(zip(designs, map_designs(rows, folder, fabric="ecp5").values(), strict=True))
    model = build_mapped(rows, list(netlists.values()), models, fabric="ecp5", quick=True)
    comparisons: dict[str, list[Comparison]] = {name: [] for name in designs}
    for backpressure in ("none", "random"):
        inputs = [CODES.reshape(-1, design.i.lanes) for design in rows]
        outcomes = run_designs(
            model, rows, inputs, backpressure=backpressure, seed=3, folder=folder / backpressure
        )
        for (name, design), beats, outcome in zip(designs.items(), inputs, outcomes, strict=True):
            trace = run(design.processes, FRAMES) if backpressure == "none" else None
            golden = golden_model(pipelines[name].network, CODES)
            comparisons[name].append(compare(design, outcome.folder, beats, trace, golden))
    cells = {
        name: Counter(
            cell["type"] for cell in json.loads(text)["modules"][f"net_{name}"]["cells"].values()
        )
        for name, text in netlists.items()
    }
    return Found(cells, comparisons)


@pytest.mark.parametrize("name", ENGINES)
def test_mapped_engine_is_the_golden_model(name: str, found: Found) -> None:
    for comparison in found.comparisons[name]:
        assert not comparison.mismatches, str(comparison.first)
        assert len(comparison.outputs) == FRAMES


def test_vendor_cells_are_used(found: Found) -> None:
    for name, (settings, _, tau) in ENGINES.items():
        assert found.cells[name]["CCU2C"] > 0
        if tau and settings["engine"] == "block_lookup":
            assert found.cells[name]["DP16KD"] >= CHANNELS
    rams = {name: row["DP16KD"] for name, row in found.cells.items()}
    assert rams["tables"] == rams["chains"] + 4  # two channels, three windows: two units each
