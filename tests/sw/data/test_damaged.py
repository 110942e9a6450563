"""Damaged files of data sets, and of what builds leave: one line, or what they say."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subbit.sw.data import prepare, preprocess
from subbit.sw.data.described import load_described
from subbit.sw.data.description import Description
from subbit.sw.data.kinds import KINDS
from subbit.sw.data.load import load_dataset
from subbit.sw.errors import SubbitError
from subbit.sw.flow.program import read_summary
from subbit.sw.flow.summary import Summary
from tests.sw.data.data_files import MAKERS, make_wav, tone
from tests.sw.mutations import count, damaged_bytes, damaged_json, refused

RNG = np.random.default_rng(1)


def idx(array: np.ndarray) -> bytes:
    """The array as an IDX file."""
    head = bytes((0, 0, 8, array.ndim))
    return head + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


IMAGES = idx(RNG.integers(0, 256, (5, 28, 28), np.uint8))
LABELS = idx(RNG.integers(0, 10, 5).astype(np.uint8))
RECORDS = b"".join(bytes([n]) + RNG.bytes(3072) for n in range(4))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("which", ["images", "labels"])
def test_damaged_idx_files(which: str, packed: bool, tmp_path: Path) -> None:
    names = {"images": "t10k-images-idx3-ubyte", "labels": "t10k-labels-idx1-ubyte"}
    contents = {"images": IMAGES, "labels": LABELS}
    for key, name in names.items():
        (tmp_path / name).write_bytes(contents[key])
    content = gzip.compress(contents[which]) if packed else contents[which]

    def check(seed: int) -> bool:
        (tmp_path / names[which]).write_bytes(damaged_bytes(content, seed))
        return refused(lambda: load_dataset("mnist", "test", tmp_path), tmp_path)

    assert count(check, 200) > 60


def test_damaged_batches(tmp_path: Path) -> None:
    path = tmp_path / "test_batch.bin"

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(RECORDS, seed))
        return refused(lambda: load_dataset("cifar10", "test", tmp_path), path)

    assert count(check, 200) > 60


def test_damaged_pictures_of_a_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(RNG.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / name / "1.png")
    path = tmp_path / "b" / "1.png"
    content = path.read_bytes()

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(content, seed))
        return refused(lambda: load_dataset("folder", "test", tmp_path), path)

    assert count(check, 200) > 60


@pytest.mark.parametrize("name", ["npz", "csv", "series"])
def test_damaged_files_of_ones_own_data(name: str, tmp_path: Path) -> None:
    path = MAKERS[name](tmp_path / "data")
    content = path.read_bytes()

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(content, seed))
        return refused(lambda: prepare(path), path)

    assert count(check, 150) > 30


def test_damaged_recordings(tmp_path: Path) -> None:
    path = make_wav(tmp_path / "a.wav", tone(500, 0.02))
    content = path.read_bytes()

    def check(seed: int) -> bool:
        path.write_bytes(damaged_bytes(content, seed))
        return refused(lambda: KINDS["wav"].samples(path, {"rate": 8000, "samples": 160}), path)

    assert count(check, 150) > 30


@pytest.mark.parametrize("name", [*MAKERS])
def test_damaged_descriptions(name: str, tmp_path: Path) -> None:
    path = MAKERS[name](tmp_path / "data")
    row = prepare(path).description.to_json()

    def check(seed: int) -> bool:
        said, text = damaged_json(row, seed), ""
        try:
            found = Description.from_json(said) if isinstance(said, dict) else None
            if found is not None:
                preprocess(load_described(found, path, "all", None).images[:2], found.preprocess)
        except SubbitError as error:
            text = str(error)
        assert "\n" not in text
        assert len(text) < 800 + len(str(path))
        return bool(text)

    assert count(check, 60) > 30


SUMMARY = Summary(
    *("net", "0" * 64, "ulx3s", "LFE5U-85F"),
    *(100, 20, 3, 1, 50.0, 25.0, 10, 20, 2.5, 0.9, 300, 60.0, "net.bit", "1" * 64),
    tools={"yosys": "0.9"},
    accuracy_images=10,
)


def test_damaged_summaries(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    row = json.loads(SUMMARY.to_json())

    def check(seed: int) -> bool:
        path.write_text(json.dumps(damaged_json(row, seed)))
        return refused(lambda: shown(path), path)

    assert count(check, 400) > 300

    def broken(seed: int) -> bool:
        path.write_bytes(damaged_bytes(SUMMARY.to_json().encode(), seed))
        return refused(lambda: shown(path), path)

    assert count(broken, 300) > 100
    path.write_text("[" * 100_000)
    assert refused(lambda: shown(path), path)
    path.unlink()
    path.mkdir()
    assert refused(lambda: shown(path), path)


def shown(path: Path) -> None:
    """Read a summary, and use it as ``subbit program`` does."""
    summary = read_summary(path)
    assert summary is not None
    summary.table()
    assert summary.digest[:12] + summary.bitstream + summary.bitstream_sha256
