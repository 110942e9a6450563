"""What the planner says where nothing fits, and what it proposes instead."""

from pathlib import Path

import pytest

from subbit.boards import BOARDS, Board, board
from subbit.sw.bench.unlike import RandomNetwork
from subbit.sw.cli.plan import sentences
from subbit.sw.errors import FitError
from subbit.sw.ir import Network
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.planner.advice import would_do
from subbit.sw.planner.choose import choose
from subbit.sw.planner.costs import Costs
from subbit.sw.planner.goal import (
    Goal,
    NothingFits,
)
from subbit.sw.planner.most import least_plan
from subbit.sw.planner.report import plan_report
from subbit.sw.planner.search import Search
from tests.networks import small_network

ULX3S = board("ulx3s-85f")
SMALL = board("ulx3s-12f")


def refusal(network: Network, where: Board, goal: Goal) -> str:
    """The message of a goal that cannot be reached."""
    with pytest.raises(FitError) as error:
        choose(network, where, None, goal)
    return str(error.value)


def heavy(outputs: int = 1024) -> Network:
    """A network of more weights than a small board holds."""
    b = RandomNetwork(5)
    b.add(Flatten())
    b.linear(1024, 64)
    b.sign(1024, 9)
    b.linear(outputs, 1024)
    return b.network("heavy", 8, 1, 1)


def test_a_refusal_says_what_is_short_and_what_would_do() -> None:
    text = refusal(small_network("plain"), SMALL, Goal(fps=1e9))
    assert "does not fit ulx3s-12f: a frame more than once a cycle is asked for" in text
    assert "; at most about " in text
    assert text.endswith("; choose fewer frames/s")
    slow = refusal(small_network("plain"), SMALL, Goal(fps=900, clock_hz=1000.0))
    assert slow.startswith("900 frames/s of plain does not fit ulx3s-12f: it needs ")


def test_more_in_reserve_than_usual_is_named() -> None:
    text = refusal(small_network("plain"), SMALL, Goal(reserve=0.97))
    assert "it needs " in text
    assert " of 728 (with 97% of the device in reserve), " in text
    assert "; with --reserve 20% it would do; the smallest board that would do is ulx3s-" in text


def test_a_board_of_another_fabric_is_named() -> None:
    text = refusal(heavy(256), board("icebreaker"), Goal())
    assert "block RAMs of 24 (with 20% of the device in reserve)" in text
    assert "; the smallest board that would do is ulx3s-12f; on icebreaker " in text


def test_a_board_that_has_no_more_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subbit.sw.planner.advice.feasible", lambda *_: True)
    search = Search(network := small_network("plain"), Costs(network, "ecp5"))
    assert next(would_do(board("ulx3s-25f"), Goal(), search)).endswith("ulx3s-45f")


def test_a_plan_that_does_not_fit_says_what_would(tmp_path: Path) -> None:
    network = heavy()
    row = plan_report(choose(network, SMALL))
    assert row["lacking"]["block_rams"] > 0
    assert row["would_do"][0] == "the smallest board that would do is ulx3s-45f"
    assert row["would_do"][1] == "on ulx3s-12f it would do with weights tiled p=2"
    assert sentences(row)[-1].endswith("; ".join(["too many", *row["would_do"]]))
    assert plan_report(choose(network, ULX3S))["would_do"] == []


def test_weights_that_are_too_many_lead_to_a_board_or_fewer_bits() -> None:
    network = heavy()
    text = refusal(network, SMALL, Goal())
    assert "heavy does not fit ulx3s-12f: it needs " in text
    assert (
        "LUT4 of 19,430 (with 20% of the device in reserve)" in text or "block RAMs of 44" in text
    )
    assert "the smallest board that would do is ulx3s-45f" in text
    assert "on ulx3s-12f it would do with weights tiled p=2" in text


def test_no_plan_is_no_answer() -> None:
    with pytest.raises(NothingFits) as error:
        least_plan(small_network("plain"), SMALL, Goal(lut4=10))
    assert error.value.needs is not None
    assert error.value.needs.lut4 > 10
    assert set(BOARDS) >= {SMALL.name, ULX3S.name}


@pytest.mark.parametrize(("block_rams", "named"), [(1, True), (1000, False)])
def test_settings_that_save_less_than_is_short_are_not_tried(block_rams: int, named: bool) -> None:
    search = Search(network := heavy(), Costs(network, "ecp5"))
    texts = would_do(SMALL, Goal(), search, {"block_rams": block_rams})
    assert any("it would do with weights tiled" in text for text in texts) == named
