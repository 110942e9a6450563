"""Network files that were damaged: one clear error for everything that is wrong with them."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.ir import load_network, save_network
from tests.sw.network_files import raw, sound, write
from tests.sw.samples import chain, message

RNG = np.random.default_rng(14)


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
        edit("version", value=5),
        "format version 5; this subbit reads versions 1 to 4: export it again, or use a subbit of "
        "its age",
    ),
    (
        edit("version", value=True),
        "format version True; this subbit reads versions 1 to 4: export it again, or use a subbit "
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
def test_damaged_networks(tmp_path: Path, change: Callable[[Any, Any], None], text: str) -> None:
    header, arrays = sound()
    load_network(write(tmp_path / "net", header, arrays))
    change(header, arrays)
    path = write(tmp_path / "net", header, arrays)
    assert message(lambda: load_network(path), NetworkError) == f"{path}: {text}"
