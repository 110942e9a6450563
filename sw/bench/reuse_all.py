"""All that ``subbit bench reuse`` measures, in one call."""

from typing import Any

from subbit.sw.bench.reuse import SEED, bench_cycles, bench_equal_lut, bench_shared_rows
from subbit.sw.bench.reuse_rtl import bench_rtl
from subbit.sw.flow.progress import SILENT, Progress

__all__ = ["bench_reuse"]


def bench_reuse(
    taus: tuple[int, ...] = (5,),
    couts: tuple[int, ...] = (128, 256, 512),
    repeats: tuple[int, ...] = (2, 4, 8),
    channels: tuple[int, ...] = (64, 128, 256, 512),
    engines: tuple[str, ...] = ("block_lookup",),
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """What ``subbit bench reuse --json`` prints: bench_cycles, bench_rtl of ``channels``,
    bench_shared_rows of ``repeats``, bench_equal_lut of ``taus``, ``couts`` and ``engines``.

    ``equal_lut_ratio``: by tau, engine and outputs; ``shared_rows_ratio``: by p. Raises ToolError.
    """
    result: dict[str, Any] = {"seed": SEED, **bench_cycles()}
    result["rtl"] = bench_rtl(channels, progress=progress) if channels else []
    shared = bench_shared_rows(repeats, progress) if repeats else []
    rows = bench_equal_lut(taus, couts, engines, progress) if taus else []
    result["shared_rows_ratio"] = {row["p"]: row["cycle_ratio"] for row in shared}
    ratios: dict[int, dict[str, dict[int, float]]] = {}
    for row in rows:
        if row["engine"] != "direct":
            of_tau = ratios.setdefault(row["tau"], {})
            of_tau.setdefault(row["engine"], {})[row["cout"]] = row["ratio"]
    return result | {"equal_lut_ratio": ratios, "equal_lut": rows, "shared_rows": shared}
