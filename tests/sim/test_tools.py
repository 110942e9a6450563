"""What a simulation says where a tool is missing or fails; the test bench's text."""

import shutil
from pathlib import Path

import pytest

from subbit.sim import verilator
from subbit.sim.simtop import StreamPorts
from subbit.sim.testbench import testbench as bench_text
from subbit.sw.errors import ToolError


@pytest.mark.parametrize("program", ["g++", "make", "perl"])
def test_a_missing_tool(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = {"g++": ("g++", "c++")}.get(program, (program,))
    monkeypatch.setattr(
        shutil, "which", lambda name, which=shutil.which: None if name in hidden else which(name)
    )
    with pytest.raises(ToolError) as caught:
        verilator.build_model("module bench; endmodule", "bench", tmp_path / "models")
    message = (
        f"simulation needs {program}, which is not on PATH; install it, on Debian: apt install"
    )
    assert message in str(caught.value)
    assert not (tmp_path / "models").exists()


def test_verilog_that_does_not_parse(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    with pytest.raises(ToolError) as caught:
        verilator.build_model("module bench; nonsense endmodule", "bench", folder)
    log = folder / "verilator.log"
    assert str(caught.value).startswith("verilator failed: %Error: design.sv:1:")
    assert str(caught.value).endswith(f"(log: {log})")
    assert "syntax error" in log.read_text()
    assert not list(folder.glob("*.so"))


def test_a_line_of_very_many_tokens(models: Path) -> None:
    word = "^{" + ", ".join(["a"] * 4_000) + "}"
    words = " ^ ".join([word] * 12)
    text = f"module bench(input a, output b); assign b = {words}; endmodule"
    assert verilator.build_model(text, "bench", models).exists()


def test_old_models_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verilator, "MAX_MODELS", 2)
    for name in ("bench-a.so", "bench-b.so", "bench-c.so"):
        (tmp_path / name).touch()
    verilator.prune(tmp_path)
    assert len(list(tmp_path.glob("*.so"))) == 2


def test_every_stream_has_a_monitor_and_only_the_ends_a_driver() -> None:
    streams = {name: StreamPorts(f"net__{name}", 7, beats=5) for name in ("i", "o", "conv1_dot")}
    text = bench_text({"net": streams})
    for name in streams:
        assert text.count(f'.RECORD("net/{name}.rec")') == 1
    assert text.count("subbit_source #(.WIDTH(7)") == 1
    assert text.count("__beats >= 48'd5 * frames") == len(streams)
    assert text.count("subbit_chance net__o__sink") == 1
