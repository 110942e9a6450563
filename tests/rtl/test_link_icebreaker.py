"""The link of the iCEBreaker: four cycles of its clock a bit."""

from pathlib import Path

import numpy as np

from subbit.boards import board
from subbit.hw.design.top import BoardCore
from subbit.sw.golden import predict
from subbit.sw.host.device import Device
from subbit.sw.host.simulated_board import SimulatedBoard
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan
from tests.networks import small_network


def test_every_logit_comes_over_at_the_first_attempt(models: Path) -> None:
    target, network = board("icebreaker"), small_network("codebook")
    assert target.oscillator_hz == 4 * target.uart_baud
    pipeline = Pipeline(network, smallest_plan(network))
    core = BoardCore(pipeline=pipeline, clock_hz=target.oscillator_hz, baud=target.uart_baud)
    codes = np.random.default_rng(3).integers(0, 16, (12, 8, 8, 1))
    simulated = SimulatedBoard(
        core,
        name="core",
        models=models,
        clock_hz=33_750_000,
        link_hz=target.oscillator_hz,
        baud=target.uart_baud,
    )
    with simulated, Device(simulated.transport(), timeout_s=20.0) as device:
        device.require(network)
        classes, logits = device.infer(codes)
        assert not device.statistics.repeats
    golden = predict(network, codes)
    np.testing.assert_array_equal(logits, golden.logits)
    np.testing.assert_array_equal(classes, golden.classes)
