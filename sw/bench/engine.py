"""A direct engine alone, weight memories and accumulators included, after place-and-route."""

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.popcount import PORTABLE
from subbit.sw.bench.case import dot_unit
from subbit.sw.bench.devices import DEVICES, BenchDevice, device_of, measure
from subbit.sw.bench.probe import EngineProbe
from subbit.sw.errors import SubbitError
from subbit.sw.flow.cells import netlist_cells
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.random_weights import random_binary, random_threshold

__all__ = ["SEEDS", "TARGET_MHZ", "bench_engine", "engine_unit"]

SEEDS = (1, 2, 3)
TARGET_MHZ = 160.0
WORDS, PASSES = 16, 8  # of an output, of a vector: 128 words of weights in each memory


def engine_unit(pe: int, simd: int, pixels: int, form: str) -> DotUnit:
    """An engine of random plain weights in block RAM, with thresholds behind its accumulators."""
    random, outputs = np.random.default_rng(pe * simd), pe * PASSES
    weights = random_binary(random, (outputs, WORDS * simd))
    reach = 3 * round((WORDS * simd) ** 0.5)
    post = random_threshold(random, outputs, 1, reach)
    return dot_unit(weights, post, pe=pe, simd=simd, form=form, memory="block", pixels=pixels)


def bench_engine(
    device: str = "ecp5-85k",
    pe: int = 4,
    simd: int = 144,
    pixels: int = 1,
    seeds: tuple[int, ...] = SEEDS,
    mhz: float = TARGET_MHZ,
    compare: bool = False,
    jobs: int = 1,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """LUT4s, block RAMs and clock of an engine in ``device``, of the vendor's cells.

    ``pe`` outputs times ``simd`` positions times ``pixels`` a cycle. Of the ``seeds``, tried
    ``jobs`` at a time, the one with the highest clock counts; nextpnr is driven to ``mhz``. The
    portable form's LUT4s are those of its synthesis unless ``compare`` has it routed, too. A place
    of a carry chain counts as one LUT4. Raises SubbitError.
    """
    target = replace(device_of(device), target_mhz=mhz)
    if not target.family.has_block_roms:
        able = dict.fromkeys(
            other.family.title for other in DEVICES.values() if other.family.has_block_roms
        )
        raise SubbitError(
            f"engines with block RAM are measured on {', '.join(able)}, not on {device}"
        )
    unit = engine_unit(pe, simd, pixels, target.family.name)
    result: dict[str, Any] = {"device": device, "pe": pe, "simd": simd, "pixels": pixels}
    progress.phase(f"engine, seeds {', '.join(map(str, seeds))}")
    result |= figures(unit, target, seeds, jobs)
    progress.phase("portable form")
    portable = engine_unit(pe, simd, pixels, PORTABLE)
    result["portable"] = figures(portable, target, seeds if compare else (), jobs)
    return result


def figures(
    unit: DotUnit, device: BenchDevice, seeds: tuple[int, ...], jobs: int
) -> dict[str, Any]:
    """The figures of one form; without seeds those of synthesis."""
    probe = EngineProbe(unit)
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as name:
        folder = Path(name)
        runs = measure(probe, [probe.pins, probe.out], device, folder, seeds, jobs)
        cells = netlist_cells(folder / "top.json").row()
    best = max(runs, key=lambda run: run.fmax_mhz, default=None)
    found = asdict(best) | {"synthesis_lut4": cells["lut4"]} if best else cells
    seen = {"seeds": dict(zip(seeds, (run.fmax_mhz for run in runs), strict=True))} if best else {}
    return {
        **found,
        "lut4_per_bmac": round(found["lut4"] / (unit.pe * unit.simd * unit.pixels), 3),
        "latency_cycles": unit.stages + 1,
        **seen,
    }
