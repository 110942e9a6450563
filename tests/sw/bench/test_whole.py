"""subbit bench whole: pairs of plans at equal LUT4s, and what is said of them."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from subbit.boards import board
from subbit.sw.bench import whole
from subbit.sw.cli.bench import bench_command
from subbit.sw.errors import SubbitError
from subbit.sw.planner.goal import Goal
from tests.networks import small_network

ULX3S = board("ulx3s-85f")
RESERVE = 0.9  # so that the small networks are bound by what there is


@pytest.fixture(scope="module")
def lines() -> dict[str, whole.Line]:
    return {
        name: whole.Line(small_network(name), ULX3S, Goal(reserve=RESERVE))
        for name in ("plain", "tiled")
    }


def test_a_row_of_two_plans_of_as_many_lut4s(lines: dict[str, whole.Line]) -> None:
    row, mine = whole.compared("small", "tiled", lines["tiled"], lines["plain"])
    assert row.lut4 == mine.design.lut4
    assert row.equal == (abs(row.lut4 - row.plain_lut4) <= 0.03 * max(row.lut4, row.plain_lut4))
    assert row.ratio == pytest.approx(row.fps / row.plain_fps, abs=1e-3)
    assert row.most_fps >= row.fps
    assert sum(part["lut4"] for part in row.parts) == row.lut4
    assert row.parts[-1]["layers"] == ["link and clocks"]
    slowest = max(row.parts, key=lambda part: part["cycles"])
    assert row.bound_by.startswith(f"{slowest['layers'][0]}: ")
    assert slowest["cycles"] <= row.interval_cycles
    json.dumps(asdict(row), allow_nan=False)


def test_plain_is_compared_with_itself(lines: dict[str, whole.Line]) -> None:
    row, mine = whole.compared("small", "plain", lines["plain"], lines["plain"])
    assert mine is lines["plain"].most
    assert (row.ratio, row.equal, row.fps, row.lut4) == (1.0, True, row.most_fps, row.most_lut4)


def test_the_larger_plan_is_made_smaller(lines: dict[str, whole.Line]) -> None:
    pair = whole.at_equal_lut4(lines["tiled"], lines["plain"])
    first = lines["tiled"].most, lines["plain"].most
    assert whole.apart(*pair) <= whole.apart(*first)
    assert whole.at_equal_lut4(lines["plain"], lines["plain"]) == (first[1], first[1])


def test_why_a_plan_is_no_faster(lines: dict[str, whole.Line]) -> None:
    line = lines["plain"]
    small = line.within(900)
    text, short = line.bound(small)
    assert "for more, short of" in text
    assert short["lut4"] > 0
    free = whole.Line(small_network("plain"), ULX3S, Goal(reserve=0.0))
    assert free.bound(free.most)[0].endswith("nothing is faster")


def test_cnv_without_its_parameters() -> None:
    """Random ones of few channels give all three, as their kinds say."""
    plain = whole.random_cnv((3, 16, 16, 32, 32, 32, 32, 64, 64, 10))
    assert plain.input_type.shape == (32, 32, 3)
    made = whole.encodings(plain)
    kinds = {name: {n.layer.kind for n in net.nodes} for name, net in made.items()}
    assert kinds["plain"] == kinds["codebook"] == kinds["tiled"]
    bits = {name: network.weight_bits for name, network in made.items()}
    assert bits["codebook"] < bits["plain"]
    assert bits["tiled"] < bits["plain"] / 4


def test_the_command_prints_rows_or_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {name: small_network(name) for name in ("plain", "codebook", "tiled")}
    monkeypatch.setitem(whole.NETWORKS, "digits", lambda _: made)
    words = ["whole", "digits", "--reserve", "90%"]
    found = CliRunner().invoke(bench_command, [*words, "--json"], standalone_mode=False)
    rows = json.loads(found.stdout)["rows"]
    assert [row["encoding"] for row in rows] == ["plain", "codebook", "tiled"]
    assert all({"lut4", "fps", "ratio", "bound_by"} <= row.keys() for row in rows)
    shown = CliRunner().invoke(bench_command, words, standalone_mode=False)
    assert "90% in reserve" in shown.stdout


def test_routed_rows_have_the_seed_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = {"plain": small_network("plain")}
    monkeypatch.setitem(whole.NETWORKS, "digits", lambda _: made)
    monkeypatch.setattr(whole, "built", lambda row, plan, seed, progress: {"seed": seed})
    found = whole.bench_whole(["digits"], reserve=RESERVE, route=True, seed=4)
    assert [row.routed for row in found.rows] == [{"seed": 4}]


def test_a_network_that_there_is_not() -> None:
    with pytest.raises(SubbitError, match="no network 'cnn'; there are digits, mnist, cnv"):
        whole.bench_whole(["cnn"])
