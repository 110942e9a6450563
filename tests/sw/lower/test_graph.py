"""Graphs of stages: which layers each takes in, forks, queues, plans, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.hw.streams.fork import ForkUnit
from subbit.sw import golden
from subbit.sw.errors import PlanError
from subbit.sw.ir import Flatten, Network, TensorType
from subbit.sw.lower.graph import edges, forks, groups
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import load_plan, save_plan, smallest_plan
from subbit.sw.planner import default_plan
from tests.networks import GRAPHS, NETWORKS, residual_network, small_network
from tests.sw.samples import message

FRAMES = 8


def names(network: Network) -> list[tuple[str, ...]]:
    return [layers for _, layers in groups(network)]


def test_a_stage_takes_in_the_layer_behind_it_where_nothing_else_reads_between() -> None:
    assert names(residual_network()) == [
        ("conv1", "act1"),
        ("conv2", "act2"),
        ("conv3",),
        ("add1",),
        ("act3",),
        ("conv4", "act4"),
        ("conv5",),
        ("skip", "scale"),
        ("add2",),
        ("act5",),
        ("pool",),
        ("act6",),
        ("fc",),
        ("argmax",),
    ]


def test_edges_and_forks() -> None:
    network = GRAPHS["pooled"]()
    streams = edges(network, names(network))
    assert [edge.name for edge in streams["add1"]] == ["dw2>add1", "act2>add1"]
    assert {
        tensor: [edge.reader for edge in readers] for tensor, readers in forks(streams).items()
    } == {
        "input": ["half", "stem"],
        "act2": ["dw1", "add1", "add2"],
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_chains_have_neither_forks_nor_queues(name: str) -> None:
    network = small_network(name)
    pipeline = Pipeline(network, smallest_plan(network))
    assert not pipeline.forks
    assert not pipeline.queues
    assert not any(isinstance(step.unit, ForkUnit) for step in pipeline.steps)


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("planned", [smallest_plan, default_plan])
def test_units_compute_what_the_golden_model_does(name: str, planned: Any) -> None:
    network = GRAPHS[name]()
    pipeline = Pipeline(network, planned(network))
    x = network.input_type
    codes = np.random.default_rng(2).integers(x.low, x.high + 1, (3, *x.shape))
    values = golden.evaluate(network, codes)
    seen = 0
    for step, beats in zip(
        pipeline.steps, pipeline.reference(codes.reshape(-1, pipeline.i.lanes)), strict=True
    ):
        assert beats.shape == (3 * step.unit.o_beats, step.unit.o.lanes)
        if step.tensor and step.tensor != "argmax":
            wanted = np.asarray(values[step.tensor]).reshape(3, -1)
            np.testing.assert_array_equal(beats.reshape(3, -1), wanted, err_msg=step.name)
            seen += 1
    assert seen == len(names(network)) - 1


def interval(network: Network, pipeline: Pipeline, queues: dict[str, int]) -> int | None:
    """The most cycles between frames with these queues, late in a long run, where they may come in
    turn sooner and later; None where it is stuck.
    """
    plan = replace(pipeline.plan, queues=tuple(queues.items()))
    try:
        ends = Pipeline(network, plan).cycles(FRAMES).taken[-1].reshape(FRAMES, -1)[:, -1]
    except PlanError:
        return None
    return int(np.diff(ends)[-4:].max())


@pytest.mark.parametrize("name", sorted(GRAPHS.keys() - {"shapes"}))  # a chain has no queues
@pytest.mark.parametrize("lut4", [0, 4000])
def test_queues_cost_no_rate_and_none_can_be_shorter(name: str, lut4: int) -> None:
    network = GRAPHS[name]()
    # The planner's folding, for which the pipeline finds its own queues.
    plan = replace(default_plan(network, lut4=lut4), queues=())
    pipeline = Pipeline(network, plan)
    found = dict(pipeline.queues)
    assert any(found.values())
    best = interval(network, pipeline, dict.fromkeys(found, 4000))
    assert interval(network, pipeline, found) == pipeline.interval_cycles == best
    for edge, depth in found.items():
        for less in {0, 1, depth // 2, depth - 1} if depth else ():
            worse = interval(network, pipeline, found | {edge: less})
            assert worse is None or worse > pipeline.interval_cycles, (edge, less)


def test_queues_travel_in_the_plan(tmp_path: Path) -> None:
    network, file = residual_network(), tmp_path / "plan.json"
    plan = smallest_plan(network)
    save_plan(plan, file)
    assert "queues" not in json.loads(file.read_text())
    stated = replace(plan, queues=(("act1>add1", 90), ("act3>skip", 100)))
    save_plan(stated, file)
    assert json.loads(file.read_text())["queues"] == {"act1>add1": 90, "act3>skip": 100}
    loaded = load_plan(file, network)
    assert loaded == stated
    # What is not stated is found, beside what is.
    queues = Pipeline(network, loaded).queues
    assert queues == dict(stated.queues) | {"act1>conv2": 0, "act3>conv4": 0}


@pytest.mark.parametrize(
    "queues",
    [{"act1>conv2": 0, "act1>add1": 4, "act3>conv4": 0, "act3>skip": 100}, {"act1>add1": 4}],
    ids=["all stated", "one stated"],
)
def test_too_short_a_queue_is_refused(queues: dict[str, int]) -> None:
    network = residual_network()
    plan = replace(smallest_plan(network), queues=tuple(queues.items()))
    assert message(lambda: Pipeline(network, plan), PlanError) == (
        "a queue is too short, so that paths that meet again wait for each other for ever; remove "
        "'queues' from the plan, or choose greater depths"
    )


@pytest.mark.parametrize(
    ("queues", "text"),
    [
        (
            {"act1>conv3": 3},
            "there is no place for a queue 'act1>conv3'; there are act1>conv2, act1>add1, "
            "act3>conv4, act3>skip",
        ),
        ({"act1>add1": -1}, "queue 'act1>add1' has a depth of 0 to 65536, not -1"),
        ({"act1>add1": "9"}, "queue 'act1>add1' has a depth of 0 to 65536, not '9'"),
        ([9], "'queues' must be an object of depths by stream"),
    ],
)
def test_wrong_queues_are_refused(queues: Any, text: str, tmp_path: Path) -> None:
    network, file = residual_network(), tmp_path / "plan.json"
    save_plan(smallest_plan(network), file)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"queues": queues}))
    assert message(lambda: load_plan(file, network), PlanError) == f"{file}: {text}"


def test_mere_wiring_is_refused() -> None:
    network = Network.chain("wires", TensorType.codes(2, 2, 2, 1), {"flat": Flatten()})
    assert message(lambda: Pipeline(network, smallest_plan(network)), PlanError) == (
        "network 'wires' only renames elements; there is nothing to build"
    )


def test_a_chain_has_no_place_for_queues() -> None:
    network = small_network("plain")
    plan = replace(smallest_plan(network), queues=(("conv1>pool1", 3),))
    assert message(lambda: Pipeline(network, plan), PlanError) == (
        "there is no place for a queue 'conv1>pool1'; there are none, as no tensor has several "
        "readers"
    )
