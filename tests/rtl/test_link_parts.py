"""Results in parts from the simulated host link, on lines good and bad."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from subbit.hw.link.protocol import LinkInfo
from subbit.sw.host.device import Device
from subbit.sw.host.loopback import Faults
from subbit.sw.host.simulated_board import SimulatedBoard
from subbit.sw.host.transport import Transport
from subbit.sw.ir import Encoding
from tests.hw.link.link_sums import LinkedSums, sums_of
from tests.noisy_transport import NoisyTransport

# Ten numbers and the class: parts of 4, 4 and 3 numbers.
INFO = LinkInfo(
    digest="71" * 32,
    height=3,
    width=4,
    channels=1,
    bits=4,
    encoding=Encoding.UNSIGNED,
    logits=10,
    logit_bytes=4,
    clock_hz=0,
    name="in parts",
    window=4,
    part_bytes=16,
)


@pytest.fixture(scope="module")
def board(models: Path) -> Iterator[SimulatedBoard]:
    component = LinkedSums(info=INFO)
    with SimulatedBoard(component, name="parts", models=models) as simulated:
        yield simulated


def check(line: Transport, count: int, timeout_s: float) -> Device:
    """Every number of so many frames is right; the device that was used."""
    codes = np.random.default_rng(count).integers(0, 16, (count, *INFO.shape))
    with Device(line, timeout_s=timeout_s, retries=40) as device:
        assert device.identify() == INFO
        classes, logits = device.infer(codes)
    wanted = sums_of(INFO, codes)
    np.testing.assert_array_equal(logits, wanted[1])
    np.testing.assert_array_equal(classes, wanted[0])
    return device


def test_good_line(board: SimulatedBoard) -> None:
    counts = check(board.transport(), 30, 20.0).statistics
    assert (counts.requests, counts.results, counts.repeats) == (31, 30, 0)


def test_a_bad_line_changes_nothing_but_the_time(board: SimulatedBoard) -> None:
    faults = Faults(drop=0.002, flip=0.002, insert=0.002, seed=5)
    counts = check(NoisyTransport(board.transport(), faults), 40, 2.0).statistics
    assert counts.repeats > 0
    counts = check(board.transport(), 5, 20.0).statistics
    assert counts.repeats == 0
