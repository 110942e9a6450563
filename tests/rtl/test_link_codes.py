"""A network that ends in codes of few bits, on a simulated board."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subbit.hw.design.top import BoardCore
from subbit.sw.golden import evaluate
from subbit.sw.host.classify import classify_codes
from subbit.sw.host.device import Device
from subbit.sw.host.simulated_board import SimulatedBoard
from subbit.sw.ir import Conv2d, Encoding, Network, TensorType, Threshold
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, smallest_plan
from tests.sw.samples import binary

RNG = np.random.default_rng(6)
LEVELS = np.sort(RNG.integers(-40, 40, (4, 3)), axis=1)
NETWORK = Network.chain(
    "codes",
    TensorType.codes(4, 5, 1, 4, Encoding.UNSIGNED),
    {"conv": Conv2d(binary(RNG, (4, 1, 3, 3))), "act": Threshold(LEVELS, np.ones(4, np.uint8))},
)


@pytest.mark.parametrize("lanes", [1, 2])
def test_every_code_is_that_of_the_golden_model(models: Path, lanes: int) -> None:
    """A map of 2-bit codes, of one or two channels a beat."""
    *stages, last = smallest_plan(NETWORK).stages
    plan = Plan(NETWORK.digest, (*stages, replace(last, pe=lanes)))
    pipeline = Pipeline(NETWORK, plan)
    assert (pipeline.o.lanes, pipeline.o.signed) == (lanes, False)
    core = BoardCore(pipeline=pipeline, clock_hz=25_000_000, baud=3_000_000)
    codes = RNG.integers(0, 16, (5, *NETWORK.input_type.shape))
    with (
        SimulatedBoard(core, name=f"codes{lanes}", models=models) as simulated,
        Device(simulated.transport(), timeout_s=20.0) as device,
    ):
        rows = classify_codes(device, NETWORK, codes, list("abcde"))
    wanted = evaluate(NETWORK, codes)["act"].numpy()
    assert set(np.unique(wanted)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(np.array([row.map for row in rows]), wanted)
    assert {row.label for row in rows} == {"2x3x4 codes"}
