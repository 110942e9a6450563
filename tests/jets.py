"""A network of the size of those that tell jets of particles apart, its weights as wires."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from subbit.sw.ir import Argmax, Encoding, Layer, Linear, Network, TensorType
from subbit.sw.lower.engines.table import engine_of
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.lower.stages.argmax import ArgmaxStage
from subbit.sw.lower.stages.dot import DotStage
from tests.parts import binary, threshold

__all__ = ["jets", "jets_of_wires"]

SIZES = (16, 64, 32, 32, 5)


def jets() -> Network:
    """Linear layers of random weights, 16-64-32-32-5, on bytes, with one-bit activations."""
    chance = np.random.default_rng(3)
    layers: dict[str, Layer] = {}
    for at, (inputs, outputs) in enumerate(pairwise(SIZES)):
        layers[f"fc{at}"] = Linear(binary(chance, outputs, inputs))
        if outputs != SIZES[-1]:
            layers[f"act{at}"] = threshold(chance, outputs, 900 if at == 0 else 6)
    kind = TensorType.codes(1, 1, SIZES[0], 8, Encoding.UNSIGNED)
    return Network.chain("jets", kind, layers | {"argmax": Argmax()})


def jets_of_wires(fold: int, form: str = "portable") -> Pipeline:
    """All weights as wires, and the bytes of the first layer in ``fold`` turns: a jet every
    ``fold`` cycles.
    """
    network, engine = jets(), engine_of("unrolled")
    plan, stages = smallest_plan(network), []
    for at, stage in enumerate(plan.stages):
        if isinstance(stage, DotStage):
            own = {"fold": fold} if at == 0 and fold > 1 else {}
            stages.append(engine.on(stage, popcount=form, **own))
        elif isinstance(stage, ArgmaxStage):
            stages.append(replace(stage, lanes=SIZES[-1]))
    return Pipeline(network, replace(plan, stages=tuple(stages)))
