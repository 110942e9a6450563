"""What moves whole channels, rows and columns: refusals, and rows of descriptions."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.golden import predict
from subbit.sw.importers.api import check_import, import_file
from subbit.sw.ir import Affine, Network, TensorType
from tests.sw.importers.onnx_graphs import GraphMaker
from tests.sw.importers.operator_graphs import signs
from tests.sw.samples import message

Draw = np.random.Generator
Build = Callable[[GraphMaker, Draw], str]


def moved(kind: str, *given: Any, outputs: int = 1, **attributes: Any) -> Build:
    """An operator that moves channels, of a map of codes."""

    def build(g: GraphMaker, draw: Draw) -> str:
        constants = [g.const(x, type_) for x, type_ in given]
        x = g.node(kind, g.quant("x", 0.125, 3, signed=0), *constants, **attributes)
        g.nodes[-1].output.extend(f"more{n}" for n in range(1, outputs))
        return x

    return build


WHOLE, REAL = np.int64, np.float32
MOVED: dict[str, tuple[Build, str]] = {
    "rows": (
        moved("Slice", ([0], WHOLE), ([2], WHOLE), ([2], WHOLE)),
        "it takes parts of axis 2 of",
    ),
    "nothing": (moved("Slice", ([2], WHOLE), ([2], WHOLE), ([1], WHOLE)), "it selects nothing"),
    "a matrix of places": (moved("Gather", ([[0, 1]], WHOLE), axis=1), "no constant vector"),
    "uneven parts": (
        moved("Split", ([1, 9], WHOLE), axis=1, outputs=2),
        "it splits",
    ),
    "by a half": (moved("Resize", ([], REAL), ([1, 1, 1.5, 2], REAL)), "by 1.5; resize by a whole"),
    "of channels": (moved("Resize", ([], REAL), ([1, 2, 2, 2], REAL)), "it resizes other sides"),
    "linear": (
        moved("Resize", ([], REAL), ([1, 1, 2, 2], REAL), mode="linear"),
        "its mode is 'linear'",
    ),
    "corners": (
        moved(
            *("Resize", ([], REAL), ([1, 1, 2, 2], REAL)),
            coordinate_transformation_mode="align_corners",
            nearest_mode="floor",
        ),
        "by align_corners coordinates its blocks are not all 2 wide",
    ),
    "rounded down": (
        moved("Resize", ([], REAL), ([1, 1, 4, 4], REAL), nearest_mode="floor"),
        "by half_pixel coordinates its blocks are not all 4 wide",
    ),
}


@pytest.mark.parametrize("name", MOVED)
def test_what_moves_no_whole_channels_is_refused(name: str, tmp_path: Path) -> None:
    build, text = MOVED[name]
    g = GraphMaker(1, 1, 8, 8)
    path = g.save(build(g, np.random.default_rng(1)), tmp_path / "net.onnx")
    assert text in message(lambda: import_file(path), NetworkError)


def described(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and a description with a row of each kind that moves elements."""
    chance = np.random.default_rng(4)
    arrays = {
        "w1": chance.choice([-1, 1], (4, 2, 3, 3)),
        "t1": np.sort(chance.integers(-9, 9, (4, 3)), axis=1),
        "places": np.array([3, 1, 1]),
        "w2": chance.choice([-1, 1], (5, 7, 1, 1)),
    }
    rows: list[dict[str, Any]] = [
        {"kind": "conv2d", "name": "conv", "weights": "w1", "padding": "zero"},
        {"kind": "threshold", "name": "act", "thresholds": "t1"},
        {"kind": "select", "name": "some", "channels": "places"},
        {"kind": "concat", "name": "both", "inputs": ["act", "some"]},
        {"kind": "pad", "name": "edge", "above": 1, "right": 2, "value": -3},
        {"kind": "upsample", "name": "large", "rows": 2, "columns": 1},
        {"kind": "conv2d", "name": "last", "weights": "w2"},
        {"kind": "globalavgpool", "name": "sum"},
        {"kind": "argmax"},
    ]
    for row in rows:
        row.update(changes.get(row.get("name", ""), {}))
    metadata = {"dataset": {"name": "folder", "preprocess": {"bits": 4, "shift": 4}}}
    entry = {"shape": [4, 5, 2], "bits": 4}
    return arrays, {"name": "moved", "input": entry, "layers": rows, "metadata": metadata}


def imported(folder: Path, arrays: dict[str, Any], description: dict[str, Any]) -> Any:
    """The import of both from files."""
    np.savez(folder / "net.npz", **arrays)
    (folder / "net.json").write_text(json.dumps(description))
    return import_file(folder / "net.npz", description=folder / "net.json")


@pytest.mark.parametrize("of_pixels", [False, True])
def test_described_rows_agree(of_pixels: bool, tmp_path: Path) -> None:
    arrays, description = described()
    if of_pixels:
        del description["layers"][-2]
    result = imported(tmp_path, arrays, description)
    assert (result.network.output_type.elements > 1) == of_pixels
    agreement = check_import(result, images=20)["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)


def test_vectors_of_maps_flattened_channels_first_agree(tmp_path: Path) -> None:
    arrays, description = described()
    arrays["w2"] = np.random.default_rng(5).choice([-1, 1], (5, 2 * 4 * 4 * 5))
    order = {"kind": "flatten", "order": "channels-first", "inputs": ["act"]}
    description["layers"][2:] = [
        order | {"name": "one"},
        order | {"name": "other", "order": "channels-last"},
        {"kind": "concat", "name": "both", "inputs": ["one", "other"]},
        {"kind": "linear", "weights": "w2"},
        {"kind": "argmax"},
    ]
    arrays.pop("places")
    agreement = check_import(imported(tmp_path, arrays, description), images=20)["agreement"]
    assert agreement["first_difference"] is None
    assert (agreement["classes_apart"], agreement["elements"] > 0) == (0, True)
    description["layers"][4:] = [{"kind": "upsample", "name": "up"}, {"kind": "globalavgpool"}]
    arrays.pop("w2")
    description["layers"][4]["inputs"] = ["one"]
    said = message(lambda: imported(tmp_path, arrays, description), NetworkError)
    assert "'up': it reads what was flattened channels first; flatten channels-last" in said


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"both": {"inputs": ["act"]}}, "it reads act, of which not all are there"),
        ({"large": {"rows": 9}}, "upsampling is by 1 to 8, not 9"),
        ({"edge": {"above": -1}}, "a border is 0 to 4096 wide, not -1"),
    ],
)
def test_described_rows_that_do_not_fit(changes: dict[str, Any], text: str, tmp_path: Path) -> None:
    arrays, description = described(**changes)
    assert text in message(lambda: imported(tmp_path, arrays, description), NetworkError)


def classes_of_pixels(g: GraphMaker, last: bool, **attributes: Any) -> str:
    """The class of each pixel of a map, behind a convolution with biases."""
    draw = np.random.default_rng(6)
    x = g.quant("x", 0.25, 2, signed=0)
    x = g.node("Conv", x, g.const(signs(draw, 4, 1, 3, 3)), g.const([0.5, 0.0, -1.0, 2.0]))
    x = g.node("Transpose", x, perm=[0, 2, 3, 1]) if last else x
    return g.node("ArgMax", x, axis=3 if last else 1, **attributes)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_a_class_for_each_pixel_agrees(last: bool, keepdims: int, tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    path = g.save(classes_of_pixels(g, last, keepdims=keepdims), tmp_path / "net.onnx")
    result = import_file(path)
    agreement = check_import(result)["agreement"]
    assert (agreement["agrees"], agreement["output"]) == (True, "class")
    assert result.network.output_type == TensorType.integers(6, 6, 1, 0, 3)
    codes = np.random.default_rng(1).integers(0, 4, (3, 8, 8, 1))
    found = predict(result.network, codes)
    assert (found.classes.shape, found.logits.shape) == ((3, 6, 6), (3, 6, 6, 4))
    np.testing.assert_array_equal(found.classes, found.logits.argmax(axis=3))


def test_a_wrong_class_of_a_pixel_is_found(tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    result = import_file(g.save(classes_of_pixels(g, False), tmp_path / "net.onnx"))
    nodes = list(result.network.nodes)
    (at,) = (k for k, node in enumerate(nodes) if isinstance(node.layer, Affine))
    affine = nodes[at].layer
    assert isinstance(affine, Affine)
    turned = Affine(affine.scale, affine.offset[::-1])
    nodes[at] = replace(nodes[at], layer=turned)
    network = Network("wrong", result.network.input_type, tuple(nodes), result.network.metadata)
    agreement = check_import(replace(result, network=network), images=5)["agreement"]
    assert agreement["classes_apart"] > 5
    assert agreement["first_class_apart"] == 0


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (lambda g, x: g.node("Transpose", x, perm=[0, 1, 3, 2]), "it turns a map of classes"),
        (lambda g, x: g.node("Relu", x), "another node reads its result"),
    ],
)
def test_what_follows_classes_of_pixels(more: Any, text: str, tmp_path: Path) -> None:
    g = GraphMaker(1, 1, 8, 8)
    path = g.save(more(g, classes_of_pixels(g, False)), tmp_path / "net.onnx")
    assert text in message(lambda: import_file(path), NetworkError)
