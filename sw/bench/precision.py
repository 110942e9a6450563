"""What precision costs: engines of several bits at equal throughput, and trained networks."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Elaboratable

from subbit.hw.design.elaboration import to_rtlil
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.dot_rtl import Dot
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.families.part import Part
from subbit.sw.bench.case import dot_unit
from subbit.sw.flow import tools
from subbit.sw.flow.cells import netlist_cells
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.random_weights import random_planes, random_threshold
from subbit.sw.ir.types import Encoding

__all__ = ["PAIRS", "SEED", "bench_engines", "engine_unit", "mapped"]

SEED = 1
PAIRS = ((1, 1), (2, 2), (4, 4), (8, 1))
WORDS, PASSES, VECTORS = 16, 8, 16  # of an output, of a vector, of a frame
FABRIC = "ecp5"


def engine_unit(m_bits: int, k_bits: int, pe: int, simd: int, form: str = FABRIC) -> DotUnit:
    """An engine of M-bit inputs and K-bit weights in block RAM, with thresholds behind it.

    As in a network its outputs have M bits, too; but 8/1, raw pixels, gives binary ones.
    """
    rng = np.random.default_rng(SEED + 100 * m_bits + k_bits)
    outputs, length = pe * PASSES, WORDS * simd
    weights = random_planes(rng, k_bits, (outputs, length))
    pixels = (m_bits, k_bits) == (8, 1)
    levels = (1 << (1 if pixels else m_bits)) - 1
    reach = round(3 * length**0.5 * ((1 << m_bits) - 1) * ((1 << k_bits) - 1) / 2)
    post = random_threshold(rng, outputs, levels, reach)
    encoding = Encoding.UNSIGNED if pixels else Encoding.BIPOLAR
    settings: dict[str, Any] = {"encoding": encoding, "vectors": VECTORS, "memory": "block"}
    return dot_unit(weights, post, pe=pe, simd=simd, form=form, bits=m_bits, **settings)


def mapped(design: Elaboratable, folder: Path, progress: Progress = SILENT) -> dict[str, int]:
    """What Yosys makes of a component for an ECP5: ``lut4``, ``flip_flops``, ``block_rams``.

    A place of a carry chain counts as one LUT4, a LUT RAM as four. Raises ToolError.
    """
    text = to_rtlil(design, name="top", platform=Part(FABRIC))
    (folder / "top.il").write_text(text)
    lines = (
        "read_rtlil top.il",
        "synth_ecp5 -nowidelut -top top",
        "write_json top.json",
    )
    (folder / "synth.ys").write_text("\n".join(lines) + "\n")
    run_tool(tools.yosys(), ["synth.ys"], folder=folder, log="synth.log", on_line=progress.detail)
    return netlist_cells(folder / "top.json").row()


def bench_engines(
    pairs: Iterable[tuple[int, int]] = PAIRS,
    pe: int = 4,
    simd: int = 36,
    portable: bool = True,
    progress: Progress = SILENT,
) -> list[dict[str, Any]]:
    """Engines for each pair (M, K), of the same outputs, inputs and cycles, mapped for an ECP5.

    Each row has ``m``, ``k``, ``cycles`` of a frame, ``latency_cycles``, ``weight_bits``, the cells
    (see mapped), and ``lut4_ratio`` and ``block_rams_ratio`` to the first row; with ``portable``
    the same of counters without the vendor's cells. Raises ToolError.
    """
    rows: list[dict[str, Any]] = []
    for m_bits, k_bits in pairs:
        row = engine_row(m_bits, k_bits, pe, simd, FABRIC, progress)
        row |= ratios(row, rows[0] if rows else row)
        if portable:
            cells = engine_row(m_bits, k_bits, pe, simd, PORTABLE, progress)
            row["portable"] = cells | ratios(cells, rows[0]["portable"] if rows else cells)
        rows.append(row)
    progress.phase("")
    return rows


def engine_row(
    m_bits: int, k_bits: int, pe: int, simd: int, form: str, progress: Progress
) -> dict[str, Any]:
    """One engine with counters of one form."""
    progress.phase(f"{m_bits}/{k_bits} {form}")
    unit = engine_unit(m_bits, k_bits, pe, simd, form)
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as folder:
        cells = mapped(Dot(unit=unit), Path(folder), progress)
    return {
        "m": m_bits,
        "k": k_bits,
        "cycles": unit.processes()[0].steps.size,
        "latency_cycles": unit.stages + 1,
        "weight_bits": unit.weights.stored_bits,
    } | cells


def ratios(row: dict[str, Any], first: dict[str, Any]) -> dict[str, float]:
    """How many times the LUT4s and block RAMs of the first row."""
    names = ("lut4", "block_rams")
    return {f"{name}_ratio": round(row[name] / max(first[name], 1), 2) for name in names}
