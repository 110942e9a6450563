"""The file of a Network: round trips, and writing it."""

import os
from pathlib import Path

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.ir import (
    Affine,
    Argmax,
    Conv2d,
    Encoding,
    Flatten,
    Linear,
    MaxPool2d,
    Network,
    Padding,
    TensorType,
    load_network,
    save_network,
)
from subbit.sw.ir import file as file_module
from tests.sw.network_files import sound, write
from tests.sw.samples import binary, chain, codes, conv_weights, message, threshold, tiled

RNG = np.random.default_rng(14)


def again(network: Network, folder: Path) -> Network:
    """The network after a trip through a file."""
    save_network(network, folder / "net.safetensors")
    return load_network(folder / "net.safetensors")


@pytest.mark.parametrize("seed", range(5))
def test_round_trip_of_every_layer(tmp_path: Path, seed: int) -> None:
    network = chain(np.random.default_rng(seed))
    loaded = again(network, tmp_path)
    assert loaded == network
    assert loaded.digest == network.digest
    assert loaded.types == network.types


@pytest.mark.parametrize("shape", [(4, 3, 3, 3), (5, 2, 1, 1), (3, 2, 5, 5)])
@pytest.mark.parametrize("encoding", list(conv_weights(RNG, (4, 3, 3, 3))))
@pytest.mark.parametrize("padding", list(Padding))
@pytest.mark.parametrize("stride", [1, 2])
def test_round_trip_of_convolutions(
    tmp_path: Path, shape: tuple[int, ...], encoding: str, padding: Padding, stride: int
) -> None:
    if shape[-1] == 1 and padding is not Padding.NONE:
        return
    layer = Conv2d(conv_weights(RNG, shape)[encoding], stride, padding)
    network = Network.chain("c", TensorType.codes(6, 7, shape[1], 3), {"conv": layer})
    assert again(network, tmp_path) == network


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("encoding", [Encoding.UNSIGNED, Encoding.BIPOLAR])
def test_round_trip_of_inputs_and_thresholds(
    tmp_path: Path, width: int, encoding: Encoding
) -> None:
    layers = {
        "flat": Flatten(),
        "fc": Linear(tiled(RNG, (4, 12), 8, scaled=True)),
        "act": threshold(RNG, 4, width, 1 << 40),
        "fd": Linear(binary(RNG, (3, 4))),
        "scale": Affine([-(1 << 17), (1 << 17) - 1, 0], [-(1 << 39), (1 << 39) - 1, 1]),
        "top": Argmax(),
    }
    network = Network.chain("d", TensorType.codes(2, 2, 3, width, encoding), layers)
    assert again(network, tmp_path) == network


def test_round_trip_of_a_graph_that_is_no_chain_and_of_metadata(tmp_path: Path) -> None:
    metadata = {"dataset": {"name": "digits"}, "classes": ["a", "ü"], "accuracy": 0.75}
    network = Network.chain("e", TensorType.codes(4, 4, 1, 1), {"pool": MaxPool2d()}, metadata)
    assert again(network, tmp_path).metadata == metadata


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    network = chain(RNG)
    for name in ("a", "b"):
        save_network(network, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_any_integer_type_is_read(tmp_path: Path) -> None:
    header, arrays = sound()
    wanted = load_network(write(tmp_path / "x", header, arrays))
    for kind in ("i1", "<i2", "<i4", "<i8", "<u2", "<u4", "<u8"):
        wide = {"fc.bits": arrays["fc.bits"].astype(kind)}
        loaded = load_network(write(tmp_path / "y", header, wide))
        assert loaded == wanted
        assert loaded.digest == wanted.digest


def test_saving_where_it_cannot_be_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = chain(RNG)
    (tmp_path / "file").write_text("mine")
    inside = tmp_path / "file" / "net.safetensors"
    text = message(lambda: save_network(network, inside), NetworkError)
    assert text.startswith(f"cannot write the network to {inside} (")
    assert text.endswith("); name another place")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("subbit.sw.atomic.os.fsync", full)
    assert message(lambda: save_network(network, tmp_path / "file"), NetworkError) == (
        f"cannot write the network to {tmp_path}/file (No space left on device); "
        "make room on that disk, or name a place on another one"
    )
    assert (tmp_path / "file").read_text() == "mine"
    assert os.listdir(tmp_path) == ["file"]


def test_what_could_not_be_read_back_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_module, "MAX_HEADER_BYTES", 100)
    text = message(lambda: save_network(chain(RNG), tmp_path / "net"), NetworkError)
    assert text.startswith("the header has ")
    assert text.endswith(" bytes; a network has at most 100 there")
    assert not os.listdir(tmp_path)


def test_sample_codes_reach_the_ends() -> None:
    kind = TensorType.codes(2, 2, 1, 5)
    sample = codes(RNG, kind, 3)
    assert (sample.min(), sample.max()) == (0, 31)
