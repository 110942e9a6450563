"""Small networks under a plan as one circuit, held to the golden model and to the cycle model."""

import numpy as np

from subbit.sw.golden.run import evaluate
from subbit.sw.ir import Encoding, Network, TensorType
from subbit.sw.ir.layer import Layer
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan
from tests.hw.design.test_accelerator import Whole
from tests.hw.harness import check_unit

__all__ = ["chain", "check_plan"]


def chain(
    *layers: Layer,
    shape: tuple[int, int, int] = (4, 4, 4),
    bits: int = 1,
    encoding: Encoding = Encoding.BIPOLAR,
) -> Network:
    """A network of these layers on codes of that shape."""
    x = TensorType.codes(*shape, bits, encoding)
    return Network.chain("one", x, {f"layer{at}": layer for at, layer in enumerate(layers)})


def check_plan(network: Network, plan: Plan) -> Whole:
    """Values and cycles of the planned circuit; values as PyTorch has them."""
    unit = Whole(Pipeline(network, plan))
    shape, bits = network.input_type.shape, network.input_type.bits
    codes = np.random.default_rng(2).integers(0, 1 << bits, (3, *shape))
    wanted = evaluate(network, codes)[network.nodes[-1].name].numpy()
    beats = codes.reshape(-1, unit.i.lanes)
    np.testing.assert_array_equal(unit.reference(beats).ravel(), wanted.ravel())
    check_unit(unit, beats)
    return unit
