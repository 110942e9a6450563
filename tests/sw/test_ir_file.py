"""The file of a Network: round trips, and one clear error for everything that is wrong with it."""

import json
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save
from samples import binary, chain, codes, conv_weights, message, threshold, tiled

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

RNG = np.random.default_rng(14)
CUT = "not a network file, or cut short; export it again or fetch it whole"


def write(path: Path, header: Any, arrays: dict[str, Any] | None = None) -> Path:
    """A safetensors file with ``header`` (JSON text or value) as the network's."""
    text = header if isinstance(header, str) else json.dumps(header)
    path.write_bytes(save(arrays or {}, {"subbit": text}))
    return path


def raw(declared: str | bytes, body: bytes = b"") -> bytes:
    """The bytes of a safetensors file with that declaration."""
    text = declared.encode() if isinstance(declared, str) else declared
    return struct.pack("<Q", len(text)) + text + body


@pytest.fixture
def good() -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and arrays of a sound file, to be damaged."""
    header = {
        "version": 1,
        "network": {
            "name": "net",
            "input": {"shape": [1, 1, 4], "encoding": "bipolar", "bits": 1},
            "nodes": [
                {
                    "name": "fc",
                    "kind": "linear",
                    "inputs": ["input"],
                    "attributes": {"weights": "binary"},
                },
                {"name": "top", "kind": "argmax", "inputs": ["fc"], "attributes": {}},
            ],
        },
        "metadata": {"accuracy": 0.5},
    }
    return header, {"fc.bits": np.array([[1, 0, 1, 1], [0, 0, 1, 0]], np.uint8)}


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


def test_any_integer_type_is_read(tmp_path: Path, good: Any) -> None:
    header, arrays = good
    wanted = load_network(write(tmp_path / "x", header, arrays))
    for kind in ("i1", "<i2", "<i4", "<i8", "<u2", "<u4", "<u8"):
        wide = {"fc.bits": arrays["fc.bits"].astype(kind)}
        loaded = load_network(write(tmp_path / "y", header, wide))
        assert loaded == wanted
        assert loaded.digest == wanted.digest


def test_a_file_cut_anywhere_is_a_network_error(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_network(chain(RNG), path)
    content = path.read_bytes()
    for end in [*range(0, 64), *range(64, len(content), 37), len(content) - 1]:
        path.write_bytes(content[:end])
        text = message(lambda: load_network(path), NetworkError)
        assert text.startswith(f"{path}: ")
        assert "cut short" in text


def test_a_changed_byte_anywhere_is_a_network_error_or_another_network(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    network = chain(RNG)
    save_network(network, path)
    content = bytearray(path.read_bytes())
    unchanged = 0
    for _ in range(1000):
        place = int(RNG.integers(len(content)))
        before, content[place] = content[place], int(RNG.integers(256))
        path.write_bytes(content)
        with suppress(NetworkError):
            unchanged += load_network(path) == network and content[place] != before
        content[place] = before
    assert unchanged <= 5  # the padding between header and arrays means nothing


def test_noise_of_any_length_is_a_network_error(tmp_path: Path) -> None:
    path = tmp_path / "noise"
    for size in range(200):
        path.write_bytes(RNG.bytes(size))
        message(lambda: load_network(path), NetworkError)
        path.write_bytes(raw(RNG.bytes(size)))
        message(lambda: load_network(path), NetworkError)


def edit(*keys: Any, value: Any) -> Callable[[Any, Any], None]:
    """A change of one place in the header; ``...`` as value removes it."""

    def change(header: Any, arrays: Any) -> None:
        for key in keys[:-1]:
            header = header[key]
        if value is ...:
            del header[keys[-1]]
        else:
            header[keys[-1]] = value

    return change


def array(name: str, value: Any) -> Callable[[Any, Any], None]:
    """A change of one array; None removes it."""

    def change(header: Any, arrays: Any) -> None:
        arrays.pop(name, None) if value is None else arrays.update({name: value})

    return change


NODES = ("network", "nodes")
BITS = np.zeros((2, 4), np.uint8)
DAMAGE: list[tuple[Callable[[Any, Any], None], str]] = [
    (
        edit("version", value=3),
        "format version 3; this subbit reads versions 1 to 2: export it again, or use a subbit of "
        "its age",
    ),
    (
        edit("version", value=True),
        "format version True; this subbit reads versions 1 to 2: export it again, or use a subbit "
        "of its age",
    ),
    (
        edit("version", value=...),
        "the header has no format version; export the network again",
    ),
    (edit("network", value=[]), "the header needs 'network' to be a JSON object"),
    (edit("metadata", value=...), "the header needs 'metadata' to be a JSON object"),
    (edit("extra", value=1), "the header holds 'extra', which the format does not know"),
    (edit("network", "name", value=3), "'network' needs 'name' to be a JSON string"),
    (
        edit("network", "name", value="Net"),
        "the network's name 'Net' must be 1 to 63 of a-z, 0-9, '_', '.', '-', starting with a "
        "letter or digit",
    ),
    (edit(*NODES, value={}), "'network' needs 'nodes' to be a JSON array"),
    (edit(*NODES, value=[3]), "a layer must be an object, not 3"),
    (edit(*NODES, value=[{}] * 4097), "a network has at most 4096 layers, not 4097"),
    (edit("network", "edges", value=1), "'network' holds 'edges', which the format does not know"),
    (edit("network", "input", "bits", value=...), "'input' needs 'bits' to be a JSON integer"),
    (
        edit("network", "input", "bits", value=9),
        "attribute 'bits' must be an integer in 1..8, not 9",
    ),
    (
        edit("network", "input", "encoding", value="integer"),
        "attribute 'encoding' must be one of unsigned, bipolar, not 'integer'",
    ),
    (
        edit("network", "input", "shape", value=[1, 4]),
        "the input's shape must be [height, width, channels], not [1, 4]",
    ),
    (
        edit("network", "input", "shape", value=[1, 1, 1 << 60]),
        "a tensor of shape (1, 1, 1152921504606846976) has more than 67108864 elements",
    ),
    (
        edit("network", "input", "shape", value=[1, 1, 5]),
        "layer 'fc' (linear): the weights (2, 4) want 4 inputs, not 5",
    ),
    (edit(*NODES, 0, "kind", value=...), "a layer needs 'kind' to be a JSON string"),
    (edit(*NODES, 0, "bias", value=1), "a layer holds 'bias', which the format does not know"),
    (
        edit(*NODES, 0, "kind", value="Conv3d"),
        "layer 'fc': unsupported layer 'Conv3d'; the nearest supported one is 'conv2d'",
    ),
    (edit(*NODES, 0, "inputs", value=[1]), "layer 'fc': its inputs must be names"),
    (
        edit(*NODES, 1, "inputs", value=["fd"]),
        "layer 'top' reads 'fd', which no layer before it makes",
    ),
    (
        edit(*NODES, 1, "name", value="fc"),
        "layer name 'fc' must be unique, not 'input', and 1 to 63 of a-z, 0-9, '_', starting with "
        "a letter",
    ),
    (
        edit(*NODES, 0, "attributes", "weights", value="ternary"),
        "layer 'fc': unknown weight encoding 'ternary'; known are binary, codebook, tiled, planes",
    ),
    (
        edit(*NODES, 0, "attributes", value={"weights": "tiled", "shape": [2, "4"]}),
        "layer 'fc': the array 'tile' is missing",
    ),
    (array("fc.bits", None), "layer 'fc': the array 'bits' is missing"),
    (array("fc.more", BITS), "layer 'fc': unknown parts: 'more'"),
    (array("fd.bits", BITS), "these arrays belong to no layer: fd.bits"),
    (array("top.bits", BITS), "layer 'top': unknown parts: 'bits'"),
    (array("bits", BITS), "these arrays belong to no layer: bits"),
    (array("fc.bits", BITS + 2), "layer 'fc': binary weights must hold only the bits 0 and 1"),
    (
        array("fc.bits", BITS.astype(np.float32)),
        "array 'fc.bits' holds float32; a network's parameters are integers",
    ),
    (
        array("fc.bits", np.full((2, 4), np.nan)),
        "array 'fc.bits' holds NaN or infinite numbers; train and export the network again",
    ),
    (
        array("fc.bits", np.full((2, 4), np.inf, np.float16)),
        "array 'fc.bits' holds NaN or infinite numbers; train and export the network again",
    ),
    (
        array("fc.bits", BITS.astype(bool)),
        "array 'fc.bits' holds BOOL; a network's parameters are integers",
    ),
    (
        array("fc.bits", np.zeros((0, 4), np.uint8)),
        "layer 'fc': every side of a layer's weights is an integer in 1..1048576, not so (0, 4)",
    ),
]


@pytest.mark.parametrize(("change", "text"), DAMAGE, ids=range(len(DAMAGE)))
def test_damaged_networks(
    tmp_path: Path, good: Any, change: Callable[[Any, Any], None], text: str
) -> None:
    header, arrays = good
    load_network(write(tmp_path / "net", header, arrays))
    change(header, arrays)
    path = write(tmp_path / "net", header, arrays)
    assert message(lambda: load_network(path), NetworkError) == f"{path}: {text}"


FOREIGN: list[tuple[bytes, str]] = [
    (b"", CUT),
    (b"PK\x03\x04 a zip archive", CUT),
    (b"\xff" * 64, CUT),
    (struct.pack("<Q", 5 << 20) + bytes(6 << 20), CUT),
    (raw("[]"), "not a safetensors file, or a damaged one (its header is no object)"),
    (
        raw("{}"),
        "a safetensors file, but not of a subbit network; export one with subbit.sw.nn.export",
    ),
    (
        raw('{"__metadata__":null}'),
        "a safetensors file, but not of a subbit network; export one with subbit.sw.nn.export",
    ),
    (
        raw('{"__metadata__":{"subbit":3}}'),
        "a safetensors file, but not of a subbit network; export one with subbit.sw.nn.export",
    ),
    (
        raw('{"a":1,"a":2}'),
        "not a safetensors file, or a damaged one ('a' occurs twice)",
    ),
    (raw("[" * 100000), "the header is nested too deeply; export it again"),
    (
        raw('{"__metadata__":{"subbit":"' + "[" * 100000 + '"}}'),
        "the header is nested too deeply; export it again",
    ),
    (
        raw('{"__metadata__":{"subbit":"nonsense"}}'),
        "the network's header is not JSON (Expecting value: line 1 column 1 (char 0)); "
        "export it again",
    ),
    (
        raw('{"__metadata__":{"subbit":"{\\"version\\":NaN}"}}'),
        "the network's header is not JSON (NaN is no number); export it again",
    ),
    (
        raw('{"__metadata__":{"subbit":"{\\"version\\":1,\\"version\\":1}"}}'),
        "the network's header is not JSON ('version' occurs twice); export it again",
    ),
    (
        raw('{"__metadata__":{"subbit":"[]"}}'),
        "the header has no format version; export the network again",
    ),
    (
        raw('{"__metadata__":{"subbit":""},"a":3}'),
        "not a safetensors file, or a damaged one (array 'a' has no place)",
    ),
    (
        raw('{"__metadata__":{"subbit":""},"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'),
        "array 'a' holds BF16; a network's parameters are integers",
    ),
    (
        raw('{"__metadata__":{"subbit":""},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}'),
        "cut short: 0 of 8 bytes of arrays are there; fetch it whole",
    ),
]
SUBTLE = [
    '"a":{"dtype":"U8","shape":[9223372036854775807,9],"data_offsets":[0,4]}',
    '"a":{"dtype":"U8","shape":[0,9223372036854775807],"data_offsets":[0,0]}',
    '"a":{"dtype":"U8","shape":[2],"data_offsets":[0,4]}',
    '"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}',
    '"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}',
    '"a":{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}',
    '"a":{"dtype":"U8","shape":[4],"data_offsets":[]}',
    '"a":{"dtype":["U8"],"shape":[4],"data_offsets":[0,4]}',
    '"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}',
    '"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},'
    '"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}',
]


@pytest.mark.parametrize(("content", "text"), FOREIGN, ids=range(len(FOREIGN)))
def test_foreign_files(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert message(lambda: load_network(path), NetworkError) == f"{path}: {text}"


@pytest.mark.parametrize("declared", SUBTLE)
def test_lying_declarations(tmp_path: Path, declared: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(raw('{"__metadata__":{"subbit":"{}"},' + declared + "}", bytes(4)))
    assert str(path) in message(lambda: load_network(path), NetworkError)


def test_places_that_hold_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing, fifo = tmp_path / "missing", tmp_path / "fifo"
    os.mkfifo(fifo)
    assert message(lambda: load_network(missing), NetworkError) == (
        f"{missing}: cannot read the file (No such file or directory); check the path"
    )
    for place in (tmp_path, fifo):
        assert message(partial(load_network, place), NetworkError) == (
            f"{place}: not a file; name a .safetensors network"
        )
    monkeypatch.setattr(file_module, "MAX_FILE_BYTES", 10)
    (tmp_path / "large").write_bytes(bytes(11))
    assert message(lambda: load_network(tmp_path / "large"), NetworkError) == (
        f"{tmp_path}/large: the file has 11 bytes; a network has at most 10 there"
    )


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
