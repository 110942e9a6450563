"""Every fault of a data set has a message of its own, before anything is trained."""

from pathlib import Path
from typing import Any

import pytest

from subbit.sw.data import DataOptions, prepare
from subbit.sw.data.described import load_described
from subbit.sw.data.description import Description
from subbit.sw.errors import DataError
from tests.sw.data.data_files import make_csv, make_pictures
from tests.sw.data.faults import FAULTS, X, Y
from tests.sw.samples import message


@pytest.mark.parametrize("name", [*FAULTS])
def test_a_fault_has_its_message(name: str, tmp_path: Path) -> None:
    make, wanted = FAULTS[name]
    path = make(tmp_path) or tmp_path
    found = message(lambda: prepare(path), DataError)
    assert wanted in found
    assert str(tmp_path) in found
    assert len(found) < 500 + len(str(tmp_path)) * 2


def test_no_two_faults_have_one_message(tmp_path: Path) -> None:
    wanted = [text for _, text in FAULTS.values()]
    assert len({*wanted}) == len(wanted) > 60


def test_folders_in_the_folder_of_a_class(tmp_path: Path) -> None:
    make_pictures(tmp_path, 2)
    (tmp_path / "red" / "dark").mkdir()
    (tmp_path / "red" / "0.png").rename(tmp_path / "red" / "dark" / "0.png")
    found = message(lambda: prepare(tmp_path), DataError)
    assert (
        "holds further folders of pictures, such as 'dark': are they classes of their own?" in found
    )


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"test": 0.0}, "the share of the test set must be 0.001 to 0.9, not 0.0"),
        ({"test": 1.0}, "the share of the test set must be 0.001 to 0.9, not 1.0"),
        ({"seed": -1}, "the seed of the split must be 0 to 4294967295, not -1"),
        ({"bits": 9}, "the bits of an input code must be 1 to 8, not 9"),
        ({"levels": 65}, "the levels of a thermometer code must be 1 to 64, not 65"),
        ({"size": (0, 5)}, "the height of pictures must be 1 to 1024, not 0"),
        ({"size": (5, 2000)}, "the width of pictures must be 1 to 1024, not 2000"),
        ({"bits": 2, "levels": 2}, "say the bits of an input code or the levels"),
    ],
)
def test_options_beyond_their_range(options: dict[str, Any], wanted: str) -> None:
    assert wanted in message(lambda: DataOptions(**options), DataError)


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    path = make_csv(tmp_path / "data")
    found = message(lambda: prepare(path, options=DataOptions(label="sort")), DataError)
    assert found == f"{path} has no column 'sort'; it has length, shape, kind"
    found = message(lambda: prepare(path, "excel"), DataError)
    assert found.startswith("unknown kind of data 'excel'; known are folder, wav, npz, csv")


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (3, "data are a path, arrays (x, y) or"),
        ((X,), "data are a path, arrays (x, y) or"),
        ((X, Y[1:]), "the arrays: 8 samples x, but 7 labels y"),
        ({0: (X[0], 0), 1: (X[0, :2], 1)}, "sample 1 of the Dataset has the shape (2,), the first"),
        ({0: (X[0], 0), 1: X}, "sample 1 of the Dataset is no pair of an array and a label"),
        ({}, "the Dataset has 0 samples"),
    ],
)
def test_what_python_cannot_hand_over(data: Any, wanted: str) -> None:
    assert wanted in message(lambda: prepare(data), DataError)


def test_a_table_of_other_texts_is_refused(tmp_path: Path) -> None:
    path = make_csv(tmp_path / "data")
    description = prepare(path).description
    path.write_text(path.read_text().replace(",r,", ",x,"))
    found = message(lambda: load_described(description, path, "all", None), DataError)
    assert "column 'shape' holds 'x', none of the texts of the training set: r, t" in found
    path.write_text("length,kind\n1,a\n2,b\n")
    found = message(lambda: load_described(description, path, "all", None), DataError)
    assert found == f"{path} has no column 'shape'; it has length, kind"


SPLIT = {"seed": 1, "test": 0.2, "samples": 9, "fingerprint": "0"}
PICTURES = {"height": 8, "width": 8, "channels": 1}


@pytest.mark.parametrize(
    "said",
    [
        {"name": 3, "reading": {}},
        {"name": "tape", "reading": {}},
        {"name": "folder", "reading": []},
        {"name": "folder", "reading": {}},
        {"name": "folder", "reading": PICTURES | {"channels": 2}},
        {"name": "folder", "reading": PICTURES | {"height": 1 << 40}},
        {"name": "folder", "reading": PICTURES | {"more": 1}},
        {"name": "folder", "reading": PICTURES, "split": "mine"},
        {"name": "folder", "reading": PICTURES, "split": SPLIT | {"test": 2}},
        {"name": "folder", "reading": PICTURES, "split": SPLIT | {"seed": 1 << 70}},
        {"name": "folder", "reading": PICTURES, "split": SPLIT | {"samples": True}},
        {"name": "wav", "reading": {"rate": 8000}},
        {"name": "wav", "reading": {"rate": 8000, "samples": 1 << 60}},
        {"name": "npz", "reading": {"layout": "heap", "first": False}},
        {"name": "npz", "reading": {"layout": "table", "first": 1}},
        {"name": "csv", "reading": {"label": "y", "columns": []}},
        {"name": "csv", "reading": {"label": "y", "columns": [{"name": 3}]}},
        {"name": "csv", "reading": {"label": "y", "columns": [{"name": "a", "values": [1]}]}},
        {"name": "series", "reading": {"length": 0, "channels": 1}},
        {"name": "idx", "reading": {"a": 1}},
    ],
)
def test_what_no_network_can_say(said: dict[str, Any]) -> None:
    found = message(lambda: Description.from_json(said), DataError)
    assert len(found) < 500
