"""docs/how-it-works/precision.md is true: its example, its refusals and its numbers."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.dot.planes import plane_groups
from subbit.hw.dot.products import ProductsUnit
from subbit.sw.errors import SubbitError
from subbit.sw.ir import BinaryWeights, Encoding, PlanesWeights, TensorType, Threshold
from subbit.sw.ir.planes import odd_planes
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from tests.networks import small_network
from tests.paths import DOCS

PAGE = (DOCS / "how-it-works" / "precision.md").read_text()


def test_the_example_runs() -> None:
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "precision.md", "exec"), {})


def plane(inputs: int) -> BinaryWeights:
    return BinaryWeights(np.ones((4, inputs), np.uint8))


def stage(name: str = "planes", **settings: Any) -> Any:
    """The units of the first stage of a network that reads 4-bit pixels."""
    network = small_network(name)
    first = smallest_plan(network).stages[0]
    assert isinstance(first, DotStage)
    return replace(first, **settings).units(network)


def packed(count: int) -> ProductsUnit:
    """So many outputs of 8 x 8 bits in a multiplier."""
    weights = odd_planes(np.tile([255, 1, -255], (4, 3)), 8)
    return ProductsUnit(
        weights=weights,
        encoding=Encoding.BIPOLAR,
        bits=8,
        masked=False,
        pe=2,
        simd=9,
        vectors=1,
        packed=count,
    )


REFUSED: list[Callable[[], Any]] = [
    lambda: TensorType.codes(1, 1, 1, 9),
    lambda: Threshold([[1, 2, 3], [1, 3, 2]], [1, 1]),
    lambda: PlanesWeights((plane(3), plane(2))),
    lambda: PlanesWeights((plane(2),) * 2, (1, 3)),
    lambda: PlanesWeights((plane(2),) * 2, (1,)),
    lambda: stage("plain", engine="multipliers"),
    lambda: packed(2),
    lambda: stage(x_branches=3),
    lambda: plane_groups(PlanesWeights((plane(2),) * 4, (1, 1, 2, 4)), 2),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_refused(number: int) -> None:
    with pytest.raises(SubbitError) as caught:
        REFUSED[number]()
    rows = re.findall(r"^\| [^|]+ \| `([^|]+)` \|$", PAGE, re.MULTILINE)
    assert rows[number] == str(caught.value)
    assert len(rows) == len(REFUSED)


def test_ratios_are_within_what_the_branches_allow() -> None:
    rows = re.findall(
        r"^\| (\d)/(\d) \| (\d+) \|(?: [\d,]+ \|){3} ([\d.]+) \|.*\| ([\d.]+) \|$", PAGE, re.M
    )
    assert [(int(m), int(k)) for m, k, *_ in rows] == [(1, 1), (2, 2), (4, 4), (8, 1)]
    for m, k, branches, ratio, portable in rows:
        assert int(m) * int(k) == int(branches)
        assert max(float(ratio), float(portable)) <= int(branches)
