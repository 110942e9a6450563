"""Accelerators whose input port takes part of a pixel, several pixels, rows or the whole frame."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from subbit.sw.ir import INPUT, Add, Argmax, Encoding, Flatten, Linear, Network, Node, TensorType
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan
from tests.parts import binary, threshold

__all__ = ["WIDE", "forked", "linear"]

HIDDEN, CLASSES = 12, 5


def linear(
    shape: tuple[int, int, int],
    bits: int,
    lanes: int,
    encoding: Encoding = Encoding.UNSIGNED,
) -> Pipeline:
    """Two linear layers on an image, the first of which takes ``lanes`` elements a beat."""
    chance = np.random.default_rng(lanes)
    inputs = int(np.prod(shape))
    reach = 2 * round(inputs**0.5) << bits
    layers = {
        "flatten": Flatten(),
        "fc1": Linear(binary(chance, HIDDEN, inputs)),
        "act1": threshold(chance, HIDDEN, reach),
        "fc2": Linear(binary(chance, CLASSES, HIDDEN)),
        "argmax": Argmax(),
    }
    network = Network.chain("wide", TensorType.codes(*shape, bits, encoding), layers)
    first, *rest = smallest_plan(network).stages
    plan = replace(smallest_plan(network), stages=(replace(first, simd=lanes), *rest))
    pipeline = Pipeline(network, plan)
    assert pipeline.i.lanes == lanes
    return pipeline


def forked(narrow: int, wide: int) -> Pipeline:
    """Two linear layers that read the same image, in beats of different widths, and their sum."""
    chance = np.random.default_rng(narrow)
    x = TensorType.codes(6, 6, 1, 4, Encoding.UNSIGNED)
    nodes = (
        Node("flatten", Flatten(), (INPUT,)),
        Node("left", Linear(binary(chance, CLASSES, 36)), ("flatten",)),
        Node("right", Linear(binary(chance, CLASSES, 36)), ("flatten",)),
        Node("both", Add(), ("left", "right")),
        Node("argmax", Argmax(), ("both",)),
    )
    network = Network("forked", x, nodes)
    plan = smallest_plan(network)
    simds = {"left": narrow, "right": wide}
    stages = [
        replace(stage, simd=simds[stage.layers[0]]) if stage.layers[0] in simds else stage
        for stage in plan.stages
    ]
    return Pipeline(network, replace(plan, stages=tuple(stages)))


WIDE: dict[str, Callable[[], Pipeline]] = {
    "frame of 2312 bits": lambda: linear((17, 17, 1), 8, 289),
    "two rows of bits": lambda: linear((28, 28, 1), 1, 56, Encoding.BIPOLAR),
    "frame of bits, 81 of 88": lambda: linear((9, 9, 1), 1, 81, Encoding.BIPOLAR),
    "frame of 2 bits, 49 of 52": lambda: linear((7, 7, 1), 2, 49, Encoding.BIPOLAR),
    "pixels of 3 channels": lambda: linear((4, 6, 3), 8, 9),
    "row of 3 channels of 4 bits": lambda: linear((3, 5, 3), 4, 15),
    "frame of 3 channels of 3 bits": lambda: linear((3, 5, 3), 3, 45),
    "part of a pixel": lambda: linear((4, 4, 6), 4, 3),
    "fork, narrow first": lambda: forked(4, 36),
    "fork, wide first": lambda: forked(36, 6),
}
