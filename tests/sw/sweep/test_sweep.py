"""Sweeps: their points, results that are kept, failures that are rows."""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from subbit.sw.errors import SubbitError, ToolError
from subbit.sw.ir import save_network
from subbit.sw.sweep import processes, run
from subbit.sw.sweep.run import pareto, run_sweep
from subbit.sw.sweep.spec import Point, load_sweep
from tests.networks import small_network
from tests.paths import EXAMPLES

TEXT = """
networks = ["a.safetensors", "b.safetensors"]
boards = ["ulx3s-12f", "icebreaker"]
lut4 = [1000, 2000]
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """A sweep of eight points."""
    for name, kind in (("a", "plain"), ("b", "tiled")):
        save_network(small_network(kind), tmp_path / f"{name}.safetensors")
    path = tmp_path / "sweep.toml"
    path.write_text(TEXT)
    return path


class Here(Executor):
    """Runs points in this process; ``asked`` lists them."""

    def __init__(self) -> None:
        self.asked: list[Point] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.asked.append(args[0])
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def made_up(point: Point, builds: str) -> dict[str, Any]:
    """A row that depends on the point."""
    return {"fps": point.lut4_most, "accuracy": 0.5, "lut4": 7, "weight_bits": len(point.board)}


def test_all_combinations(sweep: Path) -> None:
    points = load_sweep(sweep).points
    assert len(points) == len({point.key for point in points}) == 8
    assert [point.lut4_most for point in points] == [1000, 2000] * 4
    assert {(point.do, point.fps_wanted, point.seed) for point in points} == {("plan", None, None)}
    sweep.write_text(TEXT + 'do = "build"\nseeds = [1, 2, 1]\nfps = [10.0]\n')
    points = load_sweep(sweep).points
    assert len(points) == 16
    assert {point.seed for point in points} == {1, 2}


def test_a_key_is_of_the_network_and_not_of_its_file(sweep: Path) -> None:
    before = load_sweep(sweep).points[0]
    (sweep.parent / "a.safetensors").rename(sweep.parent / "c.safetensors")
    sweep.write_text(TEXT.replace("a.", "c."))
    assert load_sweep(sweep).points[0].key == before.key
    save_network(small_network("plain", 2), sweep.parent / "c.safetensors")
    assert load_sweep(sweep).points[0].key != before.key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "not a sweep"),
        ("colour = 1", "unknown key 'colour'"),
        ("do = 'train'", "'do' is one of plan, build"),
        ("boards = ['ulx3s']", "'networks' must be a list"),
        (TEXT.replace("icebreaker", "icebraker"), "the nearest known one is 'icebreaker'"),
        (TEXT.replace("1000", "0"), "'lut4' has numbers from 1"),
        (TEXT.replace("1000", "true"), "not True"),
        (TEXT + "seeds = [1]", "a sweep of plans has none"),
        (TEXT + "fps = []", "'fps' must be a list of numbers"),
        (TEXT + "fps = [nan]", "not nan"),
        (TEXT + "reserve = [1.5]", "'reserve' has numbers from 0 to 0.99"),
        (TEXT + f"fps = {list(range(1, 2000))}", "at most 10,000 points, and this one 15,992"),
        (TEXT.replace("a.", "gone."), "gone.safetensors"),
    ],
)
def test_sweeps_that_are_none(text: str, message: str, sweep: Path) -> None:
    sweep.write_text(text)
    with pytest.raises(SubbitError, match=r"sweep\.toml: ") as caught:
        load_sweep(sweep)
    assert message in str(caught.value)


def test_what_is_there_is_not_done_again(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted sweep goes on, and another one takes what they have in common."""
    monkeypatch.setattr(run, "run_point", made_up)
    folder, first, seen = tmp_path / "kept", Here(), list[str]()

    def stop(point: Point, row: dict[str, Any]) -> None:
        seen.append(point.key)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(sweep, folder=folder, executor=first, told=stop)
    again = Here()
    found = run_sweep(sweep, folder=folder, executor=again)
    assert {point.key for point in again.asked}.isdisjoint(seen)
    assert len(again.asked) == 5
    assert [row["fps"] for row in found.rows] == [1000, 2000] * 4
    assert sum(row["kept"] for row in found.rows) == 3
    sweep.write_text(TEXT.replace("2000", "3000"))
    other = Here()
    assert run_sweep(sweep, folder=folder, executor=other).failed == 0
    assert {point.lut4_most for point in other.asked} == {3000}


def test_a_damaged_result_is_made_again(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "run_point", made_up)
    run_sweep(sweep, folder=tmp_path / "kept", executor=Here())
    files = sorted((tmp_path / "kept" / "results").iterdir())
    assert len(files) == 8
    files[0].write_text("{")
    again = Here()
    run_sweep(sweep, folder=tmp_path / "kept", executor=again)
    assert [f"{point.key}.json" for point in again.asked] == [files[0].name]


def test_failures_are_rows(sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may be mended is tried again; what does not fit is kept."""

    def failing(point: Point, builds: str) -> dict[str, Any]:
        if point.lut4_most == 1000:
            raise ToolError("no tool")
        return {"error": "too small"} if point.board == "icebreaker" else made_up(point, builds)

    monkeypatch.setattr(run, "run_point", failing)
    found = run_sweep(sweep, folder=tmp_path / "kept", executor=Here())
    assert [row.get("error") for row in found.rows] == ["no tool", None, "no tool", "too small"] * 2
    assert found.failed == 6
    again = Here()
    run_sweep(sweep, folder=tmp_path / "kept", executor=again)
    assert {point.lut4_most for point in again.asked} == {1000}


def test_points_that_no_other_beats() -> None:
    rows = [
        {"fps": 10, "accuracy": 0.9, "lut4": 5, "weight_bits": 1},
        {"fps": 10, "accuracy": 0.9, "lut4": 6, "weight_bits": 1},
        {"fps": 20, "accuracy": 0.8, "lut4": 5, "weight_bits": 1},
        {"error": "too small"},
        {"fps": 10, "accuracy": None, "lut4": 4, "weight_bits": 1},
        {"fps": 10, "accuracy": 0.9, "lut4": 5, "weight_bits": 1},
    ]
    assert pareto(rows) == {0, 2, 4, 5}


def dying(out: Connection, point: Point, builds: str) -> None:
    """A process that dies: of board ulx3s-12f always, else at its first try."""
    first = Path(builds) / f"{point.key}-began"
    first.parent.mkdir(parents=True, exist_ok=True)
    if point.board == "ulx3s-12f" or not first.exists():
        first.touch()
        os.kill(os.getpid(), 9)
    out.send((made_up(point, builds), None))


def test_processes_that_die(sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A point whose process is killed is tried again, and costs no other one its result."""
    monkeypatch.setattr(processes, "work", dying)
    sweep.write_text(TEXT.replace('"b.safetensors"', "").replace("1000, ", ""))
    found = run_sweep(sweep, folder=tmp_path / "kept", jobs=2)
    assert [row.get("error") for row in found.rows] == ["its process has died 3 times", None]
    assert found.rows[1]["fps"] == 2000


def test_plans_are_what_the_planner_makes(sweep: Path, tmp_path: Path) -> None:
    from subbit.boards import board
    from subbit.sw.planner import Goal, plan_for

    sweep.write_text(TEXT.replace(', "b.safetensors"', "").replace("1000, 2000", "3, 3000"))
    found = run_sweep(sweep, folder=tmp_path / "kept", jobs=1)
    wanted = plan_for(small_network("plain"), board("icebreaker"), Goal(lut4=3000, wires=True))
    small, _, _, row = found.rows
    assert row["plan"] == [stage.to_json() for stage in wanted.plan.stages]
    assert row["interval_cycles"] == wanted.timing.interval_cycles
    assert row["lut4"] == wanted.design.lut4
    assert "LUT4" in small["error"]


def test_the_example_can_be_read() -> None:
    assert len(load_sweep(EXAMPLES / "sweeps" / "digits.toml").points) == 12
