"""What the bench of the link counts."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from click.testing import CliRunner

from subbit.hw.link.protocol import LinkInfo
from subbit.sw.bench.link import DIGITS, LinkResult, Watched, bench_link, call, logits_of
from subbit.sw.cli.bench_link import link_command
from subbit.sw.host.loopback import BoardModel, Faults


def test_ten_thousand_frames_over_a_line_that_damages_a_byte_of_a_hundred() -> None:
    result = bench_link()
    assert (result.frames, result.damage) == (10_000, 0.01)
    assert (result.right, result.failed, result.wrong, result.hung) == (10_000, 0, 0, 0)
    assert 20_000 < result.requests < 30_000


def codes(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 16, (count, 8, 8, 1))


def test_a_wrong_result_is_counted() -> None:
    def swapped(code: np.ndarray) -> np.ndarray:
        logits = logits_of(DIGITS, code)
        return logits[::-1] if code[0, 0, 0] == 3 else logits

    line = Watched(BoardModel(DIGITS, swapped), Faults())
    found = call(line, DIGITS, codes(50))
    threes = int((codes(50)[:, 0, 0, 0] == 3).sum())
    assert threes > 0
    assert (found["wrong"], found["right"], found["failed"]) == (threes, 50 - threes, 0)


def test_a_call_without_an_end_is_counted() -> None:
    class Endless(Watched):
        def read(self, limit: int, timeout_s: float) -> bytes:
            while True:
                super().read(limit, 0)

    line = Endless(BoardModel(DIGITS, lambda code: logits_of(DIGITS, code)), Faults())
    assert call(line, DIGITS, codes(5))["hung"] == 5


def test_a_line_without_a_board_fails() -> None:
    line = Watched(BoardModel(DIGITS, lambda code: logits_of(DIGITS, code)), Faults(drop=1.0))
    assert call(line, DIGITS, codes(5))["failed"] == 5


@pytest.mark.parametrize(("damage", "code"), [("0.005", 0), ("0.3", 1)])
def test_the_command_ends_with_1_where_frames_fail(damage: str, code: int) -> None:
    arguments = ["--frames", "100", "--damage", damage, "--json"]
    result = CliRunner().invoke(link_command, arguments, standalone_mode=False)
    row = json.loads(result.output)
    assert set(row) == set(asdict(LinkResult(0, 0, 0, 0, 0, 0, 0.0, 0, 0)))
    assert row["right"] + row["failed"] + row["wrong"] + row["hung"] == row["frames"] == 100
    assert result.return_value == code == (row["failed"] > 1)


def test_frames_are_those_of_the_network_named() -> None:
    assert LinkInfo.unpack(DIGITS.pack()) == DIGITS
    assert len({tuple(logits_of(DIGITS, code)) for code in codes(500)}) == 500
