"""Input ports of any width: simulation of accelerators, and whole boards that fill the port."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.hw.design.top import BoardCore
from subbit.sim.compare import compare
from subbit.sim.design import Design, network_design
from subbit.sim.run import golden_model, simulate
from subbit.sim.runner import build_designs, run_designs
from subbit.sw.golden import predict
from subbit.sw.host.device import Device
from subbit.sw.host.simulated_board import SimulatedBoard
from subbit.sw.lower.pipeline import Pipeline
from tests.rtl.wide_inputs import WIDE, linear

FRAMES = 3
LINK_HZ, BAUD = 25_000_000, 3_000_000
BOARDS = ("frame of 2312 bits", "frame of bits, 81 of 88", "pixels of 3 channels")


def frames(pipeline: Pipeline, count: int, seed: int) -> NDArray[np.int64]:
    """Random frames of the network's input."""
    x = pipeline.network.input_type
    codes = np.random.default_rng(seed).integers(0, 1 << x.bits, (count, *x.shape), np.int64)
    return codes


@pytest.mark.parametrize("backpressure", ["none", "random"])
def test_every_stream_of_accelerators_with_wide_inputs(
    backpressure: str, tmp_path: Path, models: Path
) -> None:
    pipelines = [build() for build in WIDE.values()]
    designs: list[Design] = [network_design(f"wide{k}", p) for k, p in enumerate(pipelines)]
    codes = [frames(pipeline, FRAMES, 3) for pipeline in pipelines]
    inputs = [c.reshape(-1, p.i.lanes) for c, p in zip(codes, pipelines, strict=True)]
    model = build_designs(designs, models, quick=True)
    outcomes = run_designs(
        *(model, designs, inputs), backpressure=backpressure, seed=7, folder=tmp_path
    )
    for at, (name, outcome) in enumerate(zip(WIDE, outcomes, strict=True)):
        trace = designs[at].trace(FRAMES) if backpressure == "none" else None
        golden = golden_model(pipelines[at].network, codes[at])
        found = compare(designs[at], outcome.folder, inputs[at], trace, golden)
        assert not found.mismatches, f"{name}: {found.first}"
        assert len(found.outputs) == FRAMES, name


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_fills_the_beats_of_its_accelerator(name: str, models: Path) -> None:
    pipeline = WIDE[name]()
    core = BoardCore(pipeline=pipeline, clock_hz=LINK_HZ, baud=BAUD)
    codes = frames(pipeline, 3, 4)
    with (
        SimulatedBoard(
            core, name=f"wide{BOARDS.index(name)}", models=models, clock_hz=75_000_000
        ) as simulated,
        Device(simulated.transport(), timeout_s=60.0) as device,
    ):
        device.require(pipeline.network)
        classes, logits = device.infer(codes)
    golden = predict(pipeline.network, codes)
    np.testing.assert_array_equal(logits, golden.logits)
    np.testing.assert_array_equal(classes, golden.classes)


def test_simulate_takes_frames_whatever_the_port(tmp_path: Path, models: Path) -> None:
    pipeline = linear((4, 4, 1), 2, 16)
    codes = frames(pipeline, 4, 5)
    result = simulate(pipeline.network, pipeline.plan, codes, folder=tmp_path, models=models)
    assert (result.mismatches, result.frames) == (0, 4)
    np.testing.assert_array_equal(result.classes, predict(pipeline.network, codes).classes)
