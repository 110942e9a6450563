"""docs/how-it-works/graphs.md is true: its example is built, and its numbers are the program's."""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from subbit.sw.golden import evaluate
from subbit.sw.ir import load_network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan
from tests.networks import residual_network
from tests.paths import ROOT

SLACK = 8  # the engines' latencies change now and then
PAGE = (ROOT / "docs" / "how-it-works" / "graphs.md").read_text()


def test_the_example_is_a_network_that_can_be_built() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "graphs.md", "exec"), names)
    network = names["network"]
    pipeline = Pipeline(network, smallest_plan(network))
    codes = np.random.default_rng(3).integers(0, 2, (2, 8, 8, 8))
    beats = pipeline.reference(codes.reshape(-1, pipeline.i.lanes))[-1]
    assert beats.reshape(2, 11)[:, -1].tolist() == evaluate(network, codes)["top"].ravel().tolist()
    assert pipeline.queues["input>join"] > 0


def test_the_depth_of_the_formula() -> None:
    network = load_network(ROOT / "examples" / "digits-residual.safetensors")
    kind = network.types["act1"]
    assert (kind.width, kind.channels) == (8, 16)
    ahead = 2 * (3 // 2) * (kind.width + 1) * kind.channels
    assert f"that is {ahead}." in PAGE
    (said,) = re.findall(r"folded as far as it goes, is (\d+)\.", PAGE)
    depth = Pipeline(network, smallest_plan(network)).queues["act1>add1"]
    assert ahead < depth
    assert abs(int(said) - depth) < SLACK


def test_the_table_of_depths() -> None:
    network = residual_network()
    pipeline = Pipeline(network, smallest_plan(network))
    depths, cycles = (
        [int(cell) for cell in row.replace("*", "").split("|")[2:-1]]
        for row in re.findall(r"\| (?:depth|cycles a frame) \|.*", PAGE)
    )
    least = pipeline.queues["act1>add1"]
    assert abs(depths[-2] - least) < SLACK
    for depth, wanted in zip(depths, cycles, strict=True):
        queues = dict(pipeline.queues) | {"act1>add1": least + depth - depths[-2]}
        other = Pipeline(network, replace(pipeline.plan, queues=tuple(queues.items())))
        ends = other.cycles(8).taken[-1].reshape(8, -1)[:, -1]
        assert abs(ends[-1] - ends[-2] - wanted) < 2 * SLACK
