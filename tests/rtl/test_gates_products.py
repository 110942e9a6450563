"""Engines of multipliers made of a part's cells, mapped, against references and cycles."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.hw.dot.products import ProductsUnit
from subbit.sim.compare import Comparison, compare
from subbit.sim.design import unit_design
from subbit.sim.gates import build_mapped, map_design
from subbit.sim.runner import run_designs
from subbit.sim.small_units import UNSIGNED, products, random_beats
from subbit.sw.cycles import run

FRAMES = 2
CELLS = {"ecp5": "MULT18X18D", "ice40": "SB_MAC16"}


def units() -> dict[str, ProductsUnit]:
    """Numbers of 8 bits, an output in each multiplier; and of 4 bits, two in each."""
    one = products(4, 6, 8, UNSIGNED, 8, pe=2, simd=3)
    two = products(4, 4, 4, UNSIGNED, 4, pe=2, simd=1, packed=2)
    return {"one": one, "two": two}


def wrong(netlist: str, kind: str) -> str:
    """The netlist with the lowest bit of an operand of its first multiplier at 0."""
    design = json.loads(netlist)
    cells = design["modules"]["one"]["cells"].values()
    pins = next(cell for cell in cells if cell["type"] == kind)["connections"]
    name = "B0" if "B0" in pins else "B"
    pins[name] = ["0", *pins[name][1:]]
    design["modules"] = {"wrong": design["modules"]["one"]}
    return json.dumps(design)


@pytest.fixture(scope="module", params=CELLS)
def found(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, models: Path
) -> dict[str, Any]:
    """What the comparison says of each, and how many multipliers each has."""
    fabric, rows = str(request.param), units()
    folder = tmp_path_factory.mktemp(f"products-{fabric}")
    designs = [unit_design(name, unit) for name, unit in rows.items()]
    netlists = [map_design(design, folder, fabric=fabric) for design in designs]
    kinds = [json.loads(text)["modules"] for text in netlists]
    cells: dict[str, Any] = {
        name: Counter(c["type"] for c in modules[name]["cells"].values())[CELLS[fabric]]
        for name, modules in zip(rows, kinds, strict=True)
    }
    designs.append(replace(designs[0], name="wrong"))
    netlists.append(wrong(netlists[0], CELLS[fabric]))
    inputs = [random_beats(unit, FRAMES, 7) for unit in (*rows.values(), rows["one"])]
    model = build_mapped(designs, netlists, models, fabric=fabric, quick=True)
    compared: dict[str, list[Comparison]] = {}
    for pauses in ("none", "random"):
        outcomes = run_designs(
            model, designs, inputs, backpressure=pauses, seed=1, folder=folder / pauses
        )
        for design, beats, outcome in zip(designs, inputs, outcomes, strict=True):
            trace = run(design.processes, FRAMES) if pauses == "none" else None
            result = compare(design, outcome.folder, beats, trace, None)
            compared.setdefault(design.name, []).append(result)
    return {"compared": compared, "cells": cells}


@pytest.mark.parametrize("name", ["one", "two"])
def test_cells_compute_the_reference(name: str, found: dict[str, Any]) -> None:
    for comparison in found["compared"][name]:
        assert not comparison.mismatches, str(comparison.first)
        assert len(comparison.outputs) == FRAMES


def test_multipliers_are_those_that_are_said(found: dict[str, Any]) -> None:
    assert found["cells"] == {name: unit.multipliers for name, unit in units().items()}
    assert np.array_equal(list(found["cells"].values()), [6, 1])


def test_a_wrong_operand_is_found(found: dict[str, Any]) -> None:
    for comparison in found["compared"]["wrong"]:
        assert comparison.first is not None
        assert comparison.first.kind == "value"
