"""subbit bench: which measurement is meant, and what the command of CNV makes of its result."""

import json
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from amaranth.back import rtlil
from click.testing import CliRunner

from subbit.boards import board
from subbit.sw.bench import cnv, devices, engine, popcount
from subbit.sw.bench import network as network_bench
from subbit.sw.cli.bench import BENCHES, bench_command
from subbit.sw.errors import NetworkError, SubbitError, ToolError
from subbit.sw.flow.bitstream import build_bitstream
from subbit.sw.ir import load_network
from subbit.sw.lower.plan import smallest_plan
from tests.paths import EXAMPLES

WORDS = {"network": "cnv-w1a1", "dataset": "test", "first_difference": None}
REPORT = cnv.CnvReport(**{field.name: 0 for field in fields(cnv.CnvReport)} | WORDS)


@pytest.mark.parametrize(
    "arguments", [["none.safetensors"], ["--json", "none.safetensors"], ["networks", "none.x"]]
)
def test_networks_are_meant_unless_another_is_named(arguments: list[str]) -> None:
    found = CliRunner().invoke(bench_command, arguments)
    assert isinstance(found.exception, NetworkError)
    assert "none." in str(found.exception)


def test_help_names_every_measurement() -> None:
    text = CliRunner().invoke(bench_command, ["--help"]).output
    for name in BENCHES:
        assert f"  {name} " in text
        assert "Example: subbit bench" in CliRunner().invoke(bench_command, [name, "--help"]).output


@pytest.mark.parametrize("mismatches", [0, 3])
def test_cnv_writes_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mismatches: int
) -> None:
    asked: dict[str, Any] = {}

    def bench_cnv(parameters: Path, images: Path, **rest: Any) -> cnv.CnvReport:
        asked.update(rest, parameters=parameters, images=images)
        return replace(REPORT, mismatches=mismatches)

    monkeypatch.setattr(cnv, "bench_cnv", bench_cnv)
    arguments = ["cnv", "x.npz", "--images", "set", "--frames", "5", "--out", str(tmp_path)]
    found = CliRunner().invoke(bench_command, [*arguments, "--json"], standalone_mode=False)
    assert found.return_value == (1 if mismatches else 0)
    assert json.loads(found.stdout) == json.loads((tmp_path / "report.json").read_text())
    assert json.loads(found.stdout)["mismatches"] == mismatches
    assert (asked["parameters"], asked["images"]) == (Path("x.npz"), Path("set"))
    assert (asked["frames"], asked["folder"]) == (5, tmp_path)
    table = CliRunner().invoke(bench_command, arguments, standalone_mode=False)
    assert "interval_cycles" in table.output


def test_phases_are_timed_and_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 1.0, 3.5, 4.0, 10.0])
    monkeypatch.setattr(cnv, "time", SimpleNamespace(monotonic=lambda: next(times)))
    seen: list[str] = []
    watch = cnv.Stopwatch(SimpleNamespace(phase=seen.append, detail=seen.append))
    for name in ("a", "b", "a", ""):
        watch.phase(name)
    watch.detail("much")
    assert seen == ["a", "b", "a", "", "much"]
    assert (watch.of("a"), watch.of("b"), watch.of("a", "b", "never")) == (8.5, 0.5, 9.0)


def test_popcount_hands_on_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"lut4": 9, "lut4_per_bit": 1.5, "fmax_mhz": 300.0, "latency_cycles": 2}
    figures |= {"flip_flops": 7, "seeds_mhz": [300.0, 290.0]}
    asked: list[Any] = []

    def bench_popcount(*arguments: Any) -> dict[str, Any]:
        asked[:] = arguments[:4]
        found = {"device": "ecp5-25k", "width": 6, "chain_places": 32, **figures}
        return found | {"plain": figures | {"lut4": 18}, "sum": figures | {"lut4": 20}}

    monkeypatch.setattr(popcount, "bench_popcount", bench_popcount)
    arguments = ["popcount", "--device", "ecp5-25k", "--width", "6", "--seeds", "2"]
    found = CliRunner().invoke(bench_command, [*arguments, "--json"], standalone_mode=False)
    assert asked == ["ecp5-25k", 6, (1, 2), None]
    assert json.loads(found.stdout)["plain"]["lut4"] == 18
    table = CliRunner().invoke(bench_command, arguments, standalone_mode=False).output
    assert all(text in table for text in ("portable form", "sum of XNORs", "300.0 290.0"))


def test_popcount_keeps_the_fastest_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [devices.Measured(20, 30, mhz) for mhz in (100.0, 120.0, 110.0)]

    def measure(probe: popcount.Probe, *_: object) -> list[devices.Measured]:
        assert "count" in rtlil.convert(probe, name="top", ports=[probe.pins, probe.count])
        return runs

    monkeypatch.setattr(popcount, "measure", measure)
    found = popcount.bench_popcount("ecp5-85k", 16)
    assert (found["lut4"], found["lut4_per_bit"], found["fmax_mhz"]) == (20, 1.25, 120.0)
    assert found["sum"]["seeds_mhz"] == [100.0, 120.0, 110.0]


def test_a_wide_sum_can_be_made() -> None:
    probe = popcount.Probe(popcount.SumOfXnors(1000))
    assert "count" in rtlil.convert(probe, name="top", ports=[probe.pins, probe.count])


def test_popcount_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SubbitError, match="no device 'ecp6'; choose from ecp5-12k"):
        popcount.bench_popcount("ecp6", 16)

    def missing(wanted: object) -> None:
        raise ToolError("nextpnr-ice40 is missing")

    monkeypatch.setattr(devices, "find_program", missing)
    with pytest.raises(ToolError, match=r"missing; 'pip install subbit\[bench\]'"):
        devices.router(devices.device_of("ice40-up5k"))


def test_a_network_is_evaluated_and_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = SimpleNamespace(
        **{
            "fps": 1e4,
            "lut4": 4000,
            "fmax_mhz": 101.0,
            "clock_mhz": 100.0,
            "interval_cycles": 10000,
        },
        **{"latency_cycles": 25000, "flip_flops": 3, "block_rams": 4, "weight_bits": 5},
        wall_s=6.0,
        seed=2,
    )
    asked: list[Any] = []

    def build(
        network: Any, plan: Any, board: Any, out: Path, progress: Any, seeds: int, **how: Any
    ) -> Any:
        asked.extend([network.name, board.name, out, seeds, *how.values()])
        return built

    monkeypatch.setattr(network_bench, "build_bitstream", build)
    arguments = ["network", "examples/digits-plain.safetensors", "--board", "ulx3s-12f", "--json"]
    found = CliRunner().invoke(bench_command, [*arguments, "--seeds", "2"], standalone_mode=False)
    row = json.loads(found.stdout)
    folder = Path("build/digits-plain-ulx3s-12f")
    assert asked == ["digits-plain", "ulx3s-12f", folder, 2, None, None, None, None]
    assert (row["fps_per_1000_lut4"], row["latency_us"], row["flip_flops"]) == (2500, 250, 3)
    assert (row["correct"], row["images"]) == (355, 359)
    bare = CliRunner().invoke(bench_command, [*arguments, "--no-eval"], standalone_mode=False)
    assert json.loads(bare.stdout)["images"] is None
    asked.clear()
    exact = [
        *arguments,
        "--no-eval",
        "--seed",
        "7",
        "--mhz",
        "120",
        "--placer",
        "static",
        *("--route-mhz", "100"),
    ]
    CliRunner().invoke(bench_command, exact, standalone_mode=False)
    assert asked[3:] == [1, 7, 120.0, "static", 100.0]


@pytest.mark.parametrize("name", ["network", "networks", "engine", "popcount"])
def test_a_seed_or_a_number_of_seeds(name: str) -> None:
    model = ["net.safetensors"] if name == "network" else []
    for words in (["--seed", "2", "--seeds", "3"], ["--seeds", "3", "--seed", "2"]):
        found = CliRunner().invoke(bench_command, [name, *model, *words])
        assert "take --seed or --seeds, not both" in found.output
    found = CliRunner().invoke(bench_command, [name, *model, "--seed", "0"])
    assert "0 is not in the range" in found.output


@pytest.mark.parametrize(("name", "module"), [("engine", engine), ("popcount", popcount)])
def test_exactly_the_seed_that_is_named(
    name: str, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def bench(*arguments: Any, **how: Any) -> None:
        asked.append(how.get("seeds") or arguments[2])
        raise SubbitError("enough")

    monkeypatch.setattr(module, f"bench_{name}", bench)
    for words in (["--seed", "5"], []):
        CliRunner().invoke(bench_command, [name, *words], standalone_mode=False)
    assert asked == [(5,), (1, 2, 3)]


def test_both_in_python_are_refused() -> None:
    network = load_network(EXAMPLES / "digits-plain.safetensors")
    target = board("ulx3s-12f")
    with pytest.raises(ValueError, match="not both 2 and 3"):
        build_bitstream(network, smallest_plan(network), target, seeds=3, seed=2)
