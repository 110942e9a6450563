"""Integer arrays by a description: every layer against the description's own formulas."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from subbit.sw.cli import app
from subbit.sw.errors import NetworkError
from subbit.sw.golden import evaluate
from subbit.sw.importers.api import check_import, import_file
from subbit.sw.importers.arrays.described import build_described
from subbit.sw.importers.arrays.formulas import evaluate_description
from subbit.sw.ir import load_network
from subbit.sw.models.cnv import describe_cnv
from tests.paths import DOCS
from tests.sw.bench.test_cnv import parameters
from tests.sw.samples import message

Arrays = dict[str, NDArray[Any]]
Row = dict[str, Any]


def residual(draw: np.random.Generator) -> tuple[Arrays, Row]:
    """Few bits, padding, a depthwise layer, a shortcut, sums, a flattened map, an affine end."""
    arrays = {
        "a": draw.integers(-3, 4, (4, 2, 3, 3)),
        "at": np.sort(draw.integers(-400, 400, (4, 3)), axis=1),
        "d": draw.integers(-7, 8, (4, 1, 3, 3)),
        "dt": np.sort(draw.integers(-20, 40, (4, 2)), axis=1),
        "df": np.array([0, 1, 0, 1]),
        "st": np.sort(draw.integers(-6, 20, (4, 15)), axis=1),
        "f": draw.integers(-1, 2, (5, 16)),
        "s": draw.integers(1, 9, 5),
        "o": draw.integers(-30, 30, 5),
    }
    layers: list[Row] = [
        {"kind": "conv2d", "weights": "a", "padding": "zero"},
        {"kind": "threshold", "name": "x", "thresholds": "at", "encoding": "unsigned"},
        {"kind": "depthwiseconv2d", "weights": "d", "padding": "zero"},
        {"kind": "threshold", "thresholds": "dt", "falling": "df", "above": False, "offset": 1},
        {"kind": "add", "name": "join", "inputs": ["x", "threshold3"]},
        {"kind": "threshold", "thresholds": "st", "number": "2*dot"},
        {"kind": "maxpool2d"},
        {"kind": "avgpool2d", "kernel": 2, "stride": 1},
        {"kind": "threshold", "thresholds": "st2", "encoding": "unsigned", "offset": -3},
        {"kind": "flatten"},
        {"kind": "linear", "weights": "f"},
        {"kind": "affine", "scale": "s", "offset": "o"},
        {"kind": "argmax"},
    ]
    arrays["st2"] = np.sort(draw.integers(-30, 30, (4, 7)), axis=1)
    arrays["f"] = draw.integers(-1, 2, (5, 36))
    return arrays, {
        "name": "few-bits",
        "input": {"shape": [8, 8, 2], "bits": 4},
        "layers": layers,
        "metadata": {"classes": list("abcde")},
    }


def written(tmp_path: Path, arrays: Arrays, row: Row, suffix: str = ".npz") -> tuple[Path, Path]:
    """Both in files."""
    path, description = tmp_path / f"net{suffix}", tmp_path / "net.json"
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        save_file({k: np.ascontiguousarray(a.astype(np.int16)) for k, a in arrays.items()}, path)
    description.write_text(json.dumps(row))
    return path, description


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_layer_agrees(seed: int, suffix: str, tmp_path: Path) -> None:
    path, row = written(tmp_path, *residual(np.random.default_rng(seed)), suffix)
    result = import_file(path, description=row)
    agreement = check_import(result, images=30)["agreement"]
    assert agreement["first_difference"] is None
    assert agreement["classes_apart"] == 0
    assert len(result.marks) == 13
    assert result.network.metadata["dataset"]["preprocess"] == {"bits": 4, "shift": 4}


def test_a_difference_is_named(tmp_path: Path) -> None:
    arrays, row = residual(np.random.default_rng(1))
    result = import_file(*written(tmp_path, arrays, row)[:1], description=tmp_path / "net.json")
    run, _ = result.source(5)

    def wrong(batch: int) -> Any:
        """The source with one number changed, in image 2."""

        def changed(images: NDArray[np.uint8]) -> Any:
            tensors = run(images)
            tensors["join"] = tensors["join"].copy()
            tensors["join"][2, 1, 3, 0] += 1
            return tensors

        return changed, batch

    object.__setattr__(result, "source", wrong)
    summary = check_import(result, images=5)["agreement"]
    assert summary["elements_apart"] == 1
    first = summary["first_difference"]
    assert (first["layer"], first["image"], first["place"]) == ("join", 2, [1 * 8 * 4 + 3 * 4])
    assert first["source"] == first["network"] + 1


def test_binary_sums_of_a_bipolar_input() -> None:
    row: Row = {
        "input": {"shape": [1, 1, 6], "bits": 2, "encoding": "bipolar"},
        "layers": [
            {"kind": "linear", "weights": "w", "bits": 1},
            {"kind": "threshold", "thresholds": "t", "number": "matches"},
        ],
    }
    draw = np.random.default_rng(4)
    arrays = {"w": draw.choice([-1, 1], (3, 6)), "t": np.array([2, 3, 4])}
    network = build_described(arrays, row)
    codes = draw.integers(0, 4, (50, 1, 1, 6))
    ours = evaluate(network, codes)["threshold1"].numpy()
    theirs = evaluate_description(arrays, row, codes)["threshold1"]
    assert (2 * ours.reshape(50, 3) - 1 == theirs).all()
    assert 0 < ours.sum() < ours.size


def test_the_command_takes_cnv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    description = {**describe_cnv(), "name": "ignored"}
    path, row = written(tmp_path, parameters(), description)
    arguments = ["import", str(path), "--description", str(row), "--name", "small"]
    out = tmp_path / "out.safetensors"
    assert app.run([*arguments, "--images", "2", "-o", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["agreement"]["elements_apart"] == 0
    assert load_network(out).name == "small"


def test_the_description_of_cnv_is_on_the_pages() -> None:
    page = DOCS / "use" / "cnv-w1a1.json"
    assert json.loads(page.read_text()) == describe_cnv()


BAD: dict[str, tuple[Row, str]] = {
    "unknown kind": ({"kind": "conv3d"}, "layer 0: 'kind' must be one of conv2d,"),
    "no array": ({"kind": "linear"}, "layer 'linear0': 'weights' must be a JSON string"),
    "missing array": ({"kind": "linear", "weights": "z"}, "the array z is missing"),
    "unknown key": (
        {"kind": "linear", "weights": "w", "pad": 1},
        "layer 'linear0': unknown 'pad'",
    ),
    "not binary": ({"kind": "linear", "weights": "w", "bits": 1}, "w must hold -1 and +1 alone"),
    "too many bits": ({"kind": "linear", "weights": "big"}, "too many bits; use weights of 1 to 8"),
    "no such input": (
        {"kind": "linear", "weights": "w", "inputs": ["y"]},
        "it reads y, of which not all are there",
    ),
    "padding with no code": (
        {"kind": "conv2d", "weights": "k", "padding": "zero"},
        "zeros around its input are no codes of it",
    ),
    "thresholds of pixels": (
        {"kind": "threshold", "thresholds": "t"},
        "a threshold takes integers",
    ),
    "wrong count": (
        {"kind": "threshold", "thresholds": "t3"},
        "input has 4 outputs but 3 thresholds (t3)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_descriptions(name: str) -> None:
    row, expected = BAD[name]
    arrays = {
        "w": np.array([[0, 1, 2, 3]]),
        "big": np.array([[0, 300, 7, 1]]),
        "k": np.ones((1, 4, 3, 3), np.int64),
        "t": np.zeros(4, np.int64),
        "t3": np.zeros(3, np.int64),
    }
    description = {"input": {"shape": [1, 1, 4], "offset": 1}, "layers": [row]}
    assert expected in message(lambda: build_described(arrays, description), NetworkError)


def test_unused_arrays_are_refused() -> None:
    description = {
        "input": {"shape": [1, 1, 2]},
        "layers": [{"kind": "linear", "weights": "w"}],
    }
    arrays = {"w": np.ones((1, 2), np.int64), "v": np.ones(1, np.int64)}
    assert message(lambda: build_described(arrays, description), NetworkError) == "unknown arrays v"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "no safetensors file, or a damaged one"),
        (pickle.dumps({"w": 1}), "no safetensors file, or a damaged one"),
        (b"\xff" * 64, "no safetensors file, or a damaged one"),
    ],
)
def test_bad_array_files(content: bytes, expected: str, tmp_path: Path) -> None:
    path, row = written(tmp_path, *residual(np.random.default_rng(1)), ".safetensors")
    path.write_bytes(content)
    assert expected in message(lambda: import_file(path, description=row), NetworkError)


def test_real_arrays_and_bad_json_are_refused(tmp_path: Path) -> None:
    path, row = written(tmp_path, *residual(np.random.default_rng(1)), ".safetensors")
    save_file({"w": np.ones(3, np.float32)}, path)
    text = message(lambda: import_file(path, description=row), NetworkError)
    assert "the array 'w' holds float32, not integers" in text
    written(tmp_path, *residual(np.random.default_rng(1)), ".safetensors")
    for bad in ("{", "[1]", '{"a": NaN}', "[" * 100_000):
        row.write_text(bad)
        assert str(row) in message(lambda: import_file(path, description=row), NetworkError)
    assert "say what they are with --description" in message(
        lambda: import_file(path), NetworkError
    )
