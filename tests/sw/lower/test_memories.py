"""Where FIFOs live: what a plan says, and what the planner chooses."""

from dataclasses import replace
from pathlib import Path

import pytest

from subbit.boards import board
from subbit.hw.contract.cost import Cost
from subbit.hw.streams.fifo import FifoUnit
from subbit.sw.cycles.fast import measure
from subbit.sw.errors import PlanError
from subbit.sw.ir import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, load_plan, save_plan, smallest_plan
from subbit.sw.planner.calibration import calibration
from subbit.sw.planner.fifos import Fitted
from subbit.sw.planner.memories import chosen, with_memories
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


@pytest.mark.parametrize(
    ("where", "depth", "block_rams", "memories"),
    [
        ("icebreaker", 128, 30, {"pool1": "block"}),
        ("icebreaker", 128, 0, {}),
        ("icebreaker", 4, 30, {}),
        ("ulx3s-12f", 128, 30, {}),
    ],
)
def test_fifos_come_into_block_ram_where_lookup_tables_are_none(
    where: str, depth: int, block_rams: int, memories: dict[str, str]
) -> None:
    network = small_network("plain")
    plan = smallest_plan(network)
    stages = tuple(
        replace(stage, fifo=depth) if stage.layers[0] == "pool1" else stage for stage in plan.stages
    )
    pipeline = Pipeline(network, replace(plan, stages=stages))
    others = sum(
        calibration(board(where).device.fabric).of(step.unit).block_rams for step in pipeline.steps
    )
    allowed = Cost(9999, 9999, others + block_rams)
    assert chosen(pipeline, board(where), allowed) == memories
    before = measure(pipeline.processes, 4, pipeline.feeds)
    fitted = Fitted(pipeline.plan, before)
    made, timing = with_memories(network, board(where), plan.stages, fitted, allowed)
    assert dict(made.plan.memories) == memories
    assert timing.interval_cycles <= before.interval_cycles
