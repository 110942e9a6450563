"""A folder for each of several runs at a time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from subbit.sim.place import run_folder


def test_runs_at_a_time_have_folders_of_their_own(tmp_path: Path) -> None:
    wanted = tmp_path / "deep" / "net"
    with run_folder(wanted) as first, run_folder(wanted) as second:
        with run_folder(wanted) as third:
            assert [path.name for path in (first, second, third)] == ["net", "net-2", "net-3"]
        with run_folder(wanted) as again:
            assert again == third
    with run_folder(wanted) as alone:
        assert alone == wanted


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_was_killed_holds_no_folder(number: signal.Signals, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from subbit.sim.place import run_folder\n"
        "with run_folder(Path(sys.argv[1])): print('here', flush=True); time.sleep(60)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "net")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with run_folder(tmp_path / "net") as beside:
            assert beside.name == "net-2"
        os.kill(process.pid, number)
    with run_folder(tmp_path / "net") as place:
        assert place.name == "net"
