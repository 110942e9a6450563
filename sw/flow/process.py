"""Running one tool: output in a log, errors as the user's, nothing left running afterwards."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from subbit.sw.errors import ToolError
from subbit.sw.flow.tools import Tool
from subbit.sw.signals import deferred

__all__ = ["check_space", "end_tools", "run_tool"]

MIN_FREE_BYTES = 1 << 20


def run_tool(
    tool: Tool,
    arguments: Sequence[str],
    *,
    folder: Path,
    log: str,
    on_line: Callable[[str], None] = lambda line: None,
) -> None:
    """Run the tool in ``folder``; its output goes to the file ``log`` there and to ``on_line``.

    File names among the arguments must be plain names in ``folder``: a tool of the WebAssembly
    wheels sees no others reliably. Whatever ends this function early, an error in ``on_line``
    included, ends the tool too. Raises ToolError with the tool's own error line, or OSError where
    the disk is full.
    """
    path = folder / log
    lines: list[str] = []
    with path.open("w") as record, running(tool, arguments, folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            record.write(line)
            lines.append(line.rstrip())
            on_line(line.rstrip())
        status = process.wait()
    check_space(folder)
    if status:
        raise ToolError(f"{tool.name} failed: {error_line(lines, status)} (log: {path})")


# What each thread runs, so that another one can end it.
RUNNING: dict[int, subprocess.Popen[str]] = {}


@contextlib.contextmanager
def running(tool: Tool, arguments: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The tool, started; if the context ends early, the tool is ended."""
    thread, process = threading.get_ident(), None
    try:
        with deferred():  # a signal between the start and its note would leave the tool alone
            process = RUNNING[thread] = spawn(tool, arguments, folder)
        yield process
    except BaseException:
        if process is not None:
            end(process)
        raise
    finally:
        RUNNING.pop(thread, None)
        if process is not None and process.stdout is not None:
            process.stdout.close()


def end_tools(threads: Iterable[int]) -> None:
    """End the tools that these threads run."""
    for thread in threads:
        if process := RUNNING.get(thread):
            end(process)


def spawn(tool: Tool, arguments: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    """Start the tool in a session of its own, which no Ctrl-C of the terminal reaches."""
    try:
        return subprocess.Popen(
            [*tool.command, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ToolError(f"{tool.name} does not start ({error.strerror}): {tool.origin}") from None


def end(process: subprocess.Popen[str]) -> None:
    """End the tool and everything that it started, kindly first; no signal stops this halfway."""
    with deferred():
        for number, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 10)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)


def error_line(lines: Sequence[str], status: int) -> str:
    """What the tool says went wrong: its first line with 'error', else its last one."""
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if "error" in line.lower()]
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return (errors or said[-1:] or [f"exit code {status}"])[0]


def check_space(folder: Path) -> None:
    """Raise OSError (no space left) where the disk is full: some tools write on silently."""
    if shutil.disk_usage(folder).free < MIN_FREE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
