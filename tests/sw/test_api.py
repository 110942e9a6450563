"""The command line and its calls: the same defaults, the same results."""

import inspect
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from torch import nn

import subbit
from subbit.sw.cli import app
from subbit.sw.cli.app import COMMANDS
from subbit.sw.cli.bench import BENCHES
from subbit.sw.errors import FitError, LinkError, NetworkError, SubbitError
from subbit.sw.ir import load_network
from subbit.sw.nn.codebook import CodebookEncoder
from tests.paths import ROOT
from tests.sw.samples import message

EXAMPLE = ROOT / "examples" / "digits-plain.safetensors"

# Which calls do what a command does.
CALLS: dict[str, list[str]] = {
    "info": ["describe_network"],
    "plan": ["plan_for", "planned", "plan_report"],
    "rtl": ["write_rtl"],
    "bitstream": ["build_bitstream"],
    "sim": ["simulate", "simulate_mapped", "simulate_components"],
    "report": ["write_report"],
    "compare": ["compare", "write_comparison"],
    "trace": ["trace", "write_trace"],
    "board": ["virtual_board"],
    "sweep": ["run_sweep", "write_sweep"],
    "new": ["new_project"],
    "preview": ["preview"],
    "train": ["train_network", "train_model"],
    "quantise": ["quantise_model"],
    "eval": ["evaluate_dataset", "evaluate_frames"],
    "import": ["import_network", "import_file", "check_import", "import_checkpoint"],
    "compress": ["compress_network", "Training"],
    "export": ["export_c", "export_ip"],
    "program": ["program_board"],
    "run": ["run_images"],
    "doctor": ["found_tools"],
    "bench network": ["bench_network"],
    "bench cnv": ["bench_cnv"],
    "bench popcount": ["bench_popcount"],
    "bench engine": ["bench_engine"],
    "bench unrolled": ["bench_unrolled"],
    "bench precision": ["bench_precision"],
    "bench reuse": ["bench_reuse"],
    "bench planner": ["bench_planner"],
    "bench costs": ["bench_costs"],
    "bench link": ["bench_link"],
    "bench multipliers": ["bench_multipliers"],
    "bench ip": ["bench_ip"],
    "bench import": ["bench_import"],
    "bench whole": ["bench_whole"],
    "bench tasks": ["bench_tasks"],
}
# Arguments that a user names, and those that are not what the option of their name is.
NAMED = ("path", "out", "recipe", "network", "port", "model", "plan", "rule", "parameters")
NAMED += ("sweep", "subject", "first", "second", "bus")
OTHERS = {
    ("cnv", "images"),
    ("popcount", "seeds"),  # the option is their number
    *(("compress", name) for name in ("epochs", "batch", "lr")),  # unset: no training
}


def command(name: str) -> click.Command:
    """The command of that name."""
    group, _, bench = name.rpartition(" ")
    module = import_module(f"subbit.sw.cli.{BENCHES[bench] if group else COMMANDS[name]}")
    found: click.Command = getattr(module, f"{bench}_command")
    return found


def test_every_command_has_its_call() -> None:
    there = {*COMMANDS} - {"bench"} | {f"bench {name}" for name in BENCHES}
    assert {*CALLS} == there - {"bench networks"}
    page = (ROOT / "docs" / "use" / "install.md").read_text()
    for calls in CALLS.values():
        for call in calls:
            assert f"subbit.{call}" in page or call in ("import_file", "check_import"), call


@pytest.mark.parametrize("name", CALLS)
def test_defaults_are_the_same(name: str) -> None:
    made = command(name)
    words: dict[str, list[str]] = {"argument": ["net"], "option": []}
    for param in made.params:
        if param.required and isinstance(param, click.Option):
            words["option"] += [param.opts[0], "there"]
    takes = sum(isinstance(p, click.Argument) and p.nargs == 1 for p in made.params)
    context = made.make_context(name, words["argument"] * takes + words["option"])
    for call in CALLS[name]:
        for argument in inspect.signature(getattr(subbit, call)).parameters.values():
            key = argument.name
            if key in (*NAMED, "board") or key not in context.params:
                continue
            if (name.split()[-1], key) not in OTHERS:
                assert same(argument.default, context.params[key]), (call, key)


def same(found: Any, wanted: Any) -> bool:
    """Whether two defaults mean the same: an option that is not given is None, False or empty."""
    unset = (None, False, ())
    if isinstance(found, Path):
        found, wanted = str(found), str(wanted)
    return bool(found == wanted) or (wanted in unset and found in unset)


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """What a command prints with --json."""
    assert app.run([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_results_are_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    network = subbit.load_network(EXAMPLE)
    small = subbit.board("ulx3s-12f")
    assert printed(capsys, "info", EXAMPLE) == subbit.describe_network(network)
    file = tmp_path / "plan.json"
    goal = ("--board", "ulx3s-12f", "--fps", 30_000, "--clock", 100)
    row = printed(capsys, "plan", EXAMPLE, *goal, "--out", file)
    found = subbit.plan_for(network, small, subbit.Goal(fps=30_000, clock_hz=100e6))
    assert row == subbit.plan_report(found)
    assert subbit.load_plan(file, network) == found.plan
    again = subbit.planned(network, small, found.plan)
    assert printed(capsys, "plan", EXAMPLE, "--board", "ulx3s-12f", "--plan", file) == (
        subbit.plan_report(again)
    )
    assert printed(capsys, "eval", EXAMPLE, "--limit", 30) == (
        subbit.evaluate_dataset(network, limit=30).summary()
    )
    ports = printed(capsys, "rtl", EXAMPLE, "--plan", file, "--out", tmp_path / "a.v")["ports"]
    assert ports == subbit.write_rtl(network, found.plan, tmp_path / "b.v")
    assert (tmp_path / "a.v").read_bytes() == (tmp_path / "b.v").read_bytes()
    assert printed(capsys, "doctor") == subbit.found_tools()


def described(folder: Path) -> tuple[Path, Path]:
    """A small network as arrays and their description."""
    weights = 2 * np.random.default_rng(1).integers(0, 2, (5, 64)) - 1
    np.savez(folder / "small.npz", w=weights)
    rows = {
        "name": "small",
        "input": {"shape": [8, 8, 1], "bits": 4, "encoding": "unsigned"},
        "layers": [
            {"kind": "flatten", "order": "channels-first"},
            {"kind": "linear", "weights": "w"},
            {"kind": "argmax"},
        ],
    }
    (folder / "small.json").write_text(json.dumps(rows))
    return folder / "small.npz", folder / "small.json"


def test_imports_are_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arrays, rows = described(tmp_path)
    out = tmp_path / "out.safetensors"
    row = printed(capsys, "import", arrays, "--description", rows, "--images", 7, "-o", out)
    found = subbit.import_network(arrays, tmp_path / "b.safetensors", images=7, description=rows)
    assert row == {**found.report, "out": str(out)}
    assert out.read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert load_network(out).digest == found.network.digest


class Coded(nn.Module):
    """A layer of the reference code's names."""

    def __init__(self) -> None:
        super().__init__()
        made = CodebookEncoder((4, 4, 3, 3), tau=3)
        self.weight = nn.Parameter(made.latent.detach().clone())
        self.binarize = nn.Module()
        self.binarize.patterns = nn.Parameter(made.patterns.detach().clone())


def test_checkpoints_are_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, folder = tmp_path / "net.pth", tmp_path / "layers"
    torch.manual_seed(1)
    torch.save({"state_dict": nn.ModuleDict({"conv": Coded()}).state_dict()}, path)
    row = printed(capsys, "import", path, "--rule", "codebook", "-o", folder)
    assert row == subbit.import_checkpoint(path, folder, "codebook")
    text = message(lambda: subbit.import_checkpoint(path, folder, "tile"), NetworkError)
    assert text == "there is no rule 'tile'; it is codebook or tiled"


CALLED: list[tuple[Callable[[], object], type[SubbitError], str]] = [
    (
        lambda: subbit.plan_for(
            subbit.load_network(EXAMPLE), subbit.board("ulx3s-12f"), subbit.Goal(fps=1e8)
        ),
        FitError,
        "100,000,000 frames/s of digits-plain does not fit ulx3s-12f: ",
    ),
    (lambda: subbit.run_images("sim", samples=1), LinkError, "a simulated board needs the network"),
    (lambda: subbit.run_images("sim"), LinkError, "name images, or ask for a number of samples"),
]


@pytest.mark.parametrize(("call", "error", "expected"), CALLED)
def test_calls_say_what_is_wrong(
    call: Callable[[], object], error: type[SubbitError], expected: str
) -> None:
    assert message(call, error).startswith(expected)
