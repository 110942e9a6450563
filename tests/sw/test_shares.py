"""Shares, their counts and their intervals."""

import numpy as np
import pytest

from subbit.sw.shares import sampled, share_text, wilson


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (97, 100, 0.9155, 0.9897),
        (355, 359, 0.9717, 0.9957),
        (1, 1, 0.2065, 1.0),
    ],
)
def test_wilson_has_the_published_values(
    correct: int, images: int, low: float, high: float
) -> None:
    assert wilson(correct, images) == pytest.approx((low, high), abs=6e-5)


def test_an_interval_covers_the_share_in_nineteen_of_twenty_draws() -> None:
    draw, covered = np.random.default_rng(1), 0
    for _ in range(2000):
        low, high = wilson(int((draw.random(200) < 0.93).sum()), 200)
        covered += low <= 0.93 <= high
    assert 0.93 < covered / 2000 < 0.975


def test_no_images_say_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_share_comes_with_its_count() -> None:
    assert share_text(355, 359) == "355 of 359 images right (98.89%)"
    assert share_text(355, 359, 359) == "355 of 359 images right (98.89%)"
    assert share_text(97, 100, 10_000, 4) == (
        "97 of 100 images right (97.00%), drawn from 10000 by class with seed 4: 91.55% to 98.97% "
        "of all with 95 % confidence"
    )


def test_all_images_have_no_interval() -> None:
    assert sampled(355, 359, 359, 1) == {}
    found = sampled(97, 100, 359, 2)
    assert (found["of"], found["seed"]) == (359, 2)
    assert found["interval"] == pytest.approx([0.9155, 0.9897], abs=6e-5)
