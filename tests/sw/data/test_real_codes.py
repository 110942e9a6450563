"""Codes of real numbers: a scale, and thermometer codes."""

from typing import Any

import numpy as np
import pytest

from subbit.sw.data import preprocess
from subbit.sw.data.choose import choose_preprocess
from subbit.sw.data.source import DataOptions
from subbit.sw.errors import DataError
from tests.sw.samples import message

SCALE: dict[str, Any] = {"bits": 3, "mean": 1.0, "scale": 2.0, "offset": 1}
STEPS: dict[str, Any] = {"bits": 1, "thermometer": [[0.5], [-1, 0, 2.5]]}


def test_a_scale_rounds_halves_up_and_stops_at_the_ends() -> None:
    values = np.array([-1e300, 0.4, 0.74, 0.75, 1.25, 3.7, 3.75, 1e300])[:, None]
    assert preprocess(values, SCALE)[:, 0].tolist() == [0, 0, 0, 1, 2, 6, 7, 7]
    row = SCALE | {"mean": [0, 1], "scale": [1, 10]}
    assert preprocess(np.array([[2.0, 1.2]]), row).tolist() == [[3, 3]]
    huge = SCALE | {"scale": 1e308, "mean": -1e308}
    assert preprocess(np.array([[1e308, -1e308]]), huge).tolist() == [[7, 1]]


def test_bytes_may_have_a_scale_too() -> None:
    pixels = np.arange(256, dtype=np.uint8)[:, None]
    spec = {"bits": 4, "mean": 0, "scale": 15 / 255, "offset": 0}
    wanted = np.floor(np.arange(256) * (15 / 255) + 0.5)
    assert np.array_equal(preprocess(pixels, spec)[:, 0], wanted)


def test_a_thermometer_has_a_code_for_each_threshold() -> None:
    values = np.array([[[0.5, -1.0]], [[0.49, 2.4]], [[7.0, -9.0]]])
    found = preprocess(values, STEPS)
    assert found.shape == (3, 1, 4)
    assert found[:, 0].tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0]]


@pytest.mark.parametrize(
    "spec",
    [
        SCALE | {"bits": 9},
        SCALE | {"mean": "1"},
        SCALE | {"scale": float("inf")},
        SCALE | {"offset": 10**400},
        SCALE | {"offset": True},
        SCALE | {"mean": [1, None]},
        SCALE | {"mean": [1, 2, 3]},
        SCALE | {"more": 1},
        STEPS | {"bits": 2},
        STEPS | {"thermometer": []},
        STEPS | {"thermometer": [1, 2]},
        STEPS | {"thermometer": [[], [1]]},
        STEPS | {"thermometer": [[1, 1], [2]]},
        STEPS | {"thermometer": [[2, 1], [2]]},
        STEPS | {"thermometer": [[1], [float("nan")]]},
        STEPS | {"thermometer": [list(range(256)), [1]]},
        STEPS | {"thermometer": [[1]]},
    ],
)
def test_what_no_network_can_say(spec: dict[str, Any]) -> None:
    found = message(lambda: preprocess(np.zeros((1, 2)), spec), DataError)
    assert found.startswith("preprocessing ")
    assert len(found) < 500


def test_real_numbers_are_no_pixels() -> None:
    found = message(lambda: preprocess(np.zeros((1, 2)), {"bits": 4, "shift": 0}), DataError)
    assert found.startswith("the preprocessing is for pixels of 8 bits, but the data are real")


@pytest.mark.parametrize("levels", [1, 4, 64])
def test_thresholds_cut_columns_into_equal_parts(levels: int) -> None:
    samples = np.random.default_rng(1).normal(size=(1000, 1, 1, 2)) ** 3
    spec = choose_preprocess(samples, "table", DataOptions(levels=levels))
    shares = preprocess(samples, spec).reshape(1000, 2, levels).mean(axis=0)
    wanted = 1 - np.arange(1, levels + 1) / (levels + 1)
    assert np.abs(shares - wanted).max() < 0.002


def test_few_values_are_cut_between_and_constant_ones_once() -> None:
    samples = np.array([[3.0, 1.0], [3.0, 2.0], [3.0, 4.0]])[:, None, None]
    spec = choose_preprocess(samples, "table", DataOptions())
    assert spec["thermometer"] == [[3.0], [1.5, 3.0]]


def test_real_pictures_go_from_their_least_to_their_greatest() -> None:
    samples = np.linspace(-1, 3, 12).reshape(3, 2, 2, 1)
    spec = choose_preprocess(samples, "pictures", DataOptions(bits=4))
    found = preprocess(samples, spec)
    assert (found.min(), found.max()) == (0, 15)
    assert choose_preprocess(samples * 0, "pictures", DataOptions())["scale"] == 1.0
