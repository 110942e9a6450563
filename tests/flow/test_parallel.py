"""Several runs at a time: order, failure, and the fastest of several seeds."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from subbit.boards import board
from subbit.sw.flow.parallel import cores, in_parallel
from subbit.sw.flow.route import place_and_route
from tests.flow.builds import Built

BOARD = board("ulx3s")


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_in_order(jobs: int) -> None:
    seen: set[int] = set()

    def run(item: int, on_line: Callable[[str], None]) -> int:
        on_line("begun")
        time.sleep(0.01 * (3 - item))
        seen.add(threading.get_ident())
        return item * item

    assert in_parallel([0, 1, 2], run, jobs) == [0, 1, 4]
    assert len(seen) == jobs
    assert cores() >= 1


def test_a_failure_ends_the_others() -> None:
    lines = []

    def run(item: int, on_line: Callable[[str], None]) -> None:
        if item:
            raise ValueError("too large")
        for line in range(1000):
            on_line("routing")
            lines.append(line)
            time.sleep(0.01)

    with pytest.raises(ValueError, match="too large"):
        in_parallel([1, 0], run, 2)
    assert len(lines) < 1000


def test_the_fastest_seed_is_kept(built: Built, tmp_path: Path) -> None:
    for suffix in ("json", "lpf"):
        name = f"top.{suffix}"
        (tmp_path / name).write_bytes((built.folder / name).read_bytes())
    each = [
        place_and_route(tmp_path, BOARD, name="top", design="echo", seeds=(seed,))
        for seed in (1, 2)
    ]
    best = place_and_route(tmp_path, BOARD, name="top", design="echo", seeds=(1, 2))
    fastest = max(each, key=lambda routed: routed.rank)
    assert (best.seed, best.fmax_hz) == (fastest.seed, fastest.fmax_hz)
    assert best.config == tmp_path / "top.config"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"top.json", "top.lpf", "top.config", "route.log", "timing.json"}
    timing = json.loads((tmp_path / "timing.json").read_text())
    reached = max(clock["achieved"] for clock in timing["fmax"].values())
    assert reached * 1e6 in [reached for reached, _ in best.fmax_hz]
