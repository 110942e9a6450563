"""What is found wrong before a build begins."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from subbit.boards import board
from subbit.sw.errors import NetworkError
from subbit.sw.flow.bitstream import accuracy, build_bitstream
from subbit.sw.lower.plan import Plan
from tests.networks import small_network


@pytest.mark.parametrize(
    ("said", "share"),
    [
        (None, None),
        ({"correct": 1, "images": 3}, 0.333333),
        ({"correct": 3, "images": 3, "split": "test"}, 1.0),
        ({"correct": 0, "images": 0}, None),
        ({}, None),
        (0.5, 0.5),
        (1, 1.0),
    ],
)
def test_accuracy_of_the_metadata(said: Any, share: float | None) -> None:
    network = replace(small_network("plain"), metadata={"accuracy": said})
    assert accuracy(network) == share


@pytest.mark.parametrize(
    "said",
    [
        {"correct": "many", "images": 3},
        {"correct": 4, "images": 3},
        {"correct": -1, "images": 3},
        {"correct": 1},
        {"correct": 1.5, "images": 3},
        {"correct": True, "images": 3},
        {"correct": 1, "images": None},
        [1, 3],
        "98 %",
        1.5,
        -0.1,
        True,
        "x" * 5000,
    ],
)
def test_malformed_accuracy_is_found_before_anything_is_built(said: Any, tmp_path: Path) -> None:
    network = replace(small_network("plain"), metadata={"accuracy": said})
    with pytest.raises(NetworkError, match=r"metadata\.accuracy is a share from 0 to 1") as error:
        build_bitstream(network, Plan(network.digest, ()), board("ulx3s"), tmp_path / "out")
    assert len(str(error.value)) < 500
    assert not list(tmp_path.iterdir())
