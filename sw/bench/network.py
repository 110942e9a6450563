"""One network on one board: its bitstream's rate and size, and what it gets right."""

import os
from dataclasses import dataclass
from pathlib import Path

from subbit.boards import Board
from subbit.sw.evaluate import evaluate_dataset
from subbit.sw.flow.bitstream import build_bitstream
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir import Network
from subbit.sw.lower.plan import Plan

__all__ = ["NetworkReport", "bench_network"]


@dataclass(frozen=True)
class NetworkReport:
    """What a network reaches on a board, after place-and-route.

    ``fps``: frames a second at the PLL's clock, without the serial port, and the same for each
    1,000 LUT4; ``latency_us``: of one frame, at that clock. ``lut4``, ``flip_flops``,
    ``block_rams``: host link and clocking included. ``correct`` of ``images``: the golden model on
    the data set's test images, or None where they were not asked for. ``seed``: of nextpnr.
    """

    network: str
    board: str
    fps: float
    fps_per_1000_lut4: float
    fmax_mhz: float
    clock_mhz: float
    interval_cycles: int
    latency_us: float
    lut4: int
    flip_flops: int
    block_rams: int
    weight_bits: int
    correct: int | None
    images: int | None
    wall_s: float
    seed: int | None = None


def bench_network(
    network: Network,
    plan: Plan,
    board: Board,
    out_folder: str | os.PathLike[str] | None = None,
    *,
    data: Path | None = None,
    evaluate: bool = True,
    seeds: int = 1,
    seed: int | None = None,
    mhz: float | None = None,
    placer: str | None = None,
    route_mhz: float | None = None,
    progress: Progress = SILENT,
) -> NetworkReport:
    """Evaluate a network (unless ``evaluate`` is False), then build its bitstream.

    Evaluated first, because that takes seconds and may fail for want of ``data``. The files of the
    build go to ``out_folder``, as those of ``build_bitstream``, which explains ``seeds``, ``seed``,
    ``mhz``, ``placer`` and ``route_mhz``. Raises SubbitError.
    """
    found = evaluate_dataset(network, data) if evaluate else None
    built = build_bitstream(
        *(network, plan, board, out_folder, progress, seeds),
        seed=seed,
        mhz=mhz,
        placer=placer,
        route_mhz=route_mhz,
    )
    return NetworkReport(
        network=network.name,
        board=board.name,
        fps=built.fps,
        fps_per_1000_lut4=round(1000 * built.fps / built.lut4, 3),
        fmax_mhz=built.fmax_mhz,
        clock_mhz=built.clock_mhz,
        interval_cycles=built.interval_cycles,
        latency_us=round(built.latency_cycles / built.clock_mhz, 3),
        lut4=built.lut4,
        flip_flops=built.flip_flops,
        block_rams=built.block_rams,
        weight_bits=built.weight_bits,
        correct=found.correct if found else None,
        images=found.images if found else None,
        wall_s=built.wall_s,
        seed=built.seed,
    )
