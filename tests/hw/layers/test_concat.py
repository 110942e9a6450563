"""Concat: every channel in its place, each with its value, whichever stream is late."""

import numpy as np
import pytest
import torch

from subbit.hw.contract.unit import Beats
from subbit.hw.layers.concat import ConcatUnit, concat_sizes
from subbit.sw.errors import PlanError
from subbit.sw.golden.concat import evaluate
from subbit.sw.ir import Concat, Encoding, TensorType
from subbit.sw.ir.types import joint_type, recoding
from tests.hw.ports import check_ports, simulate_ports

UNSIGNED = Encoding.UNSIGNED


def part(chance: np.random.Generator, height: int, width: int, channels: int) -> TensorType:
    """A type of the shape: codes of either encoding, or integers."""
    kind, bits = chance.integers(0, 3), int(chance.integers(1, 4))
    if kind < 2:
        encoding = UNSIGNED if kind else Encoding.BIPOLAR
        return TensorType.codes(height, width, channels, bits, encoding)
    low, high = sorted(chance.integers(-20, 21, 2).tolist())
    return TensorType.integers(height, width, channels, low, high)


def streams_of(unit: ConcatUnit, frames: int, seed: int) -> list[Beats]:
    """Random beats of each stream, both ends of each range among them."""
    chance, found = np.random.default_rng(seed), []
    for x, lanes in zip(unit.parts, unit.inputs.values(), strict=True):
        elements = chance.integers(x.low, x.high + 1, frames * x.elements)
        elements[[0, -1]] = x.low, x.high
        found.append(elements.reshape(-1, lanes.lanes))
    return found


@pytest.mark.parametrize("seed", range(10))
def test_the_circuit_is_its_unit_and_the_unit_its_layer(seed: int) -> None:
    chance = np.random.default_rng(seed)
    height, width = (int(n) for n in chance.integers(1, 4, 2))
    counts = chance.choice([2, 4, 6], int(chance.integers(2, 5))).tolist()
    parts = tuple(part(chance, height, width, channels) for channels in counts)
    sizes = concat_sizes(parts)
    unit = ConcatUnit(parts=parts, lanes=int(chance.choice(sizes[: 4 - seed % 2])))
    streams = streams_of(unit, 2, seed)
    check_ports(unit, streams)
    assert len(unit.processes()[0].steps) == unit.whole.elements // unit.lanes
    tensors = [
        torch.from_numpy(s.reshape(2, *x.shape)) for s, x in zip(streams, parts, strict=True)
    ]
    wanted = evaluate(Concat(), parts, *tensors).numpy()
    np.testing.assert_array_equal(unit.joined(streams).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("seed", range(12))
def test_a_joint_type_holds_every_value(seed: int) -> None:
    chance = np.random.default_rng(seed)
    kinds = [part(chance, 1, 1, 1) for _ in range(3)]
    whole = joint_type(kinds, 1, 1, 3)
    for kind in kinds:
        factor, offset = recoding(kind, whole)
        for stored in range(kind.low, kind.high + 1):
            now = factor * stored + offset
            assert whole.low <= now <= whole.high
            values = [
                2 * u - k.high if k.encoding is Encoding.BIPOLAR else u
                for u, k in ((stored, kind), (now, whole))
            ]
            assert values[0] == values[1]


def test_a_stream_that_is_late_holds_only_its_turn_up() -> None:
    unit = ConcatUnit(parts=(TensorType.codes(1, 2, 4, 2), TensorType.codes(1, 2, 2, 2)), lanes=2)
    assert unit.turns == [0, 0, 1]
    assert [unit.beats_of(k) for k in (0, 1)] == [4, 2]
    (sink,) = simulate_ports(unit, streams_of(unit, 1, 3), 6, None)
    assert sink.cycles == [1, 2, 3, 4, 5, 6]


def test_beats_that_do_not_fit() -> None:
    parts = (TensorType.codes(1, 4, 4, 1), TensorType.codes(1, 4, 6, 1))
    assert concat_sizes(parts) == [1, 2, 10, 20, 40]
    with pytest.raises(PlanError, match="a beat of 5 elements does not fit"):
        ConcatUnit(parts=parts, lanes=5)
