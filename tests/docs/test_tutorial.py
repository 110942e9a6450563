"""docs/use/tutorial.md is true: its files, commands and calls, run in order with few data."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from subbit.sw.cli import app
from subbit.sw.ir import load_network
from tests.docs.page import blocks_of
from tests.paths import DOCS

PAGE = DOCS / "use" / "tutorial.md"
# What makes the data, the network and the training small.
SHORT = {
    "draw.py": ("COUNT = 200", "COUNT = 10"),
    "my_model.py": ("WIDTHS = (16, 24, 32)", "WIDTHS = (4, 4, 4)"),
}
MORE = {"train": ["--epochs", "1"], "sim": ["--frames", "2"]}
NEEDS_A_BOARD = re.compile(r"subbit program|/dev/tty")


def commands() -> list[list[str]]:
    """The page's commands in order."""
    lines = re.findall(
        r"^    (\S.*)$", re.sub(r"```.*?```", "", PAGE.read_text(), flags=re.S), re.M
    )
    return [shlex.split(line) for line in lines if line.startswith(("subbit ", "python "))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder after all commands; each must end with 0."""
    place = tmp_path_factory.mktemp("tutorial")
    for name, text in blocks_of(PAGE)[0].items():
        long, short = SHORT[name]
        assert text.count(long) == 1
        (place / name).write_text(text.replace(long, short))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for program, *arguments in commands():
            if program == "python":
                subprocess.run([sys.executable, *arguments], check=True)
            elif not NEEDS_A_BOARD.search(shlex.join([program, *arguments])):
                code = app.run([*arguments, *MORE.get(arguments[0], [])])
                assert code == 0, arguments
    return place


def test_the_page_has_all_steps() -> None:
    rows = [row for row in commands() if row[0] == "subbit"]
    verbs = [row[1] for row in rows]
    assert verbs == ["preview", "train", "eval", "sim", "run", "bitstream", "program", "run"]
    assert {*blocks_of(PAGE)[0]} == {*SHORT}
    options = [row[row.index("--board") + 1] for row in rows if "--board" in row]
    assert {*options} == {"ulx3s-12f"}


def test_every_command_of_the_page_runs(folder: Path) -> None:
    network = load_network(folder / "signs.safetensors")
    assert network.metadata["classes"] == ["arrow", "cross", "ring"]
    assert len(list((folder / "signs").glob("*/*.png"))) == 30
    assert {path.name for path in folder.glob("signs*.png")} == {"signs.png", "signs.confusion.png"}
    built = folder / "build" / "my_model-net-ulx3s-12f"
    assert (built / "my_model-net.bit").stat().st_size > 10_000
    summary = json.loads((built / "summary.json").read_text())
    assert summary["network"] == "my_model-net"
    assert f"`build/{built.name}/`" in PAGE.read_text()


def test_the_calls_of_the_page_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    (code,) = blocks_of(PAGE)[1]
    exec(compile(code, str(PAGE), "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert "my_model-net" in lines[0]
    assert [line.split()[0] for line in lines[-3:]] == ["arrow", "cross", "ring"]
    assert "module accelerator" in (folder / "signs.v").read_text()
