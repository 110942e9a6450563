"""A network's answer in one call, whatever shape the frames come in."""

from pathlib import Path

import numpy as np
import pytest

import subbit
from subbit.sw.errors import DataError
from subbit.sw.golden import predict as golden
from subbit.sw.ir import save_network
from tests.networks import residual_network, small_network


def test_frames_of_any_shape(tmp_path: Path) -> None:
    network = small_network("plain")
    codes = np.random.default_rng(1).integers(0, 16, (3, 8, 8, 1))
    wanted = golden(network, codes)
    for given, part in ((codes, slice(3)), (codes[..., 0], slice(3)), (codes[0], slice(1))):
        assert (subbit.predict(network, given).logits == wanted.logits[part]).all()
    assert subbit.predict(network, codes[1, :, :, 0].tolist()).classes == wanted.classes[1]
    save_network(network, tmp_path / "a.safetensors")
    assert (subbit.predict(tmp_path / "a.safetensors", codes).classes == wanted.classes).all()


def test_raw_pixels_are_prepared() -> None:
    network = small_network("plain")  # takes the top four bits of a pixel
    pixels = np.random.default_rng(1).integers(0, 256, (2, 8, 8), np.int64)
    found = subbit.predict(network, pixels, raw=True)
    assert (found.logits == golden(network, pixels[..., None] >> 4).logits).all()


@pytest.mark.parametrize("shape", [(8,), (8, 8), (1, 6, 6), (6, 6, 3), (1, 1, 6, 6, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="frames"):
        subbit.predict(residual_network(), np.zeros(shape, np.int64))


def test_reprs_are_short() -> None:
    network = small_network("planes")
    plan = subbit.default_plan(network)
    layers = [node.layer for node in network.nodes]
    for thing in (network, plan, *layers, *(getattr(x, "weights", 0) for x in layers)):
        assert len(repr(thing)) < 400, repr(thing)
        assert "\n" not in repr(thing)
    assert repr(network).startswith(f"<Network {network.name}: 8x8x1 unsigned 4 bit to ")
