"""The folder's own bench passes, in each simulator that is there; and fails where the core does."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from find_libpython import find_libpython

from subbit.hw.ip.shape import BUSES
from subbit.sim.verilator import build_model, run_model
from tests.sw.ip.cores import CORES, export_core

pytestmark = [
    pytest.mark.skipif(find_spec("cocotb") is None, reason="cocotb is missing"),
    pytest.mark.skipif(find_spec("cocotbext") is None, reason="cocotbext-axi is missing"),
    pytest.mark.skipif(find_libpython() is None, reason="this Python has no shared library"),
]
no_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="there is no Icarus Verilog"
)


def make(folder: Path, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """``make TARGET`` in the folder, without anything of this project in its reach."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(
        ["make", "-s", "-C", str(folder), target, f"PYTHON={sys.executable}", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def with_public_ports(verilog: str, top: str) -> str:
    """The text as cocotb wants it where Verilator is not told to make every signal public."""
    rest, module = verilog.split(f"module {top}(")
    public = r"\1 /*verilator public_flat_rw*/;"
    module = re.sub(r"^(  (?:input|output) [^;]+);", public, module, flags=re.M)
    return f"`timescale 1ns / 1ps\n{rest}module {top}({module}"


@no_icarus
@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("name", CORES)
def test_in_icarus(name: str, bus: str, tmp_path: Path) -> None:
    done = make(export_core(name, tmp_path / "core", bus, "tiny").folder, "test", SIM="icarus")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tiny in icarus: 5 of 5 tests passed" in done.stdout


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("name", CORES)
def test_in_verilator(name: str, bus: str, tmp_path: Path, models: Path) -> None:
    folder = export_core(name, tmp_path / "core", bus, "tiny").folder
    verilog = with_public_ports((folder / "rtl/tiny.v").read_text(), "tiny")
    library = build_model(verilog, "tiny", models, quick=True)
    environment = {"PYTHONPATH": str(folder / "test"), "PYTHONWARNINGS": "ignore"}
    run_model(library, "tiny", "bench", tmp_path, environment=environment)
    assert "FAIL=0" in (tmp_path / "sim.log").read_text()


@no_icarus
def test_a_core_that_miscounts_fails(tmp_path: Path) -> None:
    folder = export_core("classes", tmp_path / "core", "plain", "tiny").folder
    path = folder / "test/vectors.json"
    path.write_text(path.read_text().replace('"latency_cycles": ', '"latency_cycles": 1'))
    done = make(folder, "test", SIM="icarus")
    assert done.returncode != 0
    assert "4 of 5 tests passed" in done.stdout
    assert "AssertionError: latency" in done.stdout


def test_lint_finds_nothing(tmp_path: Path) -> None:
    done = make(export_core("logits", tmp_path / "core", "wishbone").folder, "lint")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "%Error" not in done.stderr


def test_a_simulator_that_there_is_not(tmp_path: Path) -> None:
    done = make(export_core("classes", tmp_path / "core", "plain").folder, "test", SIM="none")
    assert done.returncode != 0
    assert "SIM is one of verilator, icarus, not 'none'" in done.stderr
