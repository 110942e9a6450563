"""The lookup engine's cycles in simulated RTL, at the channel counts of ResNets."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from subbit.hw.lookup.lookup import LookupUnit
from subbit.sim.compare import compare
from subbit.sim.design import unit_design
from subbit.sim.runner import build_designs, run_designs
from subbit.sw.bench.reuse import SEED, codebook
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.types import Encoding

__all__ = ["bench_rtl"]

VECTORS, FRAMES = 2, 2  # output pixels of a frame, and frames


def bench_rtl(
    channels: tuple[int, ...],
    tau: int = 5,
    lanes: int = 4,
    backpressure: str = "none",
    progress: Progress = SILENT,
) -> list[dict[str, Any]]:
    """A lookup engine of each number of input and output channels, simulated for a few pixels.

    ``mismatches``: output beats whose values differ from the unit's reference, or, without
    back-pressure, whose cycles differ from the cycle model. ``cycles``: between the frames, and
    ``formula``: what they should be. Raises ToolError.
    """
    units = {
        f"lookup{count}": LookupUnit(
            weights=codebook(count, count, tau),
            encoding=Encoding.BIPOLAR,
            bits=1,
            masked=False,
            vectors=VECTORS,
            lanes=lanes,
        )
        for count in channels
    }
    designs = [unit_design(name, unit) for name, unit in units.items()]
    rng = np.random.default_rng(SEED)
    inputs = [rng.integers(0, 2, (FRAMES * unit.i_beats, 9)) for unit in units.values()]
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as name:
        folder = Path(name)
        model = build_designs(designs, folder / "models", progress=progress)
        outcomes = run_designs(
            *(model, designs, inputs),
            backpressure=backpressure,
            seed=SEED,
            folder=folder / "run",
            progress=progress,
        )
        rows = []
        for design, unit, beats, outcome in zip(
            designs, units.values(), inputs, outcomes, strict=True
        ):
            trace = design.trace(FRAMES)
            timing = trace if backpressure == "none" else None
            found = compare(design, outcome.folder, beats, timing, None)
            row = {"channels": unit.cin, "mismatches": found.mismatches}
            if timing:
                row |= {"cycles": trace.interval_cycles, "formula": unit.interval_cycles}
            rows.append(row)
    return rows
