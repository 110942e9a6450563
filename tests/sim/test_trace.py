"""Activations of all layers as pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subbit.sim.trace import trace, write_trace
from subbit.sw.errors import DataError
from subbit.sw.golden import evaluate
from subbit.sw.report.activations import GAP, mosaic
from tests.networks import decoder_network, small_network
from tests.sw.report.pages import read


def test_every_tensor_is_shown(tmp_path: Path) -> None:
    network = small_network("plain")
    codes = np.random.default_rng(1).integers(0, 16, (8, 8, 1))
    found = trace(network, codes)
    wanted = evaluate(network, codes[None])
    assert list(found.golden) == list(wanted)
    for name, tensor in wanted.items():
        assert (found.golden[name] == tensor[0].numpy()).all()
    path = write_trace(found, tmp_path / "a.html", tmp_path / "png")
    page = read(path.read_text())
    assert page.text.count("golden model") == len(wanted)
    assert f"The class is {found.label}" in page.text
    assert {file.stem for file in (tmp_path / "png").iterdir()} == set(wanted)
    with Image.open(tmp_path / "png" / "input.png") as image:
        assert image.size == (10, 10)
        assert (np.asarray(image)[1:9, 1:9] == codes[:, :, 0] * 17).all()


def test_differences_in_simulation_are_told(tmp_path: Path) -> None:
    network = small_network("plain")
    found = trace(network, np.zeros((8, 8, 1), np.int64))
    last = network.nodes[-1].name
    wrong = found.golden[last].copy()
    wrong[0, 0, 0] += 1
    other = replace(found, simulated={"input": found.golden["input"], last: wrong})
    assert other.differences == {"input": 0, last: 1}
    text = read(write_trace(other, tmp_path / "a.html").read_text()).text
    assert "1 elements differ in simulation" in text
    assert "The simulation gives the same." in text
    assert "No stream carries it" in text


def test_a_map_has_no_class() -> None:
    network = decoder_network()
    found = trace(network, np.zeros(network.input_type.shape, np.int64))
    assert (found.index, found.label) == (None, "")


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8, 1), (8, 9, 1)])
def test_codes_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="takes codes of 8x8x1"):
        trace(small_network("plain"), np.zeros(shape, np.int64))


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing"):
        trace(small_network("plain"), tmp_path / "nothing.png")


def test_mosaics() -> None:
    """Channels in rows with grey lines between; vectors as rows of numbers."""
    maps = mosaic(np.arange(12).reshape(2, 2, 3), 0, 11)
    assert maps.shape == (7, 7)
    assert (maps[1:3, 1:3] == np.rint(np.array([[0, 3], [6, 9]]) * 255 / 11)).all()
    assert (maps[0] == GAP).all()
    vector = mosaic(np.arange(40).reshape(1, 1, 40), 0, 39)
    assert vector.shape == (2, 32)
    assert (vector[1, 8:] == GAP).all()
