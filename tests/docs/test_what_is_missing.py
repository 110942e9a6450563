"""Nothing is missing of what there is; and what would be missing of something new is named."""

from dataclasses import replace
from typing import ClassVar

import pytest

from subbit.boards import BOARDS
from subbit.hw.contract.unit import Unit
from subbit.hw.streams.fifo import FifoUnit
from subbit.sw.ir.kinds import KINDS, LayerKind
from subbit.sw.ir.layer import Layer
from tests.docs.missing import (
    FORMAT,
    lacks_of_board,
    lacks_of_kind,
    lacks_of_rule,
    lacks_of_unit,
    rules,
    unit_kinds,
)

COST_CASE = "cost: a case in UNITS of tests/hw/contract/test_costs.py"
# What is known to be missing. A line that is no longer true has to go.
WITHOUT_COST = {"DownsizeUnit", "UpsizeUnit"}
NOT_COMPARED = {
    *("AffineUnit", "ArgmaxUnit", "BlockLookupUnit", "DealUnit", "DepthwiseUnit", "DotUnit"),
    *("DownsizeUnit", "FifoUnit", "ForkUnit", "LookupUnit", "MaxPool2dUnit", "SharedRowsUnit"),
    *("ThresholdUnit", "UpsizeUnit"),
}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.__name__)
def test_every_rule_is_a_kind(rule: type[Layer]) -> None:
    assert lacks_of_rule(rule) == []


@pytest.mark.parametrize("name", KINDS)
def test_no_kind_of_layer_lacks_anything(name: str) -> None:
    assert lacks_of_kind(name, KINDS[name]) == []


@pytest.mark.parametrize("kind", unit_kinds(), ids=lambda kind: kind.__name__)
def test_no_unit_lacks_anything(kind: type[Unit]) -> None:
    name = kind.__name__
    known = [f"cost: {name}.cost"] * (name in WITHOUT_COST) + [COST_CASE] * (name in NOT_COMPARED)
    assert lacks_of_unit(kind) == known


@pytest.mark.parametrize("name", BOARDS)
def test_no_board_lacks_anything(name: str) -> None:
    assert lacks_of_board(BOARDS[name]) == []


class Swish(Layer):
    """A rule that is in no table."""

    kind: ClassVar[str] = "swish"


def test_what_a_new_kind_of_layer_lacks_is_named() -> None:
    assert lacks_of_rule(Swish) == ["kind: a row of 'swish', 'Swish' in sw/ir/kinds.py"]
    kind = LayerKind(
        rule="subbit.sw.ir.layers.swish:Swish",
        golden="subbit.sw.golden.add:missing",
        stage="subbit.sw.lower.stages.dot:MOST_PIXELS",
    )
    assert lacks_of_kind("swish", kind) == [
        "rule: sw/ir/layers/swish.py",
        "golden rule: missing in sw/golden/add.py",
        "stage: MOST_PIXELS in __all__ of sw/lower/stages/dot.py",
        "export: Swish in sw/ir/__init__.py",
        f"description: a row of `swish` in the table of section 3 of {FORMAT}",
        f"description: a paragraph on `swish` in section 5 of {FORMAT}",
        "tests: one below tests/sw that makes a Swish",
    ]


class Unheard(FifoUnit):
    """A unit of which nothing else is there."""

    component: ClassVar[str] = "subbit.hw.streams.novel_rtl:Novel"
    cost = Unit.cost


def test_what_a_new_unit_lacks_is_named() -> None:
    assert lacks_of_unit(Unheard) == [
        "contract: Unheard in __all__ of tests/docs/test_what_is_missing.py",
        "circuit: hw/streams/novel_rtl.py",
        "cost: Unheard.cost",
        "simulation: a case in CASES of sim/components.py",
        "reset: a case in UNITS of tests/hw/design/test_reset.py",
        COST_CASE,
        "tests: one below tests/hw that makes a Unheard",
    ]


def test_what_a_new_board_lacks_is_named() -> None:
    known = BOARDS["icebreaker"]
    other = replace(known, name="fruit-9k", oscillator="clk7", leds=99)
    assert lacks_of_board(other) == [
        f"resource: led 98 of {known.platform}",
        f"resource: clk7 0 of {known.platform}",
        "list: fruit-9k in docs/use/boards.md",
        "list: fruit-9k in README.md",
        "list: fruit-9k in Makefile",
    ]
    foreign = replace(other, device=replace(known.device, fabric="nexus"))
    assert lacks_of_board(foreign)[0] == "family: 'nexus' in FAMILIES of hw/families/table.py"
