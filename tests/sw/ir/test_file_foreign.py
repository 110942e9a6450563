"""Files that hold no network: each is refused in one line."""

import os
import struct
from functools import partial
from pathlib import Path

import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.ir import file as file_module
from subbit.sw.ir import load_network
from tests.sw.network_files import CUT, raw
from tests.sw.samples import message

FOREIGN: list[tuple[bytes, str]] = [
    (b"", CUT),
    (b"PK\x03\x04 a zip archive", CUT),
    (b"\xff" * 64, CUT),
    (struct.pack("<Q", 5 << 20) + bytes(6 << 20), CUT),
    (raw("[]"), "not a safetensors file, or a damaged one (its header is no object)"),
    (
        raw("{}"),
        "a safetensors file, but not of a subbit network; export one with subbit.export",
    ),
    (
        raw('{"__metadata__":null}'),
        "a safetensors file, but not of a subbit network; export one with subbit.export",
    ),
    (
        raw('{"__metadata__":{"subbit":3}}'),
        "a safetensors file, but not of a subbit network; export one with subbit.export",
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
