"""One point of a sweep: planned or built, and what came out of it as a row."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from subbit import boards
from subbit.sw.errors import FitError
from subbit.sw.flow.bitstream import accuracy, build_bitstream
from subbit.sw.ir import Network, load_network
from subbit.sw.planner import Goal, Planned, plan_for
from subbit.sw.sweep.spec import Point

__all__ = ["run_point"]


def run_point(point: Point, builds: str) -> dict[str, Any]:
    """The row of a point: ``accuracy``, ``weight_bits``, cells, clock, cycles and ``fps``; of one
    that does not fit the ``error`` alone. A build goes into a folder of ``builds``.

    It depends on nothing but the point, and raises SubbitError for what another try may mend.
    """
    network, board = load_network(point.network), boards.board(point.board)
    clock_hz = None if point.clock_mhz is None else 1e6 * point.clock_mhz
    goal = Goal(point.fps_wanted, point.reserve, point.lut4_most, clock_hz, wires=True)
    try:
        planned = plan_for(network, board, goal)
        row = planned_row(network, planned)
        if point.do == "build":
            folder = Path(builds) / point.key[:16]
            summary = build_bitstream(network, planned.plan, board, folder, seed=point.seed)
            keys = ("lut4", "flip_flops", "block_rams", "clock_mhz", "fps", "bitstream_sha256")
            row |= {key: asdict(summary)[key] for key in keys} | {"folder": str(folder)}
    except FitError as error:
        return {"error": str(error)}
    return row


def planned_row(network: Network, planned: Planned) -> dict[str, Any]:
    """What is known of a plan."""
    return {
        "accuracy": accuracy(network),
        "weight_bits": network.weight_bits,
        **planned.design.counts,
        "clock_mhz": round(planned.clock_hz / 1e6, 3),
        "interval_cycles": planned.timing.interval_cycles,
        "latency_cycles": planned.timing.latency_cycles,
        "fps": round(planned.fps, 3),
        "plan": [stage.to_json() for stage in planned.plan.stages],
    }
