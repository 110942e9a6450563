"""Integers of foreign files: each is checked before it is converted, and names are unique."""

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from subbit.sw.errors import NetworkError
from subbit.sw.importers.arrays.described import build_described
from subbit.sw.importers.arrays.npz import read_npz
from subbit.sw.importers.arrays.rows import read_arrays
from subbit.sw.importers.papers.state import read_state
from subbit.sw.ir import load_network
from tests.sw.network_files import raw, sound, write
from tests.sw.samples import message

TOP = np.array([1, (1 << 63) - 1], np.uint64)
ARRAYS: dict[str, tuple[np.ndarray, str]] = {
    "just too large": (np.array([1, 1 << 63], np.uint64), "holds 9223372036854775808, which is"),
    "largest": (np.array([(1 << 64) - 1], np.uint64), "holds 18446744073709551615, which is more"),
    "floats": (np.ones(3), "holds float64, not integers"),
}
ONLY_NPZ = {
    "complex": (np.ones(3, complex), "holds complex128, not integers"),
    "times": (np.array([3], "<m8[s]"), "holds timedelta64[s], not integers"),
    "bits": (np.ones(3, bool), "holds bool, not integers"),
    "records": (np.zeros(2, [("a", "<i4")]), "not integers"),
    "texts": (np.array(["a"]), "holds <U1, not integers"),
}


def npz(folder: Path, *entries: tuple[str, bytes]) -> Path:
    """An archive of these files; a name may occur twice."""
    path = folder / "net.npz"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in entries:
                archive.writestr(name, content)
    return path


def npy(array: np.ndarray) -> bytes:
    """The array as the content of an .npy file."""
    target = io.BytesIO()
    np.save(target, array)
    return target.getvalue()


@pytest.mark.parametrize("name", [*ARRAYS, *ONLY_NPZ])
def test_arrays_that_are_no_64_bit_integers(name: str, tmp_path: Path) -> None:
    array, expected = (ARRAYS | ONLY_NPZ)[name]
    text = message(lambda: read_npz(npz(tmp_path, ("w.npy", npy(array)))), NetworkError)
    assert "the array 'w.npy' " in text
    assert expected in text
    if name in ARRAYS:
        path = tmp_path / "net.safetensors"
        path.write_bytes(save({"w": array}))
        assert expected in message(lambda: read_arrays(path), NetworkError)


def test_the_greatest_integer_is_read(tmp_path: Path) -> None:
    assert read_npz(npz(tmp_path, ("w.npy", npy(TOP))))["w"].tolist() == TOP.tolist()
    for kind in ("i1", ">i2", "<u4", ">u8", "<i8"):
        found = read_npz(npz(tmp_path, ("w.npy", npy(np.array([3, 100], kind)))))["w"]
        assert (found.dtype, found.tolist()) == (np.int64, [3, 100])


@pytest.mark.parametrize("names", [("a.npy", "a.npy"), ("a.npy", "a"), ("a", "a.npy")])
def test_two_arrays_of_one_name_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    path = npz(tmp_path, *((name, npy(np.arange(n + 1))) for n, name in enumerate(names)))
    text = message(lambda: read_npz(path), NetworkError)
    assert "it holds two arrays of the name 'a'" in text


@pytest.mark.parametrize("shape", [(-1, -4), (-2, -2), (2, -2), (1 << 62, 1 << 62), (True, 4)])
def test_shapes_that_no_array_has(shape: tuple[int, ...], tmp_path: Path) -> None:
    header = f"{{'descr': '<i1', 'fortran_order': False, 'shape': {shape}, }}"
    text = header.ljust(117).encode() + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(4)
    path = npz(tmp_path, ("a.npy", content))
    assert "cut short or too long for its shape" in message(lambda: read_npz(path), NetworkError)


def test_a_name_twice_in_safetensors_is_refused(tmp_path: Path) -> None:
    row = '{"dtype":"I8","shape":[1],"data_offsets":[%d,%d]}'
    header = f'{{"a":{row % (0, 1)},"a":{row % (1, 2)}}}'
    for suffix, read in ((".safetensors", read_arrays), (".safetensors", read_state)):
        path = tmp_path / f"net{suffix}"
        path.write_bytes(raw(header, bytes(2)))
        assert "'a' occurs twice" in message(lambda f=read, p=path: f(p), NetworkError)


def test_state_dicts_in_which_names_meet_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"a": torch.ones(1), "module.a": torch.zeros(1)}, path)
    assert "two tensors of the name 'a'" in message(lambda: read_state(path), NetworkError)


@pytest.mark.parametrize("value", [1 << 63, (1 << 64) - 1])
def test_network_files_do_not_wrap(value: int, tmp_path: Path) -> None:
    header, arrays = sound()
    arrays["fc.bits"] = np.full((2, 4), value, np.uint64)
    path = write(tmp_path / "net", header, arrays)
    assert "only the bits 0 and 1" in message(lambda: load_network(path), NetworkError)


def test_a_checksum_is_verified(tmp_path: Path) -> None:
    header, arrays = sound()
    for said in ("0" * 64, True, 3, [], "[/]" * 999):
        path = write(tmp_path / "net", header | {"checksum": said}, arrays)
        text = message(lambda p=path: load_network(p), NetworkError)
        assert "its arrays are not those of its checksum" in text
        assert len(text) < 300
    assert load_network(write(tmp_path / "net", header, arrays)).name == "net"


LINEAR = {"kind": "linear", "weights": "w"}
STEP = {"kind": "threshold", "thresholds": "t"}
ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "nested inputs": ({"layers": [LINEAR | {"inputs": [["input"]]}]}, "which not all are there"),
    "deeper": ({"layers": [LINEAR | {"inputs": [[["input"], {}]]}]}, "which not all are there"),
    "objects": ({"layers": [LINEAR | {"inputs": [{"a": 1}]}]}, "which not all are there"),
    "kind": ({"layers": [{"kind": ["linear"]}]}, "'kind' must be one of"),
    "row": ({"layers": [[LINEAR]]}, "layer 0 of the description must be an object"),
    "weights": ({"layers": [LINEAR | {"weights": ["w"]}]}, "'weights' must be a JSON string"),
    "true": ({"input": {"shape": [1, 1, True]}}, "the input's shape is [height, width, channels]"),
    "stride": (
        {"layers": [{"kind": "avgpool2d", "kernel": True}]},
        "'kernel' is 1 to 1024, or two such numbers for height and width, not True",
    ),
    "bits": ({"layers": [LINEAR | {"bits": 99}]}, "'bits' must lie in 1..9, not 99"),
    "offset": ({"input": {"shape": [1, 1, 2], "offset": 10**40}}, "'offset' must lie in"),
    "late offset": ({"layers": [LINEAR, STEP | {"offset": -(1 << 70)}]}, "'offset' must lie in"),
    "falling": (
        {"layers": [LINEAR, STEP | {"falling": "f"}]},
        "'falling' must hold 1 numbers, each 0 or 1",
    ),
    "two names": (
        {"layers": [LINEAR | {"name": "a"}, LINEAR | {"name": "a"}]},
        "layer 'a': two layers have this name",
    ),
    "least": ({"layers": [{"kind": "linear", "weights": "least"}]}, "least must lie in"),
    "long": ({"layers": [LINEAR | {"weights": "x" * 9999}]}, "the array xxx"),
}


@pytest.mark.parametrize("name", ROWS)
def test_descriptions_that_wrap_or_nest(name: str) -> None:
    change, expected = ROWS[name]
    arrays = {
        "w": np.ones((1, 2), np.int64),
        "t": np.zeros(1, np.int64),
        "f": np.array([7]),
        "least": np.full((1, 2), -(1 << 63)),
    }
    description = json.loads(json.dumps({"input": {"shape": [1, 1, 2]}, "layers": [LINEAR]}))
    text = message(lambda: build_described(arrays, description | change), NetworkError)
    assert expected in text
    assert len(text) < 500
