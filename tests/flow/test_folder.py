"""A build's folder is the old one or the new one, never half of either."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from subbit.sw.errors import SubbitError
from subbit.sw.flow.folder import MARKER, build_folder, check_folder, exchange, old_of, publish


def make(out: Path, **files: str) -> None:
    """One build that makes these files."""
    with build_folder(out) as part:
        for name, text in files.items():
            (part / name).write_text(text)
        publish(part, out)


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
    (out / "folder").mkdir()
    (out / "link").symlink_to("nowhere")
    make(out, a="2", summary="2")
    (out / "folder").rmdir()
    assert (out / "link").readlink() == Path("nowhere")
    (out / "link").unlink()
    assert content(out) == {"a": "2", "summary": "2", "mine": "kept"}
    assert {path.name for path in out.parent.iterdir()} == {"net", ".net.lock"}


def test_a_failed_build_changes_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    out = tmp_path / "net"
    make(out, a="1", summary="1")
    with pytest.raises(KeyboardInterrupt):
        make_half(out)
    assert content(out) == {"a": "1", "summary": "1"}
    assert content(out.with_name("net.part")) == {"a": "half"}
    make(out, b="2", summary="2")
    assert content(out) == {"a": "1", "b": "2", "summary": "2"}


def test_a_folder_in_the_place_of_a_file_stays(tmp_path: Path) -> None:
    out = tmp_path / "net"
    make(out, a="1", b="1", summary="1")
    (out / "b").unlink()
    (out / "b").mkdir()
    with pytest.raises(IsADirectoryError, match=r"net/b'"):
        make(out, a="2", b="2", summary="2")
    assert (out / "a").read_text() == (out / "summary").read_text() == "1"


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "net").symlink_to("real")
    make(tmp_path / "net", a="1")
    make(tmp_path / "net", a="2")
    assert (tmp_path / "net").is_symlink()
    assert content(tmp_path / "real") == {"a": "2"}


def test_two_builds_of_one_folder_do_not_mix(tmp_path: Path) -> None:
    out = tmp_path / "net"
    with build_folder(out), pytest.raises(SubbitError, match=r"another build of .* is running"):
        make(out, summary="1")
    make(out, summary="2")


def stop_at(step: str, out: Path) -> None:
    """The state in which a publish of a=2, b=2 over a=1, mine=kept that was killed leaves all."""
    part, old = out.with_name("net.part"), old_of(out)
    make(out, a="1", mine="kept")
    part.mkdir()
    for name in ("a", "b", MARKER):
        (part / name).write_text("" if name == MARKER else "2")
    if step == "exchanged":
        assert exchange(part, out)
    elif step == "moved away":
        os.rename(out, old)
    elif step in ("moved in", "half settled"):
        os.rename(out, old)
        os.rename(part, out)
        if step == "half settled":
            (old / "a").unlink()


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("marked", {"a": "1", "mine": "kept"}),
        ("exchanged", {"a": "2", "b": "2", "mine": "kept"}),
        ("moved away", {"a": "1", "mine": "kept"}),
        ("moved in", {"a": "2", "b": "2", "mine": "kept"}),
        ("half settled", {"a": "2", "b": "2", "mine": "kept"}),
    ],
)
def test_the_next_build_completes_what_a_killed_one_left(
    step: str, after: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "net"
    stop_at(step, out)
    with build_folder(out):
        assert content(out) == after
    assert {path.name for path in tmp_path.iterdir()} == {"net", ".net.lock"}
    make(out, a="3", b="3")
    assert content(out) == {"a": "3", "b": "3", "mine": "kept"}


PUBLISHING = """
import signal, sys, threading, time
from pathlib import Path
from subbit.sw.flow.folder import build_folder, publish
from subbit.sw.signals import interrupt_on_signals
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup may have had it ignored
interrupt_on_signals()
# Another thread, as that of a spinner: the system may hand it the signal.
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
out, build = Path(sys.argv[1]), 0
while True:
    build += 1
    with build_folder(out) as part:
        for k in range(40):
            (part / f"file{k}").write_text(str(build))
        publish(part, out)
    print(build, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_signal_mixes_two_builds(number: signal.Signals, tmp_path: Path) -> None:
    """Real signals at random moments of processes that publish as fast as they can."""
    out, chance = tmp_path / "net", random.Random(number)
    make(out, **{f"file{k}": "0" for k in range(40)})
    (out / "mine").write_text("kept")
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHING, str(out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.random() * 0.02)
        process.send_signal(number)
        process.wait(20)
        process.stdout.close()
        assert len({(out / f"file{k}").read_text() for k in range(40)}) == 1
        with build_folder(out):
            found = content(out)
        assert len(found) == 41
        assert found.pop("mine") == "kept"
        assert len(set(found.values())) == 1
        assert {path.name for path in tmp_path.iterdir()} == {"net", ".net.lock"}


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (".", "a folder of its own, not the one you are in"),
        ("", "a folder of its own, not the one you are in"),
        ("..", "a folder of its own, and .. holds other things; name a folder in it"),
        ("/", "a folder of its own, and / holds other things"),
        ("~", "a folder of its own, and .* holds other things"),
        ("file", "file is no folder, but a file"),
        ("/proc", "/proc is where a disk is mounted, which cannot be replaced"),
    ],
)
def test_places_that_no_build_may_take(
    out: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(SubbitError, match=said):
        make(Path(out).expanduser(), a="1")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_in_the_folder_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for out in ("net", "./deep/net", str(tmp_path / "other")):
        check_folder(Path(out))
        make(Path(out), a="1")
        assert content(Path(out)) == {"a": "1"}
