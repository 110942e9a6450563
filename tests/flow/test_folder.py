"""A build's folder is the old one or the new one, never half of either."""

from pathlib import Path

import pytest

from subbit.sw.errors import SubbitError
from subbit.sw.flow.folder import build_folder, publish


def make(out: Path, **files: str) -> None:
    """One build that makes these files."""
    with build_folder(out) as part:
        for name, text in files.items():
            (part / name).write_text(text)
        publish(part, out, last="summary")


def make_half(out: Path) -> None:
    """A build that is interrupted."""
    with build_folder(out) as part:
        (part / "a").write_text("half")
        raise KeyboardInterrupt


def content(out: Path) -> dict[str, str]:
    """The files of a folder."""
    return {path.name: path.read_text() for path in out.iterdir()}


def test_a_build_replaces_its_files_and_leaves_others(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "net"
    make(out, a="1", summary="1")
    (out / "mine").write_text("kept")
    make(out, a="2", summary="2")
    assert content(out) == {"a": "2", "summary": "2", "mine": "kept"}
    assert not out.with_name("net.part").exists()


def test_a_failed_build_changes_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    out = tmp_path / "net"
    make(out, a="1", summary="1")
    with pytest.raises(KeyboardInterrupt):
        make_half(out)
    assert content(out) == {"a": "1", "summary": "1"}
    assert content(out.with_name("net.part")) == {"a": "half"}
    make(out, b="2", summary="2")
    assert content(out) == {"a": "1", "b": "2", "summary": "2"}


def test_the_last_file_vouches_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "net"
    make(out, a="1", b="1", summary="1")
    with build_folder(out) as part:
        for name in ("a", "b", "summary"):
            (part / name).write_text("2")
        (out / "b").unlink()
        (out / "b").mkdir()
        with pytest.raises(OSError, match="directory"):
            publish(part, out, last="summary")
    assert (out / "a").read_text() == "2"
    assert not (out / "summary").exists()


def test_two_builds_of_one_folder_do_not_mix(tmp_path: Path) -> None:
    out = tmp_path / "net"
    with build_folder(out), pytest.raises(SubbitError, match=r"another build of .* is running"):
        make(out, summary="1")
    make(out, summary="2")
