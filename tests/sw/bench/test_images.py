"""Archives of images: unpacked once, never outside of their folder, never without bound."""

import io
import tarfile
from pathlib import Path

import pytest

from subbit.sw.bench.images import unpacked
from subbit.sw.errors import DataError
from tests.sw.samples import message


def archive(path: Path, *names: str) -> Path:
    """A tar archive with files of ten bytes."""
    with tarfile.open(path, "w:xz") as target:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 10
            target.addfile(member, io.BytesIO(b"0123456789"))
    return path


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert unpacked(tmp_path, tmp_path / "cache") == tmp_path


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    source = archive(tmp_path / "set.tar.xz", "test/cat/1.jpg", "test/dog/2.jpg")
    folder = unpacked(source, tmp_path / "cache")
    assert folder == tmp_path / "cache" / "set"
    assert (folder / "test" / "dog" / "2.jpg").read_bytes() == b"0123456789"
    source.unlink()
    assert unpacked(source, tmp_path / "cache") == folder


@pytest.mark.parametrize("name", ["../escaped.jpg", "/../../escaped.jpg"])
def test_nothing_is_written_elsewhere(tmp_path: Path, name: str) -> None:
    source = archive(tmp_path / "set.tar.xz", "test/cat/1.jpg", "a/../../" + name)
    assert "no tar archive of images" in message(
        lambda: unpacked(source, tmp_path / "cache"), DataError
    )
    assert not list((tmp_path / "cache").iterdir())
    assert not list(tmp_path.rglob("escaped.jpg"))


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = archive(tmp_path / "set.tar.xz", "1.jpg", "2.jpg", "3.jpg")
    for name, value in (("MAX_BYTES", 25), ("MAX_FILES", 2)):
        with monkeypatch.context() as patch:
            patch.setattr(f"subbit.sw.bench.images.{name}", value)
            text = message(lambda: unpacked(source, tmp_path / "cache"), DataError)
        assert "holds more than" in text
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize(
    ("content", "wanted"), [(b"no archive", "no tar archive"), (None, "cannot unpack")]
)
def test_what_is_no_archive(tmp_path: Path, content: bytes | None, wanted: str) -> None:
    source = tmp_path / "set.tar.xz"
    if content is not None:
        source.write_bytes(content)
    assert wanted in message(lambda: unpacked(source, tmp_path / "cache"), DataError)
