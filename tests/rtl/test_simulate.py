"""simulate: one network from images to a result, again from the kept model, and with waveforms."""

import json
from pathlib import Path

import numpy as np
import pytest

from subbit.sim.run import simulate
from subbit.sw.errors import DataError
from subbit.sw.evaluate import load_frames
from subbit.sw.golden import predict
from subbit.sw.ir import Argmax, BinaryWeights, Linear, Network, TensorType
from subbit.sw.labels import class_labels
from subbit.sw.lower.plan import smallest_plan
from tests.networks import small_network

NAMES = ("nil", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def named(dataset: str | None) -> Network:
    """A small network with random parameters that names a data set."""
    plain = small_network("plain")
    spec = {"name": dataset, "preprocess": {"bits": 4, "shift": 0}}
    metadata = {"dataset": spec, "classes": [*NAMES]} if dataset else {}
    return Network("small-net.v1", plain.input_type, plain.nodes, metadata)


def test_simulate(tmp_path: Path, models: Path) -> None:
    network = named("digits")
    plan, places = smallest_plan(network), {"folder": tmp_path, "models": models}
    exact = simulate(network, plan, frames=3, **places)
    assert exact.mismatches == 0, str(exact.first_difference)
    assert exact.golden
    assert exact.images == "test images of the network's data set"
    assert exact.interval_cycles == exact.predicted_interval_cycles
    assert exact.latency_cycles == exact.predicted_latency_cycles
    assert json.loads(json.dumps(exact.summary()))["mismatches"] == 0
    frames = load_frames(network, None, 3)
    assert exact.wanted == tuple(NAMES[label] for label in frames.labels)
    found = predict(network, frames.codes).classes.tolist()
    assert exact.labels == tuple(class_labels(network, len(NAMES))[index] for index in found)

    codes = np.random.default_rng(1).integers(0, 16, (3, *network.input_type.shape))
    loose = [
        simulate(network, plan, codes, backpressure="random", seed=seed, **places)
        for seed in (1, 1, 2)
    ]
    assert [run.mismatches for run in loose] == [0, 0, 0]
    assert loose[0].cycles == loose[1].cycles != loose[2].cycles
    assert loose[0].cycles > exact.cycles
    np.testing.assert_array_equal(loose[0].classes, predict(network, codes).classes)

    random = simulate(named(None), plan, frames=1, **places)
    assert random.mismatches == 0
    assert (random.wanted, random.labels) == (None, tuple(map(str, random.classes)))
    assert random.images.startswith("random codes (network 'small-net.v1' names no data set;")


def test_waves(tmp_path: Path, models: Path) -> None:
    weights = BinaryWeights(np.random.default_rng(1).integers(0, 2, (6, 8)))
    x = TensorType.codes(1, 1, 8, 1)
    network = Network.chain("tiny", x, {"fc": Linear(weights), "argmax": Argmax()})
    result = simulate(
        network, smallest_plan(network), frames=1, waves=True, folder=tmp_path, models=models
    )
    assert result.mismatches == 0
    assert result.interval_cycles is None
    assert result.waves is not None
    text = result.waves.read_text()
    assert "$timescale" in text
    assert "fc_dot__payload" in text


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    network = named("mnist")
    with pytest.raises(DataError, match="is not a folder"):
        simulate(network, smallest_plan(network), data=tmp_path / "nowhere", folder=tmp_path)
