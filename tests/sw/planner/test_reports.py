"""What `subbit plan` prints of a plan: what bounds it, why nothing is faster, what to change."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from subbit.boards import board
from subbit.sw.bench.unlike import RandomNetwork
from subbit.sw.cli.plan import plan_command, sentences
from subbit.sw.ir import save_network
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.lower.plan import Plan, save_plan, smallest_plan
from subbit.sw.planner.goal import (
    Goal,
    planned,
)
from subbit.sw.planner.most import least_plan
from subbit.sw.planner.report import describe, ended, next_step
from tests.networks import small_network

ULX3S = board("ulx3s-85f")
SMALL = board("ulx3s-12f")


def run(*arguments: Any) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of `subbit plan`."""
    texts = list(map(str, arguments))
    result = CliRunner().invoke(plan_command, [*texts, "--json"], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, json.loads(result.stdout)


def test_the_command_shows_an_edited_plan(tmp_path: Path) -> None:
    network, file = small_network("plain"), tmp_path / "plan.json"
    save_network(network, tmp_path / "net.safetensors")
    code, first = run(tmp_path / "net.safetensors", "--out", file)
    assert code == 0
    assert first["next"] is None or first["next"]["cycles"] < first["interval_cycles"]
    assert not first["lacking"]
    row = json.loads(file.read_text())
    slowed = next(stage for stage in row["stages"] if stage.get("pe", 1) > 1)
    slowed["pe"] = 1
    file.write_text(json.dumps(row))
    code, again = run(tmp_path / "net.safetensors", "--plan", file)
    assert code == 0
    assert again["interval_cycles"] > first["interval_cycles"]
    assert again["bound_by"] == slowed["layers"]
    assert again["lut4"] < first["lut4"]


def test_a_plan_that_is_too_large_exits_with_1(tmp_path: Path) -> None:
    b = RandomNetwork(1)
    b.conv(64, 1)
    b.sign(64, 300)
    b.conv(64, 64)
    b.sign(64, 90)
    b.add(Flatten())
    b.linear(10, 64 * 16)
    network = b.network("large", 4, 1, 1)
    stages = list(smallest_plan(network).stages)
    widest: dict[str, Any] = {"pe": 64, "simd": 576}
    stages[1] = replace(stages[1], **widest)
    save_network(network, tmp_path / "net.safetensors")
    save_plan(Plan(network.digest, tuple(stages)), tmp_path / "plan.json")
    code, row = run(
        *(tmp_path / "net.safetensors", "--plan", tmp_path / "plan.json", "--board", "ulx3s-12f")
    )
    assert code == 1
    assert row["lacking"]["lut4"] > 0


def test_the_command_says_why_nothing_is_faster(tmp_path: Path) -> None:
    save_network(small_network("plain"), tmp_path / "net.safetensors")
    arguments = (tmp_path / "net.safetensors", "--max", "--board", "ulx3s-12f")
    _, row = run(*arguments)
    assert row["ended"]["by"] == "device"
    assert row["ended"]["reserve"] == 0.2
    lacking_cells = row["ended"]["lacking"]
    assert all(row["next"]["lacking"][kind] == more for kind, more in lacking_cells.items())
    assert "the device is full with 20% in reserve: " in "\n".join(sentences(row))
    assert run(*arguments[:1])[1]["ended"] is None


def test_ends_of_small_networks_are_told_apart() -> None:
    b = RandomNetwork(2)
    b.add(Flatten())
    b.linear(4, 4)
    network = b.network("tiny", 2, 1, 1)
    result = least_plan(network, ULX3S, Goal())
    assert result.timing.interval_cycles == 1
    assert ended(result, Goal(), None).by == "cycle"
    slow = planned(network, ULX3S, smallest_plan(network))
    assert ended(slow, Goal(), None).by == "stage"
    after = next_step(slow)
    assert after is not None
    assert after.cycles < slow.slowest.cycles
    assert ended(slow, Goal(), after).by == "device"


def test_tiles_that_share_no_rows_are_named_with_what_would_help() -> None:
    b = RandomNetwork(1)
    b.conv(4, 1)
    b.sign(4, 300)
    b.add(Flatten())
    odd = b.linear(8, 4 * 36, repeats=3)
    b.sign(8, 20)
    b.linear(8, 8, repeats=4)
    result = planned((network := b.network("odd", 6, 1, 4)), ULX3S, smallest_plan(network))
    assert describe(result, None)["notes"] == [
        f"{odd} saves memory alone: p=3 does not divide the 8 outputs, so each output has a row of "
        "its own; p=2, 4, 8 would share rows"
    ]
