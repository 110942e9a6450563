"""The images that compression is fitted to and trained on: of every class its share."""

from pathlib import Path

import numpy as np
import pytest

from subbit.sw.compress.compress import compress_network, drawn_of
from subbit.sw.evaluate import Frames
from subbit.sw.ir import load_network

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "digits-plain.safetensors"


def frames(labels: np.ndarray) -> Frames:
    """Frames of these labels, as a folder has them: class after class."""
    codes = np.zeros((len(labels), 1, 1, 1), np.uint8)
    classes = tuple(map(str, range(10)))
    return Frames(codes, labels, classes, np.arange(len(labels)), len(labels))


@pytest.mark.parametrize("count", [10, 200, 999])
def test_every_class_has_its_share_in_the_given_order(count: int) -> None:
    labels = np.repeat(np.arange(10), 500)
    order = np.random.default_rng(3).permutation(5000)
    chosen = drawn_of(frames(labels), order, count, 3)
    assert len(chosen) == len(set(chosen)) == count
    drawn = np.bincount(labels[chosen], minlength=10)
    assert drawn.max() - drawn.min() <= 1
    assert np.array_equal(chosen, [place for place in order if place in set(chosen)])


@pytest.mark.parametrize("count", [None, 50, 51])
def test_all_images_stay_in_their_order(count: int | None) -> None:
    order = np.random.default_rng(3).permutation(50)
    assert np.array_equal(drawn_of(frames(np.arange(50) % 10), order, count, 3), order)


def test_the_report_says_of_how_many_and_how_sure() -> None:
    pytest.importorskip("sklearn")
    network = load_network(EXAMPLE)
    found = compress_network(network, tau=5, images=30, limit=50, seed=2).report["accuracy"]
    for row in found.values():
        assert (row["images"], row["of"], row["seed"]) == (50, 359, 2)
        low, high = row["interval"]
        assert low < row["correct"] / 50 <= high
    whole = compress_network(network, tau=5, images=30).report["accuracy"]
    assert whole["before"] == {"correct": 355, "images": 359}
