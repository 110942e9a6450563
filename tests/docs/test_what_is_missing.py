"""Nothing is missing of what there is; and what would be missing of something new is named."""

from typing import ClassVar

import pytest

from subbit.hw.contract.unit import Unit
from subbit.hw.streams.fifo import FifoUnit
from subbit.sw.ir.kinds import KINDS, LayerKind
from subbit.sw.ir.layer import Layer
from tests.docs.missing import (
    FORMAT,
    lacks_of_kind,
    lacks_of_rule,
    lacks_of_unit,
    rules,
    unit_kinds,
)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.__name__)
def test_every_rule_is_a_kind(rule: type[Layer]) -> None:
    assert lacks_of_rule(rule) == []


@pytest.mark.parametrize("name", KINDS)
def test_no_kind_of_layer_lacks_anything(name: str) -> None:
    assert lacks_of_kind(name, KINDS[name]) == []


@pytest.mark.parametrize("kind", unit_kinds(), ids=lambda kind: kind.__name__)
def test_no_unit_lacks_anything(kind: type[Unit]) -> None:
    assert lacks_of_unit(kind) == []


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
        "stage: MOST_PIXELS in sw/lower/stages/dot.py",
        "export: Swish in sw/ir/__init__.py",
        f"description: a row of `swish` in the table of section 3 of {FORMAT}",
        f"description: a paragraph on `swish` in section 5 of {FORMAT}",
        "tests: one below tests/sw that makes a Swish",
    ]


class Unheard(FifoUnit):
    """A unit of which nothing else is there."""

    component: ClassVar[str] = "subbit.hw.streams.novel_rtl:Novel"


def test_what_a_new_unit_lacks_is_named() -> None:
    assert lacks_of_unit(Unheard) == [
        "contract: Unheard in __all__ of tests/docs/test_what_is_missing.py",
        "circuit: hw/streams/novel_rtl.py",
        "simulation: a case in CASES of sim/components.py",
        "reset: a case in UNITS of tests/hw/design/test_reset.py",
        "cost: two cases in sw/bench/unit_cases.py",
        "tests: one below tests/hw that makes a Unheard",
    ]
