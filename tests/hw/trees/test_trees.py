"""Compressor trees before any vendor's cells: plans, and netlists by their own evaluation."""

import numpy as np
import pytest

from subbit.hw.dot.popcount import nets_of
from subbit.hw.families.netlist import CarryChain
from subbit.hw.families.table import FAMILIES
from subbit.hw.trees.counter import Popcount, popcount_netlist, task_of
from subbit.hw.trees.search import find_plan, known_plans, price, scaled
from subbit.hw.trees.tree_plan import Heights, Task, tally
from subbit.hw.trees.tune import ENGINES, task_named
from subbit.sw.errors import PlanError


def expected(form: Popcount, nets: np.ndarray) -> np.ndarray:
    """Counts ``(n,)`` for input nets ``(inputs, n)``, by the formula."""
    runs = nets.shape[1]
    x = nets[: form.simd * form.lane].reshape(form.simd, form.lane, runs)
    planes = nets[form.simd * form.lane :].reshape(len(form.scales), form.simd, runs)
    total = np.zeros(runs, np.int64)
    for scale, w in zip(form.scales, planes, strict=True):
        same = x[:, : form.bits] == w[:, None]
        if form.masked:
            masks = x[np.arange(form.simd) % (form.period or form.simd), form.bits]
            same &= masks[:, None]
        total += scale * (same * (1 << np.arange(form.bits))[:, None]).sum(axis=(0, 1))
    return total


@pytest.mark.parametrize(
    "form",
    [
        *(Popcount(simd=simd, fabric=fabric) for simd in (1, 2, 47, 300) for fabric in FAMILIES),
        *(
            Popcount(simd=36, bits=2, scales=(1, 2), fabric="ecp5"),
            Popcount(simd=25, bits=8, fabric="ecp5"),
            Popcount(simd=21, bits=3, masked=True, scales=(1, 4), fabric="ecp5"),
        ),
        *(
            Popcount(simd=36, bits=2, masked=True, scales=(1, 1), period=9, fabric="ecp5"),
            Popcount(simd=150, bits=1, masked=True, period=25, fabric="ecp5"),
        ),
        *(
            Popcount(simd=45, bits=1, masked=True, period=9, fabric="gowin"),
            Popcount(simd=128, limit=8, fabric="ecp5"),
        ),
    ],
    ids=str,
)
def test_netlists_count(form: Popcount) -> None:
    nets = np.random.default_rng(5).random((form.inputs, 300)) < np.linspace(0, 1, 300)
    nets[:, -1] = True
    netlist = popcount_netlist(form)
    np.testing.assert_array_equal(netlist.evaluate(nets), expected(form, nets))
    assert len(netlist.outputs) == form.width


def test_chains_add_what_stands_together() -> None:
    netlist = popcount_netlist(Popcount(simd=576, fabric="ecp5"))
    chains = [(level, cell) for level, cell in netlist.cells if isinstance(cell, CarryChain)]
    first, second = ([cell for level, cell in chains if level == at] for at in (0, 1))
    driver = {place.out: at for at, cell in enumerate(first) for place in cell.places}
    reached = [{driver[net] for net in nets_of(cell) if net in driver} for cell in second]
    assert len(first) == 7
    assert sum(map(len, reached)) / len(reached) < 4


def test_rows_of_engines_need_no_search() -> None:
    known = {plan.task for plan in known_plans()}
    assert not [name for name in ENGINES if task_named(name, 32) not in known]
    assert not [plan.task for plan in known_plans() if tally(plan).left]


@pytest.mark.parametrize(
    ("form", "most"),
    [
        (Popcount(simd=128, fabric="ecp5"), 1.40),
        (Popcount(simd=576, fabric="ecp5"), 1.48),
        (Popcount(simd=144, bits=1, masked=True, period=9, fabric="ecp5"), 1.70),
        (Popcount(simd=36, bits=2, scales=(1, 2), fabric="ecp5"), 1.38),
        (Popcount(simd=128, fabric="ice40"), 2.35),
    ],
)
def test_lookup_tables_a_position(form: Popcount, most: float) -> None:
    products = form.simd * form.bits * len(form.scales)
    assert popcount_netlist(form).lut4 <= most * products


def test_a_plan_is_scaled_to_a_task_nearby() -> None:
    task = task_of(Popcount(simd=200, fabric="ecp5"))
    found = find_plan(task)
    assert found == find_plan.__wrapped__(task)  # always the same one
    assert tally(found).left == 0
    [known] = [
        plan for plan in known_plans() if plan.task == task_of(Popcount(simd=192, fabric="ecp5"))
    ]
    start = scaled(known, task)
    assert start.levels == known.levels
    assert price(found) <= price(start)


def test_a_chains_limit_changes_no_known_plan() -> None:
    short, long = (
        find_plan(task_of(Popcount(simd=128, limit=limit, fabric="ecp5"))) for limit in (12, 32)
    )
    assert (short.chains, short.compressors) == (long.chains, long.compressors)
    assert tally(short).lut4 > tally(long).lut4


def test_names_of_tasks() -> None:
    assert task_named("12", 8) == Task(Heights.of([12]), 8)
    assert task_named("4x2*1.2", 32).heights.pairs == (4, 8, 4, 0, 0, 0)
    assert task_named("m9+7@ice40", 32) == task_of(
        Popcount(simd=9, bits=1, masked=True, weights=None, total=7, fabric="ice40")
    )
    with pytest.raises(PlanError, match="'9y' names no count"):
        task_named("9y", 32)
