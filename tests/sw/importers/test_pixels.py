"""What an imported network says of its pixels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.data import load_dataset
from subbit.sw.data.pixels import measure_pixels, pixels_of
from subbit.sw.errors import DataError
from subbit.sw.importers.api import import_network
from tests.sw.samples import message


def described(folder: Path, shape: list[int], **more: Any) -> dict[str, Path]:
    """A small network as arrays, and its description."""
    size = int(np.prod(shape))
    np.savez(folder / "net.npz", w=np.where(np.arange(10 * size) % 3, 1, -1).reshape(10, size))
    rows = {
        "input": {"shape": shape, "bits": 4},
        "layers": [{"kind": "flatten"}, {"kind": "linear", "weights": "w"}, {"kind": "argmax"}],
        **more,
    }
    (folder / "net.json").write_text(json.dumps(rows))
    return {"path": folder / "net.npz", "description": folder / "net.json"}


DIGITS = {"metadata": {"dataset": {"name": "digits", "preprocess": {"bits": 4, "shift": 0}}}}


def test_images_of_the_data_set_are_measured(tmp_path: Path) -> None:
    found = import_network(**described(tmp_path, [8, 8, 1], **DIGITS), images=0).network
    train = load_dataset("digits", "train")
    assert pixels_of(found.metadata, 1).high == 16
    measured = measure_pixels(train.images, 16).to_json()
    assert found.metadata["pixels"] == json.loads(json.dumps(measured))


@pytest.mark.parametrize(("shape", "polarity"), [([28, 28, 1], "light-on-dark"), ([5, 7, 1], None)])
def test_what_is_known_without_images(
    shape: list[int], polarity: str | None, tmp_path: Path
) -> None:
    found = import_network(**described(tmp_path, shape), images=0).network
    said = found.metadata.get("pixels")
    assert said == (polarity and {"low": 0, "high": 255, "polarity": polarity})
    assert pixels_of(found.metadata, 1).high == 255


def test_what_a_description_says_stays(tmp_path: Path) -> None:
    said = {"low": 3, "high": 90, "polarity": "dark-on-light"}
    metadata = {**DIGITS["metadata"], "pixels": said}
    made = described(tmp_path, [8, 8, 1], metadata=metadata)
    assert import_network(**made, images=0).network.metadata["pixels"] == said
    metadata = {"pixels": {"low": 9, "high": 3}}
    made = described(tmp_path, [8, 8, 1], metadata=metadata)
    assert "the network's 'pixels' must be" in message(
        lambda: import_network(**made, images=0), DataError
    )


def test_images_that_are_compared_are_drawn(tmp_path: Path) -> None:
    made = described(tmp_path, [8, 8, 1], **DIGITS)
    report = import_network(**made, images=40, seed=2).report
    assert report["remarks"][-1] == (
        "compared on 40 test images of digits, drawn from 359 by class with seed 2"
    )
    agreement = report["agreement"]
    assert (agreement["images"], agreement["of"], agreement["seed"]) == (40, 359, 2)
    assert agreement["interval"][0] <= agreement["correct"] / 40 <= agreement["interval"][1]
    assert "of" not in import_network(**made).report["agreement"]
