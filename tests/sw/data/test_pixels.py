"""What pixels a network was made for, and whether a picture looks like them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.data import load_dataset
from subbit.sw.data.pixels import (
    KNOWN,
    Pixels,
    apart,
    histogram,
    measure_pixels,
    pixels_of,
    to_pixels,
)
from subbit.sw.errors import DataError
from subbit.sw.ir import load_network
from tests.sw.samples import message

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.safetensors"))
DIGITS = {"name": "digits", "preprocess": {"bits": 4, "shift": 0}}


def test_the_examples_say_what_their_training_images_are() -> None:
    train = load_dataset("digits", "train")
    measured = measure_pixels(train.images, train.white)
    assert measured.polarity == "light-on-dark"
    assert sum(measured.histogram or ()) == pytest.approx(1, abs=1e-3)
    assert EXAMPLES
    for path in EXAMPLES:
        network = load_network(path)
        found = pixels_of(network.metadata, 1)
        name = network.dataset["name"]
        assert (found.low, found.high) == (0, KNOWN[name].high)
        assert found.polarity == KNOWN[name].polarity
        if name == "digits":
            assert network.metadata["pixels"] == {
                **measured.to_json(),
                "histogram": list(measured.histogram or ()),
            }


def test_every_test_image_looks_like_one_and_no_inverted_one_does() -> None:
    train, test = load_dataset("digits", "train"), load_dataset("digits", "test")
    pixels = measure_pixels(train.images, train.white)
    assert sum(pixels.doubt(image) is not None for image in test.images) == 0
    doubts = [pixels.doubt(16 - image) for image in test.images]
    assert all(doubt and "--invert" in doubt for doubt in doubts)


@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 16), (0, 1), (100, 200)])
def test_black_and_white_are_the_ends_of_the_range(low: int, high: int) -> None:
    pixels = Pixels(low, high)
    ramp = np.linspace(0, 1, high - low + 1)[:, None, None]
    assert to_pixels(ramp, pixels)[:, 0, 0].tolist() == list(range(low, high + 1))
    assert to_pixels(ramp, pixels, True)[:, 0, 0].tolist() == list(range(high, low - 1, -1))


def test_8_bits_and_back_is_exact() -> None:
    every = np.arange(17)
    grey = np.rint(every * 255 / 16) / 255
    assert to_pixels(grey, Pixels(0, 16)).tolist() == every.tolist()
    every = np.arange(256)
    assert to_pixels((every / np.float32(255)), Pixels()).tolist() == every.tolist()


def test_what_is_doubted() -> None:
    draw = np.random.default_rng(1)
    images = draw.integers(0, 60, (300, 8, 8, 1)).astype(np.uint8)
    images[:, 2:6, 2:6] += 150
    pixels = measure_pixels(images)
    assert pixels.polarity == "light-on-dark"
    assert pixels.doubt(images[0]) is None
    assert "one even tone" in str(pixels.doubt(np.full((8, 8, 1), 9, np.uint8)))
    assert "try it with --invert" in str(pixels.doubt(255 - images[0]))
    assert "try it without --invert" in str(pixels.doubt(255 - images[0], inverted=True))
    noise = draw.integers(0, 256, (8, 8, 1)).astype(np.uint8)
    noise[2:6, 2:6] = 255
    assert "unlike that of the training images" in str(pixels.doubt(noise))
    flat = draw.integers(0, 256, (300, 8, 8, 1)).astype(np.uint8)
    mixed = measure_pixels(flat)
    assert mixed.polarity == "mixed"
    assert mixed.doubt(flat[5]) is None
    assert Pixels().doubt(noise) is None


def test_histograms_apart() -> None:
    black, white = np.zeros((1, 4, 4, 1)), np.ones((1, 4, 4, 1))
    assert histogram(black)[0].tolist() == [1.0] + [0.0] * 15
    assert histogram(white)[0].tolist() == [0.0] * 15 + [1.0]
    assert apart(histogram(black), histogram(white)[0])[0] == pytest.approx(15 / 16)
    assert apart(histogram(black), histogram(black)[0])[0] == 0


@pytest.mark.parametrize(
    ("metadata", "high"),
    [
        ({}, 255),
        ({"dataset": "digits"}, 255),
        ({"dataset": {"name": 3}}, 255),
        ({"dataset": {"name": ["digits"]}}, 255),
        ({"dataset": {"name": "folder"}}, 255),
        ({"dataset": {"name": "mnist", "preprocess": {"bits": 8, "shift": 0}}}, 255),
        ({"dataset": DIGITS}, 16),
        # What cannot tell 0 from 16 was not made for 0 to 16.
        ({"dataset": DIGITS | {"preprocess": {"bits": 1, "shift": 7}}}, 255),
        ({"dataset": DIGITS, "pixels": {"low": 0, "high": 99}}, 99),
    ],
)
def test_where_a_network_says_nothing(metadata: dict[str, Any], high: int) -> None:
    assert pixels_of(metadata, 1).high == high


@pytest.mark.parametrize(
    "said",
    [
        3,
        [],
        {"low": True},
        {"low": 5, "high": 5},
        {"low": -1},
        {"high": 256},
        {"high": 1 << 70},
        {"polarity": "up"},
        {"polarity": ["mixed"]},
        {"more": 1},
        {"histogram": [0.1] * 16},
        {"distance": 0.5},
        {"histogram": [0.1] * 15, "distance": 0.5},
        {"histogram": ["x"] * 16, "distance": 0.5},
        {"histogram": [0.1] * 16, "distance": 2},
        {"polarity": "x" * 9999},
    ],
)
def test_what_no_network_can_say(said: Any) -> None:
    text = message(lambda: pixels_of({"pixels": said}, 1), DataError)
    assert text.startswith("the network's 'pixels' must be ")
    assert len(text) < 450
