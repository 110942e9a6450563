"""Select, Upsample and Pad: the circuit is its unit, and the unit its layer, for random shapes."""

import numpy as np
import pytest
import torch

from subbit.hw.contract.unit import Lanes, Unit
from subbit.hw.layers.pad import PadUnit, pad_sizes
from subbit.hw.layers.select import SelectUnit, select_sizes
from subbit.hw.layers.upsample import UpsampleUnit, upsample_sizes
from subbit.hw.streams.replay import ReplayUnit
from subbit.sw import golden
from subbit.sw.errors import PlanError
from subbit.sw.ir import Encoding, Layer, Network, Node, Pad, Select, TensorType, Upsample
from subbit.sw.ir.kinds import layer_kind
from subbit.sw.lower.stages.select import SelectStage
from tests.hw.harness import check_unit

BIPOLAR, UNSIGNED = Encoding.BIPOLAR, Encoding.UNSIGNED


def check(layer: Layer, x: TensorType, unit: Unit, seed: int) -> None:
    """Hold a component to its unit, and the unit to the golden rule, for two frames."""
    frames = np.random.default_rng(seed).integers(x.low, x.high + 1, (2, *x.shape))
    beats = frames.reshape(-1, unit.i.lanes)
    check_unit(unit, beats, seed)
    rule = layer_kind(layer.kind).load("golden")
    wanted = rule(layer, (x,), torch.from_numpy(frames)).numpy()
    np.testing.assert_array_equal(unit.reference(beats).reshape(wanted.shape), wanted)
    kind = layer.infer((x,))
    assert wanted.shape[1:] == kind.shape
    assert kind.low <= wanted.min() <= wanted.max() <= kind.high


def tensor(chance: np.random.Generator) -> TensorType:
    """A small tensor of codes or integers."""
    height, width = (int(n) for n in chance.integers(1, 5, 2))
    channels, bits = int(chance.choice([1, 2, 3, 4, 6])), int(chance.integers(1, 4))
    if chance.random() < 0.3:
        return TensorType.integers(height, width, channels, -9, 5)
    encoding = UNSIGNED if chance.random() < 0.5 else BIPOLAR
    return TensorType.codes(height, width, channels, bits, encoding)


@pytest.mark.parametrize("seed", range(24))
def test_upsampling(seed: int) -> None:
    chance = np.random.default_rng(seed)
    x = tensor(chance)
    factors = chance.choice([1, 2, 4], 2).tolist()
    layer = Upsample(*(factors if factors != [1, 1] else (2, 3)))
    lanes = int(chance.choice(upsample_sizes(layer, x)))
    unit = UpsampleUnit(layer=layer, input=x, lanes=lanes)
    check(layer, x, unit, seed)
    assert unit.o_beats * lanes == layer.infer((x,)).elements
    assert len(unit.processes()[0].steps) == unit.o_beats


@pytest.mark.parametrize(
    ("shape", "factors", "lanes", "depth"),
    [
        ((2, 3, 4), (2, 2), 2, 6),  # a row in the memory
        ((2, 3, 4), (1, 4), 2, 2),  # a pixel
        ((2, 3, 4), (1, 2), 4, 1),  # the output register
        ((2, 4, 2), (2, 4), 4, 4),  # half of a block a beat
        ((2, 4, 2), (2, 2), 8, 2),  # the blocks of two pixels
        ((2, 2, 1), (4, 2), 8, 1),  # two rows of four
        ((2, 2, 1), (2, 2), 16, 1),  # the frame
        ((3, 1, 2), (4, 1), 1, 2),  # a row is a pixel
    ],
)
def test_what_upsampling_keeps(
    shape: tuple[int, int, int], factors: tuple[int, int], lanes: int, depth: int
) -> None:
    x, layer = TensorType.codes(*shape, 2), Upsample(*factors)
    unit = UpsampleUnit(layer=layer, input=x, lanes=lanes)
    assert unit.depth == depth
    check(layer, x, unit, 5)


@pytest.mark.parametrize("seed", range(24))
def test_borders(seed: int) -> None:
    chance = np.random.default_rng(seed)
    x = tensor(chance)
    margins = [int(n) for n in chance.integers(0, 3, 4)]
    value = int(chance.choice([x.value_range[0], x.value_range[1], 0, -30]))
    layer = Pad(*(margins if any(margins) else (1, 0, 0, 1)), value)
    lanes = int(chance.choice(pad_sizes(layer, x)))
    check(layer, x, PadUnit(layer=layer, input=x, lanes=lanes), seed)


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, 32, 64])
def test_a_border_of_whole_beats(lanes: int) -> None:
    x = TensorType.codes(4, 8, 2, 1)
    layer = Pad(2, 4, 2, 8, 1)
    assert lanes in pad_sizes(layer, x)
    check(layer, x, PadUnit(layer=layer, input=x, lanes=lanes), lanes)


@pytest.mark.parametrize("seed", range(24))
def test_selections(seed: int) -> None:
    chance = np.random.default_rng(seed)
    x = tensor(chance)
    count = int(chance.integers(1, 9))
    layer = [
        Select(chance.integers(0, x.channels, count)),
        Select.slice(x.channels // 2, x.channels),
        Select(chance.permutation(x.channels)),
    ][seed % 3]
    lanes = int(chance.choice(select_sizes(layer, x)))
    check(layer, x, SelectStage.unit(layer, x, lanes), seed)


@pytest.mark.parametrize("lanes", [1, 2, 6, 12])
def test_a_shuffle_of_groups(lanes: int) -> None:
    x, layer = TensorType.codes(2, 2, 6, 2), Select.shuffle(6, 3)
    assert layer.channels.tolist() == [0, 2, 4, 1, 3, 5]
    if lanes == 2:
        assert lanes not in select_sizes(layer, x)
        return
    unit = SelectStage.unit(layer, x, lanes)
    assert isinstance(unit, ReplayUnit if lanes == 1 else SelectUnit)
    check(layer, x, unit, 3)


@pytest.mark.parametrize("memory", ["distributed", "block"])
def test_words_in_another_order(memory: str) -> None:
    order = (3, 0, 0, 2, 4)
    unit = ReplayUnit(element=Lanes(2, 3), words=5, folds=2, vectors=3, memory=memory, order=order)
    check_unit(unit, np.random.default_rng(2).integers(0, 8, (2 * unit.i_beats, 2)))
    assert unit.interval_cycles == 3 * 10
    with pytest.raises(PlanError, match="in another order from a memory"):
        ReplayUnit(element=Lanes(2, 3), words=1, folds=2, vectors=3, order=(0, 0))


def test_beats_that_do_not_fit() -> None:
    x = TensorType.codes(4, 4, 4, 1)
    for make in (
        lambda: UpsampleUnit(layer=Upsample(1, 4), input=x, lanes=3),
        lambda: PadUnit(layer=Pad(1, 1, 1, 1, 1), input=x, lanes=8),
        lambda: SelectUnit(layer=Select.slice(1, 4), input=x, lanes=2),
    ):
        with pytest.raises(PlanError, match="does not fit a tensor"):
            make()
    with pytest.raises(PlanError, match="parts of 2 channels would change places"):
        SelectUnit(layer=Select(np.array([2, 3, 0, 1])), input=x, lanes=2)


def test_a_network_of_them_is_evaluated() -> None:
    x = TensorType.codes(2, 2, 2, 1)
    nodes = (
        Node("up", Upsample(1, 2), ("input",)),
        Node("swap", Select(np.array([1, 0])), ("up",)),
        Node("edge", Pad(0, 1, 0, 0, -1), ("swap",)),
    )
    codes = np.arange(8).reshape(1, 2, 2, 2) % 2
    found = golden.evaluate(Network("small", x, nodes), codes)["edge"]
    assert found[0, 0].tolist() == [[0, 0], [1, 0], [1, 0], [1, 0], [1, 0]]
