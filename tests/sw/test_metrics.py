"""Scores of given frames: classes, classes of pixels, numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import DataError
from subbit.sw.evaluate import evaluate_frames, score
from subbit.sw.golden import evaluate, predict
from subbit.sw.ir import Argmax, Conv2d, Flatten, Layer, Linear, Network, TensorType
from subbit.sw.metrics import accuracy, confusion, mean_absolute_error, mean_f1, mean_iou
from tests.sw.samples import binary, message

RNG = np.random.default_rng(12)
X = TensorType.codes(3, 4, 2, 2)


def chain(**layers: Layer) -> Network:
    """A network of these layers."""
    return Network.chain("scored", X, layers)


CONV = Conv2d(binary(RNG, (3, 2, 1, 1)))
VECTOR = {"flat": Flatten(), "fc": Linear(binary(RNG, (3, 24)))}
CODES = RNG.integers(0, 4, (9, *X.shape))


def test_against_one_class_after_the_other() -> None:
    found, wanted = RNG.integers(0, 4, (2, 60))
    wanted[wanted == 3] = 1
    wanted[:5] = -1
    table = confusion(found, wanted, 5)
    found, wanted = found[5:], wanted[5:]
    assert table.sum() == 55
    assert accuracy(table) == (found == wanted).mean()
    rows = []
    for label in range(4):
        mine, theirs = found == label, wanted == label
        rows.append(((mine & theirs).sum(), mine.sum(), theirs.sum(), (mine | theirs).sum()))
    assert mean_f1(table) == pytest.approx(np.mean([2 * both / (a + b) for both, a, b, _ in rows]))
    assert mean_iou(table) == pytest.approx(np.mean([both / union for both, _, _, union in rows]))
    assert mean_f1(confusion(found[:0], wanted[:0], 3)) == 0
    assert mean_absolute_error(np.array([1, -4]), np.array([2, 1])) == 3


def test_classes() -> None:
    network = chain(**VECTOR, top=Argmax())
    wanted = predict(network, CODES).classes.copy()
    assert score(network, CODES, wanted).summary() == {
        "network": "scored",
        "frames": 9,
        "output": "class",
        "accuracy": 1.0,
        "f1": 1.0,
        "iou": 1.0,
    }
    wanted[0] = (wanted[0] + 1) % 3
    found = score(chain(**VECTOR), CODES, wanted)
    assert found.accuracy == pytest.approx(8 / 9)
    assert found.iou is not None
    assert found.f1 is not None
    assert found.iou < found.f1 < 1


def test_a_class_for_each_pixel(tmp_path: Path) -> None:
    network = chain(conv=CONV, top=Argmax())
    wanted = predict(network, CODES).classes.copy()
    wanted[:, 0, 0] = 255
    wanted[0, 1, 1] = (wanted[0, 1, 1] + 1) % 3
    np.savez(tmp_path / "frames.npz", codes=CODES, wanted=wanted)
    found = evaluate_frames(network, tmp_path / "frames.npz")
    assert (found.output, found.accuracy) == ("class map", pytest.approx(1 - 1 / (9 * 11)))
    np.savez(tmp_path / "other.npz", codes=CODES, labels=wanted)
    text = message(lambda: evaluate_frames(network, tmp_path / "other.npz"), DataError)
    assert text.endswith("it has the arrays codes, labels; give 'codes' and 'wanted'")


@pytest.mark.parametrize("network", [chain(conv=CONV), chain(**VECTOR)])
def test_numbers(network: Network) -> None:
    numbers = evaluate(network, CODES)[network.nodes[-1].name].numpy()
    wanted = numbers.copy()
    wanted[0] += 7
    if network.output_type.height == 1:
        wanted = wanted.reshape(len(wanted), -1)
    found = score(network, CODES, wanted)
    assert found.output == "numbers"
    assert found.mean_absolute_error == pytest.approx(7 / 9)
    assert found.accuracy is None


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (np.zeros(8, int), "8 answers are wanted of 9 frames; give as many"),
        (np.zeros((9, 2, 2), int), "and answers of shape (2, 2) are wanted; give a class"),
        (np.zeros((9, 3, 4)), "what is wanted are integers, not float64"),
        (np.full((9, 3, 4), -1), "no class is wanted of any frame; give classes from 0 up"),
    ],
)
def test_what_does_not_fit(wanted: Any, text: str) -> None:
    network = chain(conv=CONV, top=Argmax())
    assert text in message(lambda: score(network, CODES, wanted), DataError)
