"""subbit bench precision: engines of several precisions, and networks with one folding."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from subbit.sw.bench.precise_networks import alike, bench_networks, precision_of
from subbit.sw.bench.precision import bench_engines, engine_unit
from subbit.sw.cli.bench import bench_command
from subbit.sw.errors import PlanError
from subbit.sw.ir import Argmax, Linear, Network, PlanesWeights, TensorType, save_network
from subbit.sw.ir.weights import BinaryWeights
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from tests.networks import small_network


def test_cells_grow_no_faster_than_the_branches_at_equal_cycles() -> None:
    rows = bench_engines(((1, 1), (2, 2), (8, 1)), pe=2, simd=18)
    assert len({row["cycles"] for row in rows}) == 1
    for row in rows:
        for form in (row, row["portable"]):
            assert form["lut4_ratio"] <= row["m"] * row["k"]
            assert form["block_rams_ratio"] <= row["k"]
        assert row["lut4"] < row["portable"]["lut4"]
    assert [row["weight_bits"] for row in rows] == [4608, 9216, 4608]


@pytest.mark.parametrize("pair", [(1, 1), (3, 2), (8, 1)])
def test_engines_have_the_bits_asked_for(pair: tuple[int, int]) -> None:
    unit = engine_unit(*pair, 2, 9)
    assert (unit.bits, len(unit.groups.scales)) == pair
    assert unit.o.bits == (1 if pair == (8, 1) else pair[0])


def linear(name: str, planes: int, bits: int = 2) -> Network:
    rng = np.random.default_rng(planes)
    weights = tuple(BinaryWeights(rng.integers(0, 2, (6, 8), np.uint8)) for _ in range(planes))
    layers = {"fc": Linear(PlanesWeights(weights)), "top": Argmax()}
    return Network.chain(name, TensorType.codes(1, 1, 8, bits), layers, {"accuracy": NOTED})


NOTED = {"correct": 9, "images": 10, "split": "test"}


def test_networks_get_the_folding_of_the_first() -> None:
    rows = bench_networks([linear("one", 1), linear("four", 4)], 400)
    assert [row["k"] for row in rows] == [1, 4]
    assert rows[0]["cycles"] == rows[1]["cycles"]
    assert rows[0]["lut4"] < rows[1]["lut4"]
    assert [row["accuracy"] for row in rows] == [0.9, 0.9]
    assert [row["weight_bits"] for row in rows] == [48, 192]


def test_a_folding_that_does_not_fit_is_refused() -> None:
    plan = smallest_plan(small_network("plain"))
    network = small_network("planes")
    assert Pipeline(network, alike(network, plan)).interval_cycles
    stages = [s for s in plan.stages if s.layers[0] != "fc"]
    changed = replace(plan, stages=(*stages, DotStage(layers=("fc",), pe=7, simd=1)))
    with pytest.raises(PlanError, match="'planes' cannot have the folding of the first network"):
        alike(network, changed)


def test_precision_of_networks() -> None:
    assert precision_of(small_network("bits")) == {"m": 2, "k": 1, "encodings": ["binary"]}
    wanted = {"m": 3, "k": 3, "encodings": ["binary", "codebook", "tiled"]}
    assert precision_of(small_network("planes")) == wanted


def test_the_command_prints_networks_alone(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    save_network(linear("one", 2), path)
    found = CliRunner().invoke(bench_command, ["precision", str(path), "--pairs", "", "--json"])
    row = json.loads(found.stdout)
    assert (row["engines"], row["networks"][0]["network"], row["seed"]) == ([], "one", 1)
    table = CliRunner().invoke(bench_command, ["precision", str(path), "--pairs", ""])
    assert "one" in table.stdout


@pytest.mark.parametrize("text", ["9/1", "1/0", "2", "a/b", "1/2/3"])
def test_pairs_that_are_none(text: str) -> None:
    found = CliRunner().invoke(bench_command, ["precision", "--pairs", text])
    assert found.exit_code == 2
    assert f"'{text}' is no list of pairs like 1/1,2/2 of 1 to 8 bits" in found.output
