"""Networks that are small enough to simulate their cores in seconds."""

from functools import cache
from pathlib import Path

import numpy as np

from subbit.sw.ip import IpExport, export_ip
from subbit.sw.ir import Argmax, Conv2d, Encoding, Flatten, Linear, Network, Padding, TensorType
from subbit.sw.planner.choose import smallest_plan
from tests.parts import binary, threshold

__all__ = ["CORES", "core_network", "export_core", "perceptron"]

CORES = ("classes", "logits")


@cache
def core_network(name: str) -> Network:
    """``classes`` ends in a class behind its logits, ``logits`` in five logits."""
    chance = np.random.default_rng(7)
    if name == "logits":
        x = TensorType.codes(4, 4, 1, 4, Encoding.UNSIGNED)
        parts = {
            "conv": Conv2d(binary(chance, 4, 1, 3, 3), 1, Padding.ZERO),
            "act": threshold(chance, 4, 40),
            "flatten": Flatten(),
            "fc": Linear(binary(chance, 5, 64)),
        }
        return Network.chain(name, x, parts)
    layers = {
        "fc1": Linear(binary(chance, 6, 12)),
        "act1": threshold(chance, 6, 20),
        "fc2": Linear(binary(chance, 3, 6)),
        "class": Argmax(),
    }
    return Network.chain(name, TensorType.codes(1, 1, 12, 4, Encoding.UNSIGNED), layers)


def perceptron(seed: int) -> Network:
    """One that takes what the digits' networks take, and gives a class of ten."""
    chance = np.random.default_rng(seed)
    layers = {
        "flatten": Flatten(),
        "fc1": Linear(binary(chance, 8, 64)),
        "act1": threshold(chance, 8, 60),
        "fc2": Linear(binary(chance, 10, 8)),
        "class": Argmax(),
    }
    return Network.chain("digits", TensorType.codes(8, 8, 1, 4, Encoding.UNSIGNED), layers)


def export_core(name: str, folder: Path, bus: str, core: str | None = None) -> IpExport:
    """The core of that network, folded most."""
    network = core_network(name)
    return export_ip(network, folder, bus=bus, name=core, plan=smallest_plan(network))
