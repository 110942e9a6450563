"""Rows of descriptions that bring integers to another scale."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subbit.sw.errors import NetworkError
from subbit.sw.importers.api import import_network

DRAW = np.random.default_rng(1)
ARRAYS = {
    "w": DRAW.integers(-3, 4, (5, 8)),
    "one": DRAW.integers(-900, 900, 5),
    "two": DRAW.integers(-900, 900, (5, 2)),
    "bases": DRAW.integers(-900, 900, (5, 2)),
    "base": DRAW.integers(-900, 900, 5),
    "knee": DRAW.integers(-99, 99, 5),
    "few": np.ones(4, np.int64),
}
SCALED: dict[str, Any] = {"kind": "requantise", "shift": 7, "low": -100, "high": 127}
BENT = {**SCALED, "scale": "two", "offset": "bases", "knee": "knee"}


def files(folder: Path, row: dict[str, Any]) -> dict[str, Path]:
    """Arrays, and a description of a linear layer and that row."""
    names = {"w", *(row[key] for key in ("scale", "offset", "knee") if key in row)}
    np.savez(folder / "a.npz", **{name: ARRAYS[name] for name in names})
    layers = [{"kind": "linear", "weights": "w"}, {**row, "name": "last"}, {"kind": "argmax"}]
    entry = {"shape": [1, 1, 8], "bits": 8, "encoding": "unsigned"}
    metadata = {"dataset": {"name": "folder", "preprocess": {"bits": 8, "shift": 0}}}
    text = {"name": "n", "input": entry, "layers": layers, "metadata": metadata}
    (folder / "d.json").write_text(json.dumps(text))
    return {"path": folder / "a.npz", "description": folder / "d.json"}


@pytest.mark.parametrize("row", [{**SCALED, "scale": "one", "offset": "base"}, BENT])
def test_the_network_agrees_with_the_formula(tmp_path: Path, row: dict[str, Any]) -> None:
    found = import_network(**files(tmp_path, row), images=50)
    assert found.report["agreement"]["agrees"]
    assert found.report["agreement"]["elements"] >= 500
    kind = found.network.types["last"]
    assert (kind.low, kind.high) == (-100, 127)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"scale": "few"}, "do not have a row for each of 5 channels"),
        ({"scale": "one"}, "do not have a row for each of 5 channels"),
        ({"shift": 50}, "shift must be an integer in 0..46"),
        ({"low": "a"}, "'low' must be a JSON integer"),
    ],
)
def test_what_it_refuses(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    with pytest.raises(NetworkError, match=text):
        import_network(**files(tmp_path, {**BENT, **change}))
