"""Errors planted in the RTL: each is found, and the layer that has it is named."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.hw.contract.unit import Unit
from subbit.hw.design.accelerator import Accelerator
from subbit.sim.compare import Comparison, compare
from subbit.sim.design import Design, network_design
from subbit.sim.run import golden_model
from subbit.sim.runner import build_designs, run_designs
from subbit.sw.cycles import run
from subbit.sw.golden import evaluate
from subbit.sw.ir import BinaryWeights, CodebookWeights, Conv2d, Network, Threshold, TiledWeights
from subbit.sw.ir.layer import Layer
from subbit.sw.lower.pipeline import Pipeline, Step
from subbit.sw.lower.plan import smallest_plan
from tests.hw.planted import Dropped
from tests.networks import small_network

CODES = np.random.default_rng(5).integers(0, 16, (4, 8, 8, 1))


def changed(network: Network, layer: str, other: Layer) -> Network:
    """The network with another layer in one place."""
    nodes = tuple(
        replace(node, layer=other) if node.name == layer else node for node in network.nodes
    )
    return Network(network.name, network.input_type, nodes)


def flipped(conv: Conv2d, place: int) -> Conv2d:
    """The layer with one stored bit of its weights inverted."""
    weights = conv.weights
    if isinstance(weights, BinaryWeights):
        return replace(conv, weights=BinaryWeights(inverted(weights.bits, place)))
    if isinstance(weights, TiledWeights):
        return replace(conv, weights=replace(weights, tile=inverted(weights.tile, place)))
    assert isinstance(weights, CodebookWeights)
    return replace(conv, weights=replace(weights, indices=inverted(weights.indices, place)))


def inverted(stored: np.ndarray, place: int) -> np.ndarray:
    """The array with bit 0 of one element inverted."""
    flat = stored.copy().ravel()
    flat[place] ^= 1
    return flat.reshape(stored.shape)


def off_by_one(layer: Threshold, place: int) -> Threshold:
    """The thresholds with one of them one too high."""
    thresholds = layer.thresholds.copy()
    thresholds[place] += 1
    return Threshold(thresholds, layer.rising)


def with_effect(network: Network, layer: str, change: Callable[[Any, int], Layer]) -> Network:
    """The network with the first such change that the frames show in the layer act2."""
    right = evaluate(network, CODES)["act2"]
    old = network.node(layer).layer
    for place in range(100):
        wrong = changed(network, layer, change(old, place))
        if (evaluate(wrong, CODES)["act2"] != right).any():
            return wrong
    raise AssertionError("no such change has an effect on these frames")


@dataclass(frozen=True, eq=False)
class Swapped(Pipeline):
    """A pipeline in which another unit stands in one place."""

    place: str = ""
    swap: Callable[[Unit], Unit] = lambda unit: unit

    def build(self) -> Iterator[Step]:
        steps = list(super().build())
        assert self.place in [step.name for step in steps]
        for step in steps:
            yield replace(step, unit=self.swap(step.unit)) if step.name == self.place else step


def wrong_parameters(
    name: str, layer: str, change: Callable[[Any, int], Layer]
) -> tuple[Pipeline, Accelerator]:
    """A right pipeline, and the RTL of one with another layer."""
    network = small_network(name)
    wrong = with_effect(network, layer, change)
    plan = smallest_plan(network)
    other = Pipeline(wrong, replace(plan, network=wrong.digest))
    return Pipeline(network, plan), Accelerator(pipeline=other)


def dropped_beat(place: str, at: int) -> tuple[Pipeline, Accelerator]:
    """A right pipeline, and the RTL of one in which a unit loses a beat."""
    network = small_network("bits")
    plan = smallest_plan(network)
    wrong = Swapped(network, plan, place, lambda unit: Dropped(unit, at))
    return Pipeline(network, plan), Accelerator(pipeline=wrong)


# Each with the stream in which it must be found, and the layer that must be named.
PLANTED: dict[str, tuple[Callable[[], tuple[Pipeline, Accelerator]], str, str]] = {
    "weight_bit": (lambda: wrong_parameters("plain", "conv2", flipped), "conv2_dot", "conv2+act2"),
    "index_bit": (
        lambda: wrong_parameters("codebook", "conv2", flipped),
        *("conv2_dot", "conv2+act2"),
    ),
    "tile_bit": (lambda: wrong_parameters("tiled", "conv2", flipped), "conv2_dot", "conv2+act2"),
    "threshold": (
        lambda: wrong_parameters("bits", "act2", off_by_one),
        *("conv2_dot", "conv2+act2"),
    ),
    "window_beat": (lambda: dropped_beat("conv2_window", 200), "conv2_window", "conv2"),
    "pixel_beat": (lambda: dropped_beat("pool1_maxpool2d", 30), "pool1_maxpool2d", "pool1"),
    "last_beat": (lambda: dropped_beat("argmax_argmax", 43), "argmax_argmax", "argmax"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, models: Path) -> dict[str, list[Comparison]]:
    """What the comparison says of each planted error, without and with back-pressure."""
    designs: list[Design] = []
    pipelines = []
    for name, (build, _, _) in PLANTED.items():
        pipeline, component = build()
        designs.append(network_design(name, pipeline, component))
        pipelines.append(pipeline)
    inputs = [CODES.reshape(-1, pipeline.i.lanes) for pipeline in pipelines]
    folder = tmp_path_factory.mktemp("planted")
    model = build_designs(designs, models, quick=True)
    result: dict[str, list[Comparison]] = {name: [] for name in PLANTED}
    for backpressure in ("none", "random"):
        outcomes = run_designs(
            *(model, designs, inputs),
            backpressure=backpressure,
            seed=2,
            folder=folder / backpressure,
        )
        rows = zip(designs, pipelines, inputs, outcomes, strict=True)
        for design, pipeline, beats, outcome in rows:
            trace = run(design.processes, len(CODES)) if backpressure == "none" else None
            golden = golden_model(pipeline.network, CODES)
            result[design.name].append(compare(design, outcome.folder, beats, trace, golden))
    return result


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_found(name: str, found: dict[str, list[Comparison]]) -> None:
    _, stream, layer = PLANTED[name]
    for comparison in found[name]:
        first = comparison.first
        assert comparison.mismatches
        assert first is not None
        assert (first.stream, first.layer) == (stream, layer)
        assert f"layer {layer!r}" in str(first)
        assert first.kind == ("missing" if name == "last_beat" else "value")


def test_the_difference_is_where_the_golden_models_differ(
    found: dict[str, list[Comparison]],
) -> None:
    network = small_network("plain")
    networks = network, with_effect(network, "conv2", flipped)
    right, wrong = (evaluate(n, CODES)["act2"].numpy() for n in networks)
    frame, y, x, channel = (int(k) for k in np.argwhere(right != wrong)[0])
    for comparison in found["weight_bit"]:
        first = comparison.first
        assert first is not None
        assert (first.frame, first.y, first.x, first.channel) == (frame, y, x, channel)
        assert (first.expected, first.got) == (
            right[frame, y, x, channel],
            wrong[frame, y, x, channel],
        )
