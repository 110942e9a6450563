"""What units of every kind say they cost, and what Yosys makes of them."""

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

import subbit.hw
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import choose_memory, memory_cost
from subbit.hw.contract.unit import Unit
from subbit.sw.bench.costs import CostRow, bench_costs
from subbit.sw.bench.unit_cases import unit_cases


def concrete(cls: type[Unit]) -> set[type[Unit]]:
    """The kinds of units below a class that can be made."""
    below = {cls} if not getattr(cls, "__abstractmethods__", None) else set()
    return below.union(*(concrete(child) for child in cls.__subclasses__()))


def shipped_kinds() -> set[str]:
    """The kind of every unit in hw/."""
    root, names = Path(subbit.hw.__path__[0]), set()
    for path in root.rglob("*.py"):
        if "component: ClassVar[str]" in path.read_text():
            names.add(".".join(("subbit.hw", *path.relative_to(root).with_suffix("").parts)))
    for name in names:
        import_module(name)
    return {unit.kind() for unit in concrete(Unit) if unit.__module__ in names}


def test_every_kind_has_cases() -> None:
    for quick in (False, True):
        count = Counter(case.make("ecp5").kind() for case in unit_cases(quick=quick))
        assert {kind for kind, cases in count.items() if cases >= 2} == shipped_kinds()


@pytest.mark.parametrize("family", ["ecp5", "ice40"])
def test_units_cost_what_is_mapped(family: str) -> None:
    report = bench_costs((family,), quick=True)
    assert len(report.rows) == len(unit_cases(quick=True))
    assert [row for row in report.rows if not row.holds] == []


def test_a_wrong_estimate_does_not_hold() -> None:
    def row(lut4: int, flip_flops: int = 100, block_rams: int = 1) -> CostRow:
        said = (lut4, 200, 0.0, flip_flops, 100, block_rams, 1)
        return CostRow("Kind", "unit", "ecp5", *said)

    assert all(some.holds for some in (row(230), row(170), row(200, 125)))
    assert not row(231).holds
    assert not row(169).holds
    assert not row(200, 126).holds
    assert not row(200, 100, 2).holds


def test_a_unit_has_to_say_what_it_costs() -> None:
    assert "cost" in Unit.__abstractmethods__


def test_memories_by_depth_and_width() -> None:
    assert memory_cost(0, 9) == Cost()
    assert memory_cost(8, 1) == Cost(flip_flops=8)
    assert memory_cost(8, 16) == Cost(lut4=2 * 6, flip_flops=8)
    assert memory_cost(6, 30, "distributed") == Cost(lut4=4 * 6 + 6 + 2, flip_flops=6)
    assert memory_cost(36, 513, "block") == Cost(block_rams=2)
    assert memory_cost(37, 512, "block") == Cost(block_rams=2)
    assert memory_cost(9, 2048) == Cost(block_rams=1)
    assert choose_memory(8, 16) == "distributed"
    assert choose_memory(32, 120) == "block"
    assert choose_memory(128, 30) == "distributed"
    assert choose_memory(1, 2, "block") == "block"
