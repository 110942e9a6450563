"""subbit bench ip: every network with every bus in every simulator, and what failed is seen."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from subbit.sw.bench import ip_cores
from subbit.sw.bench.ip_cores import bench_ip, run_bench, simulators
from subbit.sw.cli.bench_ip import ip_command
from subbit.sw.errors import ToolError
from subbit.sw.ir import save_network
from tests.sw.ip.cores import core_network, export_core


def test_every_bus_in_every_simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[bool, str]] = []

    def run(folder: Path, program: str) -> tuple[int, int]:
        asked.append(((folder / "test/run.py").exists(), program))
        return (5, 5) if program == "verilator" else (5, 4)

    monkeypatch.setattr(ip_cores, "run_bench", run)
    monkeypatch.setattr(ip_cores, "simulators", lambda: ["verilator", "icarus"])
    rows = bench_ip([core_network("classes")], buses=("plain", "wishbone"))
    assert [(row.bus, row.simulator, row.passed) for row in rows] == [
        *(("plain", "verilator", 5), ("plain", "icarus", 4)),
        *(("wishbone", "verilator", 5), ("wishbone", "icarus", 4)),
    ]
    assert asked == [(True, "verilator"), (True, "icarus")] * 2
    path = tmp_path / "net.safetensors"
    save_network(core_network("classes"), path)
    found = CliRunner().invoke(
        ip_command, [str(path), "--bus", "plain", "--json"], standalone_mode=False
    )
    assert found.return_value == 1
    assert [row["passed"] for row in json.loads(found.stdout)] == [5, 4]
    assert "classes plain icarus: 4 of 5" in found.stderr


def test_what_cannot_run_has_no_tests(tmp_path: Path) -> None:
    folder = export_core("classes", tmp_path / "core", "plain").folder
    assert run_bench(folder, "nothing") == (0, 0)


def test_without_a_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ip_cores.shutil, "which", lambda name: None)
    monkeypatch.setattr(ip_cores, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="there is no simulator"):
        simulators()
