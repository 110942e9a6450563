"""The C on emulated cores: results, and what a network takes of flash memory and instructions."""

from importlib.util import find_spec

import numpy as np
import pytest

from subbit.sw.errors import ToolError
from subbit.sw.ir import BinaryWeights, Linear, Network, TensorType, Threshold, TiledWeights
from subbit.sw.mcu import emulate as emulation
from subbit.sw.mcu.emulate import CORES, NEEDED, emulate
from subbit.sw.mcu.program import Program
from tests.networks import residual_network
from tests.sw.mcu.programs import dots, golden, random_codes

MISSING = [name for name in NEEDED if find_spec(name) is None]
needs_emulator = pytest.mark.skipif(bool(MISSING), reason=f"without {', '.join(MISSING)}")


def perceptron(repeats: int) -> Network:
    """784-128-10, the first layer with a tile that repeats so many times."""
    chance = np.random.default_rng(1)
    bits = chance.integers(0, 2, 128 * 784 // repeats)
    layers = {
        "fc1": Linear(TiledWeights((128, 784), bits, np.ones(repeats, np.int64))),
        "act": Threshold(chance.integers(-30, 30, (128, 1)), np.ones(128, np.uint8)),
        "fc2": Linear(BinaryWeights(chance.integers(0, 2, (10, 128)))),
    }
    return Network.chain("perceptron", TensorType.codes(1, 1, 784, 1), layers)


@needs_emulator
@pytest.mark.parametrize("core", CORES)
def test_outputs_are_those_of_the_golden_model(core: str) -> None:
    for network in (perceptron(4), residual_network(), dots("crossing_planes")):
        codes = random_codes(network, 1, 3)
        assert (emulate(network, codes, core).outputs == golden(network, codes)).all()


@needs_emulator
def test_words_take_an_eighth_of_the_instructions_of_bits() -> None:
    network = perceptron(4)
    codes = random_codes(network, 1, 3)
    words, bits = (emulate(network, codes, bit_by_bit=walk) for walk in (False, True))
    assert (words.outputs == bits.outputs).all()
    plain = emulate(perceptron(1), codes, bit_by_bit=True)
    assert bits.instructions[0] < plain.instructions[0] / 3.5
    assert words.instructions[0] * 8 < bits.instructions[0]


def test_a_tile_takes_no_more_than_its_bits() -> None:
    def weights(network: Network) -> int:
        # 128 thresholds of two bytes, and a bit for the direction of each
        return Program(network).constants.bytes - 128 * 2 - 128 // 8

    assert weights(perceptron(4)) == (128 * 784 // 4 + 10 * 128) // 8 == 3296
    assert weights(perceptron(1)) == (128 * 784 + 10 * 128) // 8 == 12704


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulation, "find_spec", lambda _: None)
    with pytest.raises(ToolError, match=r"ziglang is missing; install it with: pip install"):
        emulate(perceptron(4), np.zeros((1, 1, 1, 784), np.int64))
