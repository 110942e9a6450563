"""The names of what a simulation gives."""

import numpy as np
import pytest

from subbit.sim.run import Fed, SimResult, with_labels
from subbit.sw.ir import Network
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
