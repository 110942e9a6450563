"""Networks that are graphs in RTL: every stream, every cycle; and queues that are too short."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from subbit.hw.design.accelerator import Accelerator
from subbit.sim.compare import Comparison, compare
from subbit.sim.design import Design, network_design
from subbit.sim.run import classes, golden_model, interval
from subbit.sim.runner import Outcome, build_designs, run_designs
from subbit.sw.golden import predict
from subbit.sw.ir import Add, Network
from subbit.sw.lower.pipeline import Pipeline, Step
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.planner import default_plan
from tests.hw.planted import Dropped
from tests.networks import GRAPHS, block_network, residual_network, sums_network

FRAMES = 4


class Unchecked(Pipeline):
    """A pipeline that may stand still."""

    def check_flow(self) -> None:
        """Let it."""


@dataclass(frozen=True, eq=False)
class Lossy(Pipeline):
    """A pipeline in which the unit at ``place`` loses a beat."""

    place: str = ""

    def build(self) -> Iterator[Step]:
        for step in super().build():
            lossy = step.name == self.place
            yield replace(step, unit=Dropped(step.unit, 30)) if lossy else step


@dataclass
class Case:
    """A pipeline, and the accelerator that shall or shall not be it."""

    pipeline: Pipeline
    accelerator: Accelerator


def right(network: Network, lut4: int) -> Case:
    pipeline = Pipeline(network, default_plan(network, lut4=lut4))
    return Case(pipeline, Accelerator(pipeline=pipeline))


def residual(queue: str, depth: int, kind: type[Pipeline] = Pipeline) -> Case:
    """The residual block with one queue of another depth, as its own pipeline."""
    network = block_network()
    plan = smallest_plan(network)
    queues = dict(Pipeline(network, plan).queues) | {queue: depth}
    pipeline = kind(network, replace(plan, queues=tuple(queues.items())))
    return Case(pipeline, Accelerator(pipeline=pipeline))


def short() -> Case:
    """The RTL of a queue one shorter than the least, to be held to the right one."""
    network = block_network()
    pipeline = Pipeline(network, smallest_plan(network))
    depth = pipeline.queues["act1>add1"] - 1
    return Case(pipeline, residual("act1>add1", depth).accelerator)


def wrong_shift() -> Case:
    network = block_network()
    plan = smallest_plan(network)
    nodes = [replace(n, layer=Add(0, 1)) if n.name == "add1" else n for n in network.nodes]
    other = Network(network.name, network.input_type, tuple(nodes))
    accelerator = Accelerator(pipeline=Pipeline(other, replace(plan, network=other.digest)))
    return Case(Pipeline(network, plan), accelerator)


def lost_in_the_queue() -> Case:
    network = block_network()
    plan = smallest_plan(network)
    return Case(Pipeline(network, plan), Accelerator(pipeline=Lossy(network, plan, "add1_queue")))


CASES: dict[str, Callable[[], Case]] = {
    "residual": lambda: right(residual_network(), 0),
    "pooled": lambda: right(GRAPHS["pooled"](), 2500),
    "decoder": lambda: right(GRAPHS["decoder"](), 0),
    "sums": lambda: right(sums_network(), 0),
    "shapes": lambda: right(GRAPHS["shapes"](), 2500),
    "shapes_small": lambda: right(GRAPHS["shapes"](), 0),
    "deadlock": lambda: residual("act1>add1", 10, Unchecked),
    "short": short,
    "wrong_shift": wrong_shift,
    "lost_in_the_queue": lost_in_the_queue,
}

Found = tuple[Case, Comparison, Outcome]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, models: Path) -> dict[str, list[Found]]:
    """Of each case what the comparison says, without and with back-pressure."""
    cases = {name: build() for name, build in CASES.items()}
    designs: list[Design] = [
        network_design(name, case.pipeline, case.accelerator) for name, case in cases.items()
    ]
    codes = {name: frames_of(case.pipeline.network) for name, case in cases.items()}
    inputs = [codes[name].reshape(-1, case.pipeline.i.lanes) for name, case in cases.items()]
    folder, model = tmp_path_factory.mktemp("graphs"), build_designs(designs, models, quick=True)
    result: dict[str, list[Found]] = {name: [] for name in CASES}
    for backpressure in ("none", "random"):
        outcomes = run_designs(
            *(model, designs, inputs),
            backpressure=backpressure,
            seed=5,
            folder=folder / backpressure,
        )
        for design, beats, outcome in zip(designs, inputs, outcomes, strict=True):
            case = cases[design.name]
            golden = golden_model(case.pipeline.network, codes[design.name])
            exact = backpressure == "none" and design.name != "deadlock"
            trace = design.trace(FRAMES) if exact else None
            comparison = compare(design, outcome.folder, beats, trace, golden)
            result[design.name].append((case, comparison, outcome))
    return result


def frames_of(network: Network) -> np.ndarray:
    """Random frames."""
    x = network.input_type
    return np.random.default_rng(7).integers(x.low, x.high + 1, (FRAMES, *x.shape))


@pytest.mark.parametrize(
    "name", ["residual", "pooled", "decoder", "sums", "shapes", "shapes_small"]
)
def test_every_stream_is_exact(name: str, found: dict[str, list[Found]]) -> None:
    for case, comparison, outcome in found[name]:
        assert not comparison.mismatches, comparison.first
        assert not outcome.stuck
        network = case.pipeline.network
        wanted = predict(network, frames_of(network)).classes
        np.testing.assert_array_equal(classes(network, comparison), wanted)


def test_the_queue_keeps_the_rate(found: dict[str, list[Found]]) -> None:
    case, comparison, _ = found["residual"][0]
    assert interval(comparison) == case.pipeline.interval_cycles


def test_a_queue_one_too_short_loses_rate_as_predicted(found: dict[str, list[Found]]) -> None:
    (case, exact, _), (_, random, _) = found["short"]
    assert exact.first is not None
    assert exact.first.kind == "cycle"
    assert not random.mismatches
    slow = case.accelerator.pipeline
    assert interval(exact) == slow.interval_cycles > case.pipeline.interval_cycles


def test_a_queue_much_too_short_stands_still(found: dict[str, list[Found]]) -> None:
    for _, comparison, outcome in found["deadlock"]:
        assert outcome.stuck
        assert comparison.first is not None
        assert comparison.first.kind == "missing"


@pytest.mark.parametrize(
    ("name", "stream", "layer"),
    [("wrong_shift", "add1_add", "add1"), ("lost_in_the_queue", "add1_queue", "act1")],
)
def test_planted_errors_are_found_where_they_are(
    name: str, stream: str, layer: str, found: dict[str, list[Found]]
) -> None:
    for _, comparison, _ in found[name]:
        first = comparison.first
        assert first is not None
        assert (first.stream, first.layer, first.kind) == (stream, layer, "value")
