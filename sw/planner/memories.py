"""Where FIFOs live: in block RAM while some is free and saves enough LUT4s, else in logic."""

from collections.abc import Sequence
from dataclasses import replace

from subbit.boards import Board
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.memory import choose_memory
from subbit.hw.streams.fifo import FifoUnit
from subbit.sw.cycles.fast import Timing, measure
from subbit.sw.ir.network import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.stages.stage import Stage
from subbit.sw.planner.calibration import calibration
from subbit.sw.planner.costs import total
from subbit.sw.planner.fifos import FRAMES, Fitted, fifo_name, fit_fifos, ladder_of

__all__ = ["with_memories"]

# Of the LUT4s that a device has for each block RAM, the share that a FIFO must save by one.
WORTH = 0.5


def with_memories(
    network: Network, board: Board, stages: Sequence[Stage], fitted: Fitted, allowed: Cost
) -> tuple[Pipeline, Timing]:
    """The plan's pipeline with its FIFOs where they take least, within the block RAMs allowed, and
    its cycles. ``stages``: those that were fitted, with the least FIFOs that they may have.
    """
    pipeline = Pipeline(network, fitted.plan)
    found = chosen(pipeline, board, allowed)
    if not found:
        return pipeline, fitted.timing
    plan = replace(fitted.plan, memories=tuple(found.items()))
    pipeline = Pipeline(network, plan)
    timing = measure(pipeline.processes, FRAMES, pipeline.feeds)
    if timing.interval_cycles > fitted.timing.interval_cycles:  # for a block RAM's cycle more
        ladder = ladder_of(board)
        again = fit_fifos(
            network, stages, fitted.timing.interval_cycles, plan.device, found, ladder
        )
        return Pipeline(network, again.plan), again.timing
    return pipeline, timing


def chosen(pipeline: Pipeline, board: Board, allowed: Cost) -> dict[str, str]:
    """The memory of each FIFO, by its name, that is not the usual one for its size.

    Those that save most LUT4s for a block RAM come first. Where lookup tables can be RAM, no other
    FIFOs come into block RAM than usual.
    """
    lines = calibration(board.device.fabric)
    steps = pipeline.steps
    fifos = {
        fifo_name(steps, step, pipeline.forks): step.unit
        for step in steps
        if isinstance(step.unit, FifoUnit)
    }
    others = total(lines.of(step.unit) for step in steps if not isinstance(step.unit, FifoUnit))
    free = allowed.block_rams - others.block_rams
    saved: dict[str, float] = {}
    rams: dict[str, int] = {}
    for name, unit in fifos.items():
        block, logic = (lines.of(replace(unit, memory=m)) for m in ("block", "distributed"))
        rams[name] = block.block_rams
        saved[name] = (logic.lut4 - block.lut4) / max(1, block.block_rams)
    found: dict[str, str] = {}
    worth = WORTH * board.device.lut4 / max(1, board.device.block_rams)
    for name in sorted(fifos, key=lambda name: -saved[name]):
        usual = choose_memory(fifos[name].element.width, fifos[name].depth)
        pays = usual == "block" if board.family.has_lut_rams else saved[name] >= worth
        memory = "block" if pays and rams[name] <= free else "distributed"
        free -= rams[name] if memory == "block" else 0
        if memory != usual:
            found[name] = memory
    return found
