"""The names of what a simulation gives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subbit.boards import board
from subbit.sim.run import Fed, SimResult, with_labels, write_sim_report
from subbit.sw.ir import Network
from subbit.sw.lower.plan import smallest_plan
from tests.networks import decoder_network, small_network


def result(classes: np.ndarray) -> SimResult:
    """A result of two frames with these classes."""
    rest = {"interval_cycles": 9, "predicted_interval_cycles": 9, "latency_cycles": 9}
    return SimResult(
        **(rest | {"predicted_latency_cycles": 9, "cycles": 99}),
        **{"network": "n", "frames": 2, "backpressure": "none", "seed": 1, "images": "codes"},
        **{"golden": True, "streams": 1, "mismatches": 0, "first_difference": None},
        cycles_per_second=1.0,
        classes=classes,
    )


@pytest.mark.parametrize(
    ("network", "classes", "labels", "wanted"),
    [
        (small_network("plain"), np.array([3, 1]), ("3", "1"), ("1", "2")),
        (decoder_network(), np.ones((2, 5, 5), np.int64), (), None),
    ],
)
def test_classes_of_frames_have_names(
    network: Network, classes: np.ndarray, labels: tuple[str, ...], wanted: tuple[str, ...] | None
) -> None:
    named = with_labels(result(classes), network, Fed(np.zeros(0), wanted=("1", "2")))
    assert (named.labels, named.wanted) == (labels, wanted)
    assert named.summary()["classes"] == classes.tolist()


@pytest.mark.parametrize(
    ("changes", "said", "confirmed"),
    [
        ({}, "and each beat moved in the cycle that the model says", True),
        ({"backpressure": "random"}, "with random pauses at both ends", False),
        ({"mismatches": 7}, "7 mismatches", False),
    ],
)
def test_a_simulation_has_a_page(
    changes: dict[str, object], said: str, confirmed: bool, tmp_path: Path
) -> None:
    network, path = small_network("plain"), tmp_path / "report.html"
    found = replace(result(np.array([3, 1])), **changes)
    write_sim_report(path, network, smallest_plan(network), board("ulx3s-12f"), found)
    text = path.read_text()
    assert said in text
    assert ("The simulation has confirmed the cycle of every beat." in text) is confirmed
