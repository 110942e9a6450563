"""Every kind of data set: told from the others, read, split, and read again as its file says."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from subbit.sw.data import DataOptions, prepare, preprocess
from subbit.sw.data.described import load_described
from subbit.sw.data.description import Description
from subbit.sw.data.kinds import KINDS, detect
from subbit.sw.errors import DataError
from tests.sw.data.data_files import MAKERS, make_csv, make_pictures, make_series
from tests.sw.samples import message

SHAPES = {
    "folder": ((32, 32, 3), (32, 32, 3)),
    "wav": ((10, 32, 1), (10, 32, 1)),
    "npz": ((1, 1, 5), (1, 1, 40)),
    "csv": ((1, 1, 3), (1, 1, 10)),
    "series": ((12, 1, 2), (12, 1, 2)),
    "idx": ((9, 8, 1), (9, 8, 1)),
    "cifar10": ((32, 32, 3), (32, 32, 3)),
    "cifar100": ((32, 32, 3), (32, 32, 3)),
}
CLASSES = {
    "folder": ("blue", "red"),
    "wav": ("high", "low"),
    "npz": ("0", "1"),
    "csv": ("a", "b"),
    "series": ("up", "down"),
    "idx": ("0", "1"),
    "cifar100": tuple(f"class{place}" for place in range(100)),
}


def test_the_tables_name_every_kind() -> None:
    assert {*MAKERS} == {*SHAPES} == {*KINDS}


@pytest.mark.parametrize("name", [*MAKERS])
def test_a_kind_is_told_read_split_and_read_again(name: str, tmp_path: Path) -> None:
    path = MAKERS[name](tmp_path / "data")
    assert [kind.name for kind in KINDS.values() if kind.is_it(path)] == [name]
    assert detect(path).name == name
    found = prepare(path)
    samples, codes = SHAPES[name]
    assert (found.train.images.shape[1:], found.shape) == (samples, codes)
    assert found.classes == CLASSES.get(name, found.classes)
    whole = len(found.train) + len(found.test)
    if found.description.split is not None:
        assert len(found.test) == pytest.approx(0.2 * whole, abs=len(found.classes))
    assert {*found.test.labels.tolist()} == {*range(len(found.classes))}
    assert int(found.codes(found.train).max()) < 1 << found.bits
    again = Description.from_json(json.loads(json.dumps(found.description.to_json())))
    assert again == found.description
    for part, wanted in (("train", found.train), ("test", found.test)):
        loaded = load_described(again, path, part, list(found.classes))
        assert np.array_equal(loaded.images, wanted.images)
        assert np.array_equal(loaded.labels, wanted.labels)
    assert len(load_described(again, path, "all", None)) == whole


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "cifar100"])
def test_the_seed_decides_the_split(name: str, tmp_path: Path) -> None:
    path = MAKERS[name](tmp_path / "data")
    seeds = [prepare(path, options=DataOptions(seed=seed)).test for seed in (1, 1, 2)]
    assert np.array_equal(seeds[0].images, seeds[1].images)
    assert not np.array_equal(seeds[0].images, seeds[2].images)


def test_other_samples_than_those_of_the_split_are_refused(tmp_path: Path) -> None:
    path = make_pictures(tmp_path / "data")
    found = prepare(path)
    (path / "red" / "0.png").rename(path / "red" / "9.png")
    text = message(lambda: load_described(found.description, path, "test", None), DataError)
    assert "other samples than the 12 that the network's test set was drawn from" in text
    assert len(load_described(found.description, path, "all", None)) == 12


@pytest.mark.parametrize("name", ["idx", "npz", "csv", "cifar10"])
def test_other_numbers_in_the_same_file_are_refused(name: str, tmp_path: Path) -> None:
    path = MAKERS[name](tmp_path / "data")
    found = prepare(path)
    file = path if path.is_file() else sorted(path.iterdir())[0]
    if name == "npz":
        with np.load(file) as arrays:
            np.savez(file, x=arrays["x"] + 1, y=arrays["y"])
    else:
        content = bytearray(file.read_bytes())
        place = content.index(b"5") if name == "csv" else 200
        content[place] = content[place] ^ 1
        file.write_bytes(bytes(content))
    text = message(lambda: load_described(found.description, path, "test", None), DataError)
    assert "so which were in training cannot be told" in text


def test_a_split_of_the_data_is_kept(tmp_path: Path) -> None:
    make_pictures(tmp_path / "train", 4)
    make_pictures(tmp_path / "test", 2)
    found = prepare(tmp_path)
    assert (len(found.train), len(found.test), found.description.split) == (8, 4, None)
    assert len(load_described(found.description, tmp_path, "test", None)) == 4
    text = message(
        lambda: load_described(found.description, tmp_path / "test", "test", None), DataError
    )
    assert "has no test set of its own" in text


def test_training_alone_decides_the_preprocessing(tmp_path: Path) -> None:
    path = make_csv(tmp_path / "data", 400)
    found = prepare(path)
    column = np.unique(found.train.images[:, 0, 0, 0])
    thresholds = found.description.preprocess["thermometer"][0]
    assert len(thresholds) == 8
    assert {*thresholds} <= {*column.tolist()}
    shares = found.codes(found.train)[..., :8].mean(axis=(0, 1, 2))
    assert shares == pytest.approx(1 - np.arange(1, 9) / 9, abs=0.02)


@pytest.mark.parametrize(
    ("options", "spec"),
    [
        (DataOptions(), {"bits": 8, "shift": 0}),
        (DataOptions(bits=3), {"bits": 3, "shift": 5}),
        (DataOptions(size=(4, 6), colour=False), {"bits": 8, "shift": 0}),
    ],
)
def test_what_a_user_says_of_pictures(
    options: DataOptions, spec: dict[str, int], tmp_path: Path
) -> None:
    found = prepare(make_pictures(tmp_path / "data"), options=options)
    assert found.description.preprocess == spec
    height, width = options.size or (32, 32)
    assert found.shape == (height, width, 1 if options.colour is False else 3)


def test_pictures_of_one_small_size_keep_it_and_grey_ones_stay_grey(tmp_path: Path) -> None:
    path = make_pictures(tmp_path / "data", 1, 20)
    for name in ("blue", "red"):
        (path / name / "0.png").rename(path / name / "old.txt")
        for place in range(2):
            grey = np.full((20, 24, 3), 90 * place, np.uint8)
            Image.fromarray(grey).save(path / name / f"{place}.jpg")
    assert prepare(path).shape == (20, 24, 1)


def test_a_series_scale_has_the_mean_in_its_middle(tmp_path: Path) -> None:
    found = prepare(make_series(tmp_path / "data"), options=DataOptions(bits=4))
    spec = found.description.preprocess
    middle = np.array(spec["mean"]).reshape(1, 1, 1, 2)
    assert preprocess(middle, spec).tolist() == [[[[8, 8]]]]
    assert found.train.images[:, 10:].any()


ARRAYS = np.random.default_rng(1)
GREY = ARRAYS.integers(0, 256, (12, 5, 6), np.uint8)
Y = np.arange(12) % 3


@pytest.mark.parametrize(
    ("x", "family", "shape"),
    [
        (GREY, "pictures", (5, 6, 1)),
        (GREY[..., None], "pictures", (5, 6, 1)),
        (GREY[:, None] / 255, "pictures", (5, 6, 1)),
        (np.repeat(GREY[:, None], 3, 1), "pictures", (5, 6, 3)),
        (GREY / 7, "series", (5, 1, 6)),
        (GREY.reshape(12, 30) - 3.5, "table", (1, 1, 30)),
    ],
)
def test_arrays_from_python(x: np.ndarray, family: str, shape: tuple[int, ...]) -> None:
    found = prepare((x, Y))
    assert (found.family, found.train.images.shape[1:]) == (family, shape)
    assert found.classes == ("0", "1", "2")
    texts = prepare((x, np.array(["b", "a", "c"])[Y]))
    assert texts.classes == ("a", "b", "c")
    four = prepare((x, Y, x[:4], Y[:4]))
    assert (len(four.train), len(four.test)) == (12, 4)


def test_torch_data_sets_are_arrays() -> None:
    whole = TensorDataset(torch.from_numpy(GREY[:, None]), torch.from_numpy(Y))
    found, same = prepare(whole), prepare((GREY[:, None], Y))
    assert np.array_equal(found.train.images, same.train.images)
    assert found.description == same.description
    pair = prepare((whole, TensorDataset(torch.from_numpy(GREY[:5, None]), torch.tensor(Y[:5]))))
    assert (len(pair.train), len(pair.test)) == (12, 5)


def test_a_file_of_arrays_is_read_as_the_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=GREY, y=Y, classes=np.array(["x", "y", "z"]))
    found = prepare(tmp_path / "a.npz")
    assert found.classes == ("x", "y", "z")
    assert np.array_equal(found.train.images, prepare((GREY, Y)).train.images)
    loaded = load_described(found.description, tmp_path / "a.npz", "test", ["z", "y", "x"])
    assert np.array_equal(loaded.labels, 2 - found.test.labels)
