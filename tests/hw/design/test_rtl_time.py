"""Making RTL takes time in proportion to the layers."""

import time

import numpy as np

from subbit.hw.design.accelerator import Accelerator
from subbit.sw.flow.verilog import to_verilog
from subbit.sw.ir import BinaryWeights, Conv2d, Layer, Network, Padding, TensorType, Threshold
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan

FEW, MANY = 5, 20
SLACK = 2.0  # quadratic time would take 4 times what linear time does


def deep(layers: int) -> Network:
    """A chain of convolutions of different weights."""
    chance = np.random.default_rng(1)
    chain: dict[str, Layer] = {}
    for k in range(layers):
        weights = BinaryWeights(chance.integers(0, 2, (4, 4, 3, 3)))
        chain[f"conv{k}"] = Conv2d(weights, 1, Padding.ZERO)
        chain[f"act{k}"] = Threshold(np.zeros((4, 1), np.int64), np.ones(4, np.int64))
    return Network.chain("deep", TensorType.codes(6, 6, 4, 1), chain)


def seconds(layers: int) -> float:
    """Processor time from a network to Verilog."""
    network = deep(layers)
    start = time.process_time()
    text = to_verilog(Accelerator(pipeline=Pipeline(network, smallest_plan(network))), name="deep")
    assert text.count("conv") > layers
    return time.process_time() - start


def test_rtl_generation_is_linear_in_layers() -> None:
    seconds(1)  # imports
    few, many = seconds(FEW), seconds(MANY)
    assert many < SLACK * few * MANY / FEW, f"{FEW} layers {few:.1f} s, {MANY} layers {many:.1f} s"
