"""A network on a simulated board, used as a user would, on lines good and bad."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from subbit.hw.design.top import BoardCore
from subbit.sw.cli.device import run_command
from subbit.sw.errors import LinkError
from subbit.sw.golden import predict
from subbit.sw.host.classify import file_codes
from subbit.sw.host.device import Device
from subbit.sw.host.loopback import Faults
from subbit.sw.host.simulated_board import SimulatedBoard
from subbit.sw.ir import Network, save_network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from tests.networks import small_network
from tests.noisy_transport import NoisyTransport

NETWORK = small_network("codebook")
LINK_HZ, BAUD = 25_000_000, 3_000_000


@pytest.fixture(scope="module")
def board(models: Path) -> Iterator[SimulatedBoard]:
    pipeline = Pipeline(NETWORK, smallest_plan(NETWORK))
    core = BoardCore(pipeline=pipeline, clock_hz=LINK_HZ, baud=BAUD)
    with SimulatedBoard(core, name="core", models=models, clock_hz=75_000_000) as simulated:
        yield simulated


@pytest.mark.parametrize("faults", [None, Faults(drop=0.001, flip=0.001, insert=0.001, seed=8)])
def test_every_logit_is_that_of_the_golden_model(
    board: SimulatedBoard, faults: Faults | None
) -> None:
    codes = np.random.default_rng(3).integers(0, 16, (24, 8, 8, 1))
    line = board.transport()
    if faults:
        device = Device(NoisyTransport(line, faults), timeout_s=2.0, retries=30)
    else:
        device = Device(line, timeout_s=20.0)
    with device:
        device.require(NETWORK)
        classes, logits = device.infer(codes)
        assert bool(device.statistics.repeats) == bool(faults)
    golden = predict(NETWORK, codes)
    np.testing.assert_array_equal(logits, golden.logits)
    np.testing.assert_array_equal(classes, golden.classes)


def check_results(name: str, network: Network, plan: Plan, models: Path) -> None:
    """Logits and classes that a board of that plan sends are the golden model's."""
    core = BoardCore(pipeline=Pipeline(network, plan), clock_hz=LINK_HZ, baud=BAUD)
    codes = np.random.default_rng(4).integers(0, 16, (3, 8, 8, 1))
    with (
        SimulatedBoard(core, name=name, models=models, clock_hz=75_000_000) as simulated,
        Device(simulated.transport(), timeout_s=20.0) as device,
    ):
        classes, logits = device.infer(codes)
    golden = predict(network, codes)
    np.testing.assert_array_equal(logits, golden.logits)
    np.testing.assert_array_equal(classes, golden.classes)


@pytest.mark.parametrize("lanes", [1, 5])
def test_logits_without_an_argmax_behind_them(models: Path, lanes: int) -> None:
    whole = small_network("plain")
    network = Network("logits", whole.input_type, whole.nodes[:-1])
    *stages, last = smallest_plan(network).stages
    plan = Plan(network.digest, (*stages, replace(last, pe=lanes)))
    check_results(f"logits{lanes}", network, plan, models)


@pytest.mark.parametrize("lanes", [2, 10])
def test_an_argmax_of_several_lanes(models: Path, lanes: int) -> None:
    network = small_network("plain")
    *stages, last = smallest_plan(network).stages
    plan = Plan(network.digest, (*stages, replace(last, lanes=lanes)))
    check_results(f"argmax{lanes}", network, plan, models)


def test_subbit_run_classifies_files(board: SimulatedBoard, tmp_path: Path) -> None:
    save_network(NETWORK, tmp_path / "net.safetensors")
    names = [str(tmp_path / f"{n}.png") for n in range(3)]
    for n, name in enumerate(names):
        pixels = np.random.default_rng(n).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(name)
    options = ["--port", board.path, "--model", str(tmp_path / "net.safetensors"), "--json"]
    result = CliRunner().invoke(run_command, [*names, *options], catch_exceptions=False)
    rows = json.loads(result.output)
    golden = predict(NETWORK, np.stack([file_codes(NETWORK, Path(name)) for name in names]))
    assert [row["name"] for row in rows] == names
    assert [row["index"] for row in rows] == golden.classes.tolist()
    assert [row["logits"] for row in rows] == golden.logits.tolist()


def test_another_network_is_refused(board: SimulatedBoard) -> None:
    with Device(board.transport()) as device, pytest.raises(LinkError, match="holds network"):
        device.require(small_network("plain"))
