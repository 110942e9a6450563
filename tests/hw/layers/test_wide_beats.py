"""Beats of several pixels, of rows and of whole frames: random shapes, values and cycles."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from subbit.hw.contract.unit import Unit
from subbit.hw.layers.add import AddUnit
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.layers.avgpool2d import AvgPool2dUnit, window_sizes
from subbit.hw.layers.globalavgpool import GlobalAvgPoolUnit
from subbit.hw.layers.maxpool2d import MaxPool2dUnit, pool_sizes
from subbit.hw.post.affine import AffineUnit
from subbit.hw.post.threshold import ThresholdUnit
from subbit.hw.streams.shapes import LanesUnit, beat_sizes
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.random_weights import random_affine, random_threshold
from subbit.sw.ir.types import Encoding, TensorType
from tests.hw.harness import check_unit
from tests.hw.planted import Dropped, Watched
from tests.hw.ports import check_ports, random_operands

FRAMES = 3
SEEDS = range(4)
Chance = np.random.Generator


def shape(chance: Chance) -> tuple[int, int, int]:
    """A small map of odd or even sides."""
    height, width = chance.integers(2, 8, 2)
    return int(height), int(width), int(chance.integers(1, 4))


def codes(chance: Chance) -> TensorType:
    """Codes of a few bits, bipolar or unsigned."""
    encoding = Encoding.UNSIGNED if chance.integers(2) else Encoding.BIPOLAR
    return TensorType.codes(*shape(chance), int(chance.integers(1, 4)), encoding)


def integers(chance: Chance) -> TensorType:
    """Integers of either sign."""
    low = int(chance.integers(-40, 10))
    return TensorType.integers(*shape(chance), low, low + int(chance.integers(1, 60)))


def either(chance: Chance) -> TensorType:
    """Codes or integers."""
    return codes(chance) if chance.integers(3) else integers(chance)


def wide(chance: Chance, sizes: list[int], x: TensorType) -> int:
    """One of the sizes, of more than a pixel where there is one."""
    return int(chance.choice([size for size in sizes if size > x.channels] or sizes))


def average(chance: Chance) -> AvgPool2dUnit:
    x = either(chance)
    kernel = int(chance.integers(2, min(x.height, x.width) + 1))
    layer = AvgPool2d(kernel, int(chance.integers(1, 4)) if chance.integers(2) else kernel)
    return AvgPool2dUnit(layer=layer, input=x, lanes=wide(chance, window_sizes(layer, x), x))


def maximum(chance: Chance) -> MaxPool2dUnit:
    x = either(chance)
    return MaxPool2dUnit(input=x, lanes=wide(chance, pool_sizes(x), x))


def whole_map(chance: Chance) -> GlobalAvgPoolUnit:
    x = either(chance)
    return GlobalAvgPoolUnit(input=x, lanes=wide(chance, beat_sizes(x), x))


def compared(chance: Chance) -> ThresholdUnit:
    x, form = integers(chance), str(chance.choice(["auto", "search", "tree"]))
    layer = random_threshold(chance, x.channels, (1 << int(chance.integers(1, 4))) - 1, 40)
    return ThresholdUnit(layer=layer, input=x, lanes=wide(chance, beat_sizes(x), x), form=form)


def scaled(chance: Chance) -> AffineUnit:
    x = integers(chance)
    layer = random_affine(chance, x.channels)
    return AffineUnit(layer=layer, input=x, lanes=wide(chance, beat_sizes(x), x))


def greatest(chance: Chance) -> ArgmaxUnit:
    reach = int(chance.choice([1, 9, 3000]))
    x = TensorType.integers(1, 1, int(chance.choice([2, 6, 9, 10, 16])), -reach, reach)
    return ArgmaxUnit(input=x, lanes=int(chance.choice(beat_sizes(x)[1:])))


KINDS: list[Callable[[Chance], LanesUnit]] = [
    *(maximum, average, whole_map, compared, scaled, greatest)
]


def frames(unit: LanesUnit, chance: Chance) -> np.ndarray:
    """Random frames, and one of the greatest number alone."""
    x = unit.input
    beats = chance.integers(x.low, x.high + 1, (FRAMES * unit.i_beats, unit.lanes))
    beats[: unit.i_beats] = x.high
    return beats


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("draw", KINDS)
def test_random_shapes(draw: Callable[[Chance], LanesUnit], seed: int) -> None:
    chance = np.random.default_rng(seed)
    unit = draw(chance)
    check_unit(unit, frames(unit, chance), seed)
    assert unit.trace(FRAMES).interval_cycles == unit.interval_cycles
    assert unit.interval_cycles == unit.input.elements // unit.lanes


@pytest.mark.parametrize("seed", SEEDS)
def test_random_sums(seed: int) -> None:
    chance = np.random.default_rng(seed)
    left = codes(chance)
    unit = AddUnit(
        layer=Add(1, 0),
        left=left,
        right=TensorType.codes(*left.shape, 2),
        lanes=wide(chance, beat_sizes(left), left),
    )
    check_ports(unit, random_operands(unit, FRAMES))


def every_size() -> Iterator[LanesUnit]:
    """Every beat that poolings of small maps take."""
    for x in (TensorType.codes(4, 4, 2, 1), TensorType.codes(5, 7, 1, 2)):
        yield from (MaxPool2dUnit(input=x, lanes=lanes) for lanes in pool_sizes(x))
        yield from (GlobalAvgPoolUnit(input=x, lanes=lanes) for lanes in beat_sizes(x))
        for layer in (AvgPool2d(2), AvgPool2d(3, 1)):
            for lanes in window_sizes(layer, x):
                yield AvgPool2dUnit(layer=layer, input=x, lanes=lanes)


@pytest.mark.parametrize("unit", list(every_size()), ids=str)
def test_every_size(unit: LanesUnit) -> None:
    check_unit(unit, frames(unit, np.random.default_rng(5)))


@pytest.mark.parametrize("memory", ["block", "distributed"])
@pytest.mark.parametrize("lanes", [3, 4, 6, 12])
def test_no_word_of_a_line_is_read_while_it_is_written(lanes: int, memory: str) -> None:
    unit = MaxPool2dUnit(input=TensorType.codes(4, 12, 1, 2), lanes=lanes, memory=memory)
    check_unit(Watched(unit), frames(unit, np.random.default_rng(6)))


@pytest.mark.parametrize(
    ("height", "width", "sizes"),
    [
        (4, 14, [1, 2, 7, 14, 28, 56]),
        (3, 9, [1, 9, 27]),
        (9, 9, [1, 9, 81]),
        (6, 15, [1, 15, 30, 45, 90]),
    ],
)
def test_pairs_lie_in_a_beat_or_in_two(height: int, width: int, sizes: list[int]) -> None:
    assert pool_sizes(TensorType.codes(height, width, 1, 1)) == sizes
    three = TensorType.codes(height, width, 3, 1)
    assert pool_sizes(three) == [1, *(3 * size for size in sizes)]


def test_windows_lie_in_a_beat() -> None:
    x = TensorType.codes(6, 12, 1, 1)
    assert window_sizes(AvgPool2d(3), x) == [1, 3, 6, 12, 36, 72]
    assert window_sizes(AvgPool2d(2), x) == [1, 2, 4, 6, 12, 24, 72]
    assert window_sizes(AvgPool2d(3, 1), x) == [1, 12, 72]


def test_outputs_are_beats_of_the_pooled_map() -> None:
    for height, width in ((4, 14), (6, 12), (5, 9), (9, 6)):
        x = TensorType.codes(height, width, 3, 1)
        pooled = x.with_shape(height // 2, width // 2, 3)
        for lanes in pool_sizes(x):
            unit = MaxPool2dUnit(input=x, lanes=lanes)
            assert unit.o.lanes in beat_sizes(pooled)
            assert unit.o_beats * unit.o.lanes == pooled.elements
        layer = AvgPool2d(3)
        means = layer.infer((x,))
        for lanes in window_sizes(layer, x):
            sums = AvgPool2dUnit(layer=layer, input=x, lanes=lanes)
            assert sums.o.lanes in beat_sizes(means)
            assert sums.o_beats * sums.o.lanes == means.elements


def test_latencies() -> None:
    x = TensorType.codes(8, 8, 2, 2)

    def latency(unit: Unit) -> int:
        return unit.trace(2).latency_cycles

    assert latency(MaxPool2dUnit(input=x, lanes=x.elements)) == 1
    assert latency(MaxPool2dUnit(input=x, lanes=16)) == 7 + 1
    bytes8 = TensorType.codes(8, 8, 2, 8)
    assert latency(MaxPool2dUnit(input=bytes8, lanes=x.elements)) == 2
    assert latency(MaxPool2dUnit(input=bytes8, lanes=16)) == 7 + 2
    assert latency(GlobalAvgPoolUnit(input=x, lanes=x.elements)) == 6 + 1
    assert latency(AvgPool2dUnit(layer=AvgPool2d(4), input=x, lanes=x.elements)) == 4 + 1
    assert latency(AvgPool2dUnit(layer=AvgPool2d(4), input=x, lanes=16)) == 7 + 2 + 1
    logits = TensorType.integers(1, 1, 10, -9, 9)
    assert latency(ArgmaxUnit(input=logits, lanes=10)) == 4
    assert latency(ArgmaxUnit(input=logits, lanes=5)) == 1 + 3 + 1


def test_the_class_so_far_stands_behind_each_beat() -> None:
    unit = ArgmaxUnit(input=TensorType.integers(1, 1, 6, -9, 9), lanes=3)
    beats = np.array([[5, 2, 9], [9, 7, 1], [-9, -9, -9], [-9, 0, 0]])
    classes = unit.reference(beats)[:, -1].tolist()
    assert classes == [2, 2, 0, 4]
    check_unit(unit, beats)
    whole = ArgmaxUnit(input=TensorType.integers(1, 1, 6, -9, 9), lanes=6)
    assert whole.reference(beats.reshape(2, 6))[:, -1].tolist() == [2, 4]


def test_a_lost_beat_is_caught() -> None:
    unit = MaxPool2dUnit(input=TensorType.codes(6, 6, 1, 4), lanes=12)
    with pytest.raises(AssertionError):
        check_unit(Dropped(unit, 3), frames(unit, np.random.default_rng(7)))


def test_what_does_not_fit() -> None:
    message = (
        "a beat of 9 elements does not fit a tensor of 9x9 pixels of 3 channels; it may hold "
        "1, 3, 27, 243"
    )
    with pytest.raises(PlanError) as caught:
        MaxPool2dUnit(input=TensorType.codes(9, 9, 3, 1), lanes=9)
    assert str(caught.value) == message
    with pytest.raises(PlanError, match=r"a beat of 4 elements .* it may hold 1, 2, 5, 10$"):
        ArgmaxUnit(input=TensorType.integers(1, 1, 10, -9, 9), lanes=4)
    with pytest.raises(PlanError, match=r"a beat of 2 elements .* it may hold 1, 12, 72$"):
        AvgPool2dUnit(layer=AvgPool2d(3, 1), input=TensorType.codes(6, 12, 1, 1), lanes=2)
