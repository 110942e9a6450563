"""DepthwiseUnit convolutions against numpy: padding, precisions, what follows them."""

from typing import Any

import numpy as np
import pytest

from subbit.hw.contract.unit import Beats
from subbit.hw.dot.depthwise import DepthwiseUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.planes import PlanesWeights
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import BinaryWeights, Weights
from tests.hw.harness import check_unit
from tests.hw.planted import Dropped

RNG = np.random.default_rng
UNSIGNED, BIPOLAR = Encoding.UNSIGNED, Encoding.BIPOLAR


def weights(channels: int, kernel: int, scales: tuple[int, ...]) -> Weights:
    """Random weights of a depthwise layer, binary where there is one scale."""
    chance = RNG(channels + kernel)
    planes = [BinaryWeights(chance.integers(0, 2, (channels, 1, kernel, kernel))) for _ in scales]
    return planes[0] if len(planes) == 1 else PlanesWeights(tuple(planes), scales)


def beats_for(unit: DepthwiseUnit, frames: int) -> Beats:
    """Random windows, with random masks where there are any; the first all low, one all high."""
    top = (1 << unit.i.bits) - 1
    shape = (frames * unit.i_beats, unit.i.lanes)
    beats = RNG(3).integers(0, top + 1, shape)
    beats[: unit.chunks], beats[unit.chunks : 2 * unit.chunks] = 0, top
    return beats


def post(kind: str, channels: int, reach: int) -> Any:
    """What follows: thresholds of some bits, scales, or nothing."""
    chance = RNG(channels)
    if kind == "affine":
        return Affine(chance.integers(-99, 99, channels), chance.integers(-999, 999, channels))
    if not kind:
        return None
    levels = chance.integers(-reach, reach + 1, (channels, (1 << int(kind)) - 1))
    return Threshold(np.sort(levels, axis=1), chance.integers(0, 2, channels))


CASES = [
    # channels, at once, kernel, stride, padding, encoding, bits, scales, what follows
    (4, 2, 3, 1, "zero", BIPOLAR, 1, (1,), "1"),
    (4, 4, 3, 2, "zero", BIPOLAR, 2, (1,), "2"),
    (3, 1, 3, 1, "none", BIPOLAR, 1, (1,), ""),
    (6, 3, 3, 2, "minus", BIPOLAR, 3, (1, 2), "1"),
    (4, 2, 3, 1, "plus", BIPOLAR, 2, (1, 1), "affine"),
    (2, 1, 5, 1, "zero", BIPOLAR, 2, (1, 2, 4), ""),
    (4, 2, 3, 1, "zero", UNSIGNED, 8, (1,), "2"),
    (4, 4, 3, 1, "zero", UNSIGNED, 2, (2, 4), ""),
    (2, 2, 5, 2, "none", UNSIGNED, 1, (1, 2), "affine"),
    (1, 1, 3, 1, "zero", BIPOLAR, 1, (1,), "1"),
]


def case(row: tuple[Any, ...], memory: str = "auto") -> DepthwiseUnit:
    """The unit of a row of CASES."""
    channels, at_once, kernel, stride, padding, encoding, bits, scales, then = row
    layer = DepthwiseConv2d(weights(channels, kernel, scales), stride, padding)
    x = TensorType.codes(6, 5, channels, bits, encoding)
    reach = layer.infer((x,)).high // 2
    return DepthwiseUnit(
        layer=layer, input=x, channels=at_once, post=post(then, channels, reach), memory=memory
    )


@pytest.mark.parametrize("row", CASES, ids=str)
def test_depthwise(row: tuple[Any, ...]) -> None:
    unit = case(row)
    check_unit(unit, beats_for(unit, 2))


@pytest.mark.parametrize("memory", ["logic", "block"])
def test_weights_in_every_memory(memory: str) -> None:
    unit = case(CASES[0], memory)
    assert unit.rom.style == memory
    check_unit(unit, beats_for(unit, 2))


def test_a_wrong_weight_and_a_lost_beat_are_caught() -> None:
    unit = case(CASES[0])
    bits = unit.layer.weights.tensors()["bits"].copy()
    bits[2, 0, 1, 1] ^= 1
    wrong = DepthwiseUnit(
        layer=DepthwiseConv2d(BinaryWeights(bits), 1, "zero"),
        input=unit.input,
        channels=2,
        post=unit.post,
    )
    beats = beats_for(unit, 2)
    assert (wrong.reference(beats) != unit.reference(beats)).any()
    with pytest.raises(AssertionError):
        check_unit(Dropped(unit, 5), beats)


def test_channels_must_divide() -> None:
    with pytest.raises(PlanError, match="lanes must divide the 4 channels, and 3 does not"):
        case((4, 3, *CASES[0][2:]))
