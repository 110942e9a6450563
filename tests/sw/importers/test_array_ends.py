"""The argmax at the end of a description: behind codes, offsets and flattened maps."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.importers.api import import_file, import_network
from subbit.sw.ir import Network
from tests.sw.samples import message

Row = dict[str, Any]
METADATA = {"dataset": {"name": "folder", "preprocess": {"bits": 8, "shift": 0}}}
DRAW = np.random.default_rng(1)
ARRAYS = {
    "w": DRAW.integers(-3, 4, (5, 8)),
    "t": np.sort(DRAW.integers(-900, 900, (5, 3)), axis=1),
    "k": DRAW.choice([-1, 1], (3, 1, 3, 3)),
}


def files(tmp_path: Path, shape: list[int], layers: list[Row], offset: int = 0) -> dict[str, Path]:
    """Arrays and a description of layers that end in an argmax."""
    names = {row[key] for row in layers for key in ("weights", "thresholds") if key in row}
    np.savez(tmp_path / "a.npz", **{name: ARRAYS[name] for name in names})
    entry = {"shape": shape, "bits": 8, "encoding": "unsigned", "offset": offset}
    text = {"name": "n", "input": entry, "layers": [*layers, {"kind": "argmax", "name": "top"}]}
    path = tmp_path / "d.json"
    path.write_text(json.dumps({**text, "metadata": METADATA}))
    return {"path": tmp_path / "a.npz", "description": path}


LINEAR: Row = {"kind": "linear", "weights": "w"}
CODES: Row = {"kind": "threshold", "thresholds": "t", "offset": 2}
CASES: dict[str, tuple[list[Row], int, list[str]]] = {
    "sums": ([LINEAR], 0, ["linear", "argmax"]),
    "sums of shifted pixels": ([LINEAR], -100, ["linear", "affine", "argmax"]),
    "codes": ([LINEAR, CODES], 0, ["linear", "threshold", "globalavgpool", "argmax"]),
    "unsigned codes": (
        [LINEAR, {**CODES, "encoding": "unsigned"}],
        -100,
        ["linear", "threshold", "globalavgpool", "argmax"],
    ),
}


def kinds(network: Network) -> list[str]:
    """The kinds of its layers."""
    return [node.layer.kind for node in network.nodes]


@pytest.mark.parametrize("name", CASES)
def test_a_class_is_picked(name: str, tmp_path: Path) -> None:
    layers, offset, expected = CASES[name]
    done = import_network(**files(tmp_path, [1, 1, 8], layers, offset), images=200)
    agreement = done.report["agreement"]
    assert kinds(done.network) == expected
    assert (agreement["output"], agreement["agrees"]) == ("class", True)
    assert agreement["elements"] >= 200 * (5 * len(layers) + 1)


def test_the_places_of_a_map_are_those_of_the_source(tmp_path: Path) -> None:
    conv: Row = {"kind": "conv2d", "weights": "k"}
    first = files(tmp_path, [4, 4, 1], [conv, {"kind": "flatten"}])
    assert message(lambda: import_file(**first), NetworkError).endswith(
        "layer 'top': it counts the places of a map channels first; flatten it channels-last"
    )
    last = files(tmp_path, [4, 4, 1], [conv, {"kind": "flatten", "order": "channels-last"}])
    assert import_network(**last, images=50).report["agreement"]["agrees"]


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    given = files(tmp_path, [1, 1, 8], [{**LINEAR, "name": "top_offset"}], -100)
    assert "a layer is named top_offset; name it otherwise" in message(
        lambda: import_file(**given), NetworkError
    )
