"""Mapped netlists of whole networks, cell by cell, against the golden model; and planted errors."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sim.compare import Comparison, compare
from subbit.sim.design import Design
from subbit.sim.gates import build_mapped, map_designs, mapped_design
from subbit.sim.run import golden_model
from subbit.sim.runner import run_designs
from subbit.sw.cycles import run
from subbit.sw.ir import (
    Affine,
    Argmax,
    AvgPool2d,
    Conv2d,
    Encoding,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Padding,
    TensorType,
    Weights,
)
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from tests.parts import binary, codebook, threshold, tiled

FRAMES = 3
CODES = np.random.default_rng(5).integers(0, 4, (FRAMES, 6, 6, 4))
# For each network what its stages, by their first layers, get beyond the smallest plan: weights in
# block RAMs of every width, windows in both kinds of RAM, counters of either form.
CELLS = {"popcount": "ecp5"}
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "plain": {"fc": {"weights": "block"}},
    "codebook": {
        "conv": {"weights": "block", **CELLS},
        "fc": {"weights": "block", "simd": 2, **CELLS},
    },
    "tiled": {"conv": {"weights": "block", "window": "block"}, "fc": {"weights": "block", "pe": 5}},
    "bits": {"conv": {"weights": "block", "window": "block", "simd": 36, **CELLS}},
    "cells": {"fc": {"weights": "block", "simd": 12, "pe": 2, **CELLS}},
    "wide": {"pool": {"lanes": 48}, "mean": {"lanes": 36}, "argmax": {"lanes": 10}},
}
PLANTED = {"lookup_table": "plain", "block_ram": "plain", "carry_chain": "cells"}


@dataclass(frozen=True)
class Mapped:
    """The cells of every netlist by name, and what the comparison says, without and with pauses."""

    cells: dict[str, dict[str, Any]]
    found: dict[str, list[Comparison]]


def network_of(name: str) -> Network:
    """A small network with random parameters: a convolution, poolings, or none, and a linear
    layer.
    """
    chance = np.random.default_rng(2)
    bits = 2 if name == "bits" else 1
    x = TensorType.codes(6, 6, 4, 2, Encoding.BIPOLAR)
    kernels: dict[str, Weights] = {
        "codebook": codebook(chance, 8, 4, 4),
        "tiled": tiled(chance, (8, 4, 3, 3), 4),
        "bits": binary(chance, 8, 4, 3, 3),
    }
    layers: dict[str, Layer] = {}
    if name in kernels:
        layers["conv"] = Conv2d(kernels[name], 1, Padding.ZERO)
        layers["act"] = threshold(chance, 8, 20, bits)
        layers["pool"] = MaxPool2d()
    if name == "wide":
        layers |= {"pool": MaxPool2d(), "mean": AvgPool2d(3), "act": threshold(chance, 4, 20, 2)}
    layers["flatten"] = Flatten()
    inputs = {"wide": 4}.get(name, 72 if name in kernels else 144)
    layers["fc"] = Linear(binary(chance, 10, inputs))
    if name == "tiled":
        layers["affine"] = Affine(chance.integers(-9, 9, 10), chance.integers(-99, 99, 10))
    return Network.chain(name, x, layers | {"argmax": Argmax()})


def pipeline_of(name: str) -> Pipeline:
    """The pipeline of a network with its SETTINGS."""
    network = network_of(name)
    chosen = SETTINGS[name]
    stages = tuple(
        replace(stage, **chosen.get(stage.layers[0], {})) for stage in smallest_plan(network).stages
    )
    return Pipeline(network, Plan(network.digest, stages))


def flip(cell: dict[str, Any], parameter: str, bit: int) -> None:
    """Change one bit of a parameter, a string of 0 and 1 with the highest bit first."""
    digits = list(cell["parameters"][parameter])
    digits[~bit] = "10"[int(digits[~bit])]
    cell["parameters"][parameter] = "".join(digits)


def reader(cells: dict[str, Any], net: int, kind: str) -> dict[str, Any]:
    """The cell of that kind that reads a net."""
    for cell in cells.values():
        inputs = {
            p: n for p, n in cell["connections"].items() if cell["port_directions"][p] == "input"
        }
        if cell["type"] == kind and [net] in inputs.values():
            found: dict[str, Any] = cell
            return found
    raise AssertionError(f"no {kind} reads net {net}")


def plant(netlist: str, name: str, error: str) -> str:
    """A netlist of module ``name`` with one wrong bit: the first weight of fc, or in the table that
    multiplies such weights, alone or in a carry chain, the entry for zeros."""
    design = json.loads(netlist)
    cells = design["modules"][name]["cells"]
    (ram,) = (c for n, c in cells.items() if c["type"] == "DP16KD" and n.startswith("fc_dot"))
    weight = ram["connections"]["DOA0"][0]
    if error == "block_ram":
        flip(ram, "INITVAL_00", 0)
    else:
        product = reader(cells, weight, "LUT4" if error == "lookup_table" else "CCU2C")
        half = next(p for p, net in product["connections"].items() if net == [weight])[1:]
        constants = (product["connections"][port + half][0] for port in "ABCD")
        flip(product, f"INIT{half}", sum((net == "1") << k for k, net in enumerate(constants)))
    design["modules"] = {error: design["modules"][name]}
    return json.dumps(design)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Mapped:
    """Every network and planted error in one model."""
    folder = tmp_path_factory.mktemp("gates")
    pipelines = {name: pipeline_of(name) for name in SETTINGS}
    designs = {name: mapped_design(f"net_{name}", row) for name, row in pipelines.items()}
    made = map_designs([*designs.values()], folder, fabric="ecp5")
    netlists = dict(zip(designs, made.values(), strict=True))
    for error, name in PLANTED.items():
        designs[error] = replace(designs[name], name=error)
        netlists[error] = plant(netlists[name], f"net_{name}", error)
        pipelines[error] = pipelines[name]
    rows = list(designs.values())
    model = build_mapped(rows, list(netlists.values()), models, fabric="ecp5", quick=True)
    cells = {
        name: json.loads(netlists[name])["modules"][design.name]["cells"]
        for name, design in designs.items()
    }
    found: dict[str, list[Comparison]] = {name: [] for name in designs}
    for backpressure in ("none", "random"):
        inputs = [CODES.reshape(-1, design.i.lanes) for design in rows]
        outcomes = run_designs(
            model, rows, inputs, backpressure=backpressure, seed=9, folder=folder / backpressure
        )
        for name, outcome, beats in zip(designs, outcomes, inputs, strict=True):
            assert not outcome.stuck
            found[name].append(compared(designs[name], pipelines[name], outcome.folder, beats))
    return Mapped(cells, found)


def compared(design: Design, pipeline: Pipeline, folder: Path, beats: Any) -> Comparison:
    """What the comparison says of a run; cycles count where it was one without pauses."""
    trace = run(design.processes, FRAMES) if folder.parent.name == "none" else None
    return compare(design, folder, beats, trace, golden_model(pipeline.network, CODES))


@pytest.mark.parametrize("name", SETTINGS)
def test_mapped_network_is_the_golden_model(name: str, mapped: Mapped) -> None:
    for comparison in mapped.found[name]:
        assert not comparison.mismatches, str(comparison.first)
        assert len(comparison.outputs) == FRAMES


def test_every_kind_of_cell_takes_part(mapped: Mapped) -> None:
    cells = [cell for name in SETTINGS for cell in mapped.cells[name].values()]
    assert {cell["type"] for cell in cells} == {
        *("LUT4", "CCU2C", "TRELLIS_FF", "TRELLIS_DPR16X4", "DP16KD", "MULT18X18D")
    }
    rams = [cell for cell in cells if cell["type"] == "DP16KD"]
    read, written = set(), set()
    for ram in rams:
        for port in "AB":
            width = int(ram["parameters"][f"DATA_WIDTH_{port}"], 2)
            if ram["connections"][f"CE{port}"] != ["0"]:
                (read if ram["connections"][f"WE{port}"] == ["0"] else written).add(width)
    assert len(read) >= 3, read
    assert {ram["parameters"]["REGMODE_A"] for ram in rams} == {"NOREG", "OUTREG"}
    assert written


@pytest.mark.parametrize("error", PLANTED)
def test_one_wrong_bit_is_found(error: str, mapped: Mapped) -> None:
    for comparison in mapped.found[error]:
        assert comparison.first is not None
        assert comparison.first.kind == "value"
