"""Where FIFOs live: what a plan says, and what the planner chooses."""

from dataclasses import replace
from pathlib import Path

import pytest

from subbit.boards import board
from subbit.hw.streams.fifo import FifoUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, load_plan, save_plan, smallest_plan
from subbit.sw.planner.goal import Goal
from subbit.sw.planner.most import least_plan
from tests.networks import pooled_network, small_network


def fifos(network: Network, plan: Plan) -> dict[str, str]:
    """The memory of each FIFO, by the name of its step."""
    steps = Pipeline(network, plan).steps
    return {step.name: step.unit.style for step in steps if isinstance(step.unit, FifoUnit)}


def test_a_plan_names_the_memory_of_a_fifo(tmp_path: Path) -> None:
    network = small_network("plain")
    plan = smallest_plan(network)
    usual = fifos(network, plan)
    assert usual["pool1_fifo"] == "distributed"
    other = replace(plan, memories=(("pool1", "block"),))
    assert fifos(network, other) == usual | {"pool1_fifo": "block"}
    save_plan(other, tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json", network) == other
    save_plan(plan, tmp_path / "plan.json")
    assert "memories" not in (tmp_path / "plan.json").read_text()


def test_a_plan_names_the_memory_of_a_queue() -> None:
    network = pooled_network()
    plan = smallest_plan(network)
    plan = replace(plan, queues=tuple(Pipeline(network, plan).queues.items()))
    assert fifos(network, plan)["add1_queue"] == "distributed"
    other = replace(plan, memories=(("act2>add1", "block"),))
    assert fifos(network, other)["add1_queue"] == "block"


@pytest.mark.parametrize(
    ("name", "memory", "message"),
    [
        ("pool9", "block", "there is no FIFO 'pool9' to live in a memory"),
        ("pool1", "flash", "FIFO 'pool1' lives in one of auto, block, distributed, not 'flash'"),
    ],
)
def test_what_is_no_memory_is_refused(name: str, memory: str, message: str) -> None:
    network = small_network("plain")
    plan = replace(smallest_plan(network), memories=((name, memory),))
    with pytest.raises(PlanError, match=message):
        Pipeline(network, plan)


def test_fifos_come_into_block_ram_where_lookup_tables_are_none() -> None:
    network, ice = small_network("plain"), board("icebreaker")
    row = least_plan(network, ice, Goal(reserve=0.11))
    memories = dict(row.plan.memories)
    assert "block" in memories.values()
    few = replace(ice, device=replace(ice.device, block_rams=row.design.block_rams))
    less = least_plan(network, few, Goal(reserve=0.0, lut4=row.cost.lut4))
    assert less.design.block_rams <= few.device.block_rams
