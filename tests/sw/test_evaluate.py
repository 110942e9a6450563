"""Accuracy on the data set that a network names."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from subbit.sw import evaluate as module
from subbit.sw.data.dataset import Dataset
from subbit.sw.errors import DataError, NetworkError
from subbit.sw.evaluate import evaluate_dataset, load_frames
from subbit.sw.golden import predict
from subbit.sw.ir import Argmax, Encoding, Flatten, Linear, Network, TensorType
from subbit.sw.shares import wilson
from tests.sw.samples import binary, message

RNG = np.random.default_rng(41)
SPEC = {"bits": 3, "shift": 1}
LABELS = np.zeros(1, np.int64)


def network(metadata: Any = None, bits: int = 3) -> Network:
    """Ten classes from digits of 8x8 pixels, untrained."""
    if metadata is None:
        metadata = {"dataset": {"name": "digits", "preprocess": SPEC}}
    source = TensorType.codes(8, 8, 1, bits, Encoding.UNSIGNED)
    layers = {"flat": Flatten(), "fc": Linear(binary(RNG, (10, 64))), "top": Argmax()}
    return Network.chain("mine", source, layers, metadata)


def f1_of(found: np.ndarray, wanted: np.ndarray) -> float:
    """The mean F1 of ten classes, one after the other."""
    rows = []
    for label in range(10):
        hits = int(((found == label) & (wanted == label)).sum())
        rows.append(2 * hits / (int((found == label).sum()) + int((wanted == label).sum())))
    return float(np.mean(rows))


def test_counts_what_the_golden_model_finds() -> None:
    pytest.importorskip("sklearn")
    mine = network()
    frames = load_frames(mine, None)
    told: list[tuple[int, int]] = []
    result = evaluate_dataset(mine, progress=lambda done, total: told.append((done, total)))
    classes = predict(mine, frames.codes).classes
    assert frames.codes.max() == 7
    assert result.images == len(frames.labels) > 300
    assert result.correct == int((classes == frames.labels).sum())
    assert told[-1] == (result.images, result.images)
    assert result.summary() == {
        "network": "mine",
        "dataset": "digits",
        "split": "test",
        "images": result.images,
        "correct": result.correct,
        "accuracy": result.correct / result.images,
        "f1": pytest.approx(f1_of(classes, frames.labels)),
        "classes": result.by_class(),
    }
    rows = result.by_class()
    assert [row["name"] for row in rows] == list("0123456789")
    assert sum(row["correct"] for row in rows) == result.correct
    assert [row["images"] for row in rows] == np.bincount(frames.labels).tolist()
    three = classes[(frames.labels == 3) & (classes != 3)]
    assert rows[3]["taken_for"] == str(np.bincount(three).argmax())


def test_a_part_is_drawn_by_class_and_says_how_sure_it_is() -> None:
    pytest.importorskip("sklearn")
    mine = network()
    some, every = evaluate_dataset(mine, limit=40, seed=3), evaluate_dataset(mine)
    places = load_frames(mine, None, 40, seed=3).places
    assert (some.images, len(set(places))) == (40, 40)
    assert np.bincount(some.labels).tolist() == [4] * 10
    np.testing.assert_array_equal(some.predicted, every.predicted[places])
    low, high = wilson(some.correct, 40)
    assert some.summary() == {
        "network": "mine",
        "dataset": "digits",
        "split": "test",
        "images": 40,
        "correct": some.correct,
        "accuracy": some.correct / 40,
        "f1": some.f1,
        "of": 359,
        "seed": 3,
        "interval": [round(low, 6), round(high, 6)],
        "classes": some.by_class(),
    }
    assert evaluate_dataset(mine, limit=1 << 20).summary() == every.summary()


def test_a_sound_network_counts_every_image(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = network()
    images = RNG.integers(0, 16, (50, 8, 8, 1)).astype(np.uint8)
    labels = predict(mine, np.minimum(images >> 1, 7)).classes
    labels[:5] = (labels[:5] + 1) % 10
    monkeypatch.setattr(
        module, "load_dataset", lambda *_: Dataset(images, labels, tuple("0123456789"))
    )
    result = evaluate_dataset(mine)
    assert (result.correct, result.images, result.accuracy) == (45, 50, 0.9)


def test_digits_take_no_data_but_others_may_be_named(tmp_path: Path) -> None:
    text = message(lambda: load_frames(network(), tmp_path), DataError)
    assert text == (
        "network 'mine' was trained on scikit-learn's digits, which need no --data; say the kind "
        "of your own data with --data-kind"
    )
    for label, level in (("3", 255), ("7", 128)):
        (tmp_path / label).mkdir()
        Image.new("L", (40, 40), level).save(tmp_path / label / "a.png")
    named = dataclasses.replace(network(bits=4), metadata=NAMED)
    frames = load_frames(named, tmp_path, kind="folder")
    assert frames.labels.tolist() == [3, 7]
    # White is 16 in digits, and the preprocessing takes it to 8.
    assert frames.codes[:, 0, 0, 0].tolist() == [8, 4]
    (tmp_path / "x").mkdir()
    Image.new("L", (40, 40)).save(tmp_path / "x" / "a.png")
    text = message(lambda: load_frames(named, tmp_path, kind="folder"), DataError)
    assert "the class 'x' is none of the network's: 0, 1, 2" in text


NAMED = {
    "dataset": {"name": "digits", "preprocess": {"bits": 4, "shift": 1}},
    "classes": list("0123456789"),
}
NO_DATASET = (
    "network 'mine' names no data set; set metadata['dataset'] to "
    "{'name': ..., 'preprocess': {'bits': ..., 'shift': ...}} when exporting it"
)


@pytest.mark.parametrize("metadata", [{}, {"dataset": "digits"}, {"dataset": {"name": 3}}])
def test_a_network_must_name_its_data_set(metadata: Any) -> None:
    assert message(lambda: evaluate_dataset(network(metadata)), NetworkError) == NO_DATASET


def test_errors_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    mnist = network({"dataset": {"name": "mnist", "preprocess": SPEC}})
    assert str(tmp_path) in message(lambda: evaluate_dataset(mnist, tmp_path), DataError)
    message(lambda: evaluate_dataset(mnist), DataError)
    other = network({"dataset": {"name": "letters", "preprocess": SPEC}})
    assert "'letters'" in message(lambda: evaluate_dataset(other), DataError)
    message(lambda: evaluate_dataset(network({"dataset": {"name": "digits"}})), DataError)
    assert message(lambda: evaluate_dataset(network(), limit=0), DataError) == (
        "the number of images must be at least 1, not 0"
    )
    assert message(lambda: evaluate_dataset(network(bits=2)), DataError) == (
        "the preprocessing of data set 'digits' gives codes up to 7, but network 'mine' takes at "
        "most 3; export it again"
    )

    tall = Dataset(np.zeros((1, 9, 8, 1), np.uint8), LABELS, ("a",))
    monkeypatch.setattr(module, "load_dataset", lambda *_: tall)
    assert message(lambda: evaluate_dataset(network()), DataError) == (
        "data set 'digits' has images of 9x8x1, but network 'mine' takes 8x8x1; name the data "
        "set's own folder"
    )


def test_an_empty_set_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Dataset(np.zeros((0, 8, 8, 1), np.uint8), LABELS[:0], ("a",))
    monkeypatch.setattr(module, "load_dataset", lambda *_: empty)
    assert message(lambda: evaluate_dataset(network()), DataError) == (
        "data set 'digits' has no test images; check the folder"
    )
