"""What repeated dot products save: lookup engines and shared rows against the direct engine."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from subbit.hw.contract.unit import Unit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.lookup.dot9_tables import MAX_COUNTED_TAU
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.bench.chain import chain_cells
from subbit.sw.cycles import run
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir import (
    BinaryWeights,
    CodebookWeights,
    Conv2d,
    Encoding,
    Network,
    Padding,
    TensorType,
    Weights,
)
from subbit.sw.ir.random_weights import random_binary, random_threshold, random_tiled
from subbit.sw.ir.weights import KERNEL_BITS, kernels_of
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.lower.stages.dot import DotStage
from subbit.sw.lower.stages.stage import divisors

__all__ = ["SEED", "bench_cycles", "bench_equal_lut", "bench_shared_rows", "codebook", "resnet"]

SEED = 1
SIDES = ((64, 56), (128, 28), (256, 14), (512, 7))  # channels, and side of the tensor
BLOCKS = {"resnet18": (4, 4, 4, 4), "resnet34": (6, 8, 12, 6)}  # 3x3 convolutions of each
HEIGHT, TALL, WIDTH, PIXELS = 4, 16, 16, 8
DIRECT = {64: (16, 144), 128: (16, 144), 256: (8, 288), 512: (4, 576)}  # best PE and SIMD
DECODED = 8  # times fewer outputs at once where indices are decoded, to keep it small
PORTS = 64  # of the block-RAM lookup engine
TILE = (128, 128, 8, 72)  # channels, outputs, PE and SIMD of the tiled layers


def resnet(name: str) -> Iterator[tuple[int, int, int]]:
    """Side, input and output channels of each 3x3 convolution."""
    before = SIDES[0][0]
    for count, (channels, side) in zip(BLOCKS[name], SIDES, strict=True):
        for _ in range(count):
            yield side, before, channels
            before = channels


def codebook(cin: int, cout: int, tau: int) -> CodebookWeights:
    """Random indices into distinct random codewords."""
    rng = np.random.default_rng((SEED, cin, cout, tau))
    numbers = rng.permutation(1 << KERNEL_BITS)[: 1 << tau]
    return CodebookWeights(kernels_of(numbers), rng.integers(0, 1 << tau, (cout, cin)))


def bench_cycles(tau: int = 5, lanes: int = 4) -> dict[str, float]:
    """Cycles of a direct engine of one Dot9 a cycle over those of the lookup engine, in all 3x3
    convolutions of the two networks.
    """
    ratios = {}
    for name in BLOCKS:
        direct = lookup = 0
        for side, cin, cout in resnet(name):
            weights = codebook(cin, cout, tau)
            one = DotUnit(
                weights=weights,
                encoding=Encoding.BIPOLAR,
                bits=1,
                masked=False,
                pe=1,
                simd=KERNEL_BITS,
                vectors=side * side,
            )
            direct += one.vectors * one.passes * one.words
            table = LookupUnit(
                weights=weights,
                encoding=Encoding.BIPOLAR,
                bits=1,
                masked=False,
                vectors=side * side,
                lanes=lanes,
            )
            lookup += table.interval_cycles
        ratios[f"{name}_cycle_ratio"] = round(direct / lookup, 3)
    return ratios


def conv_units(weights: Weights, height: int, /, **settings: Any) -> list[Unit]:
    """The units of a small convolution with thresholds, planned with those settings; windows wait
    in block RAM.
    """
    rng = np.random.default_rng(SEED)
    cout, cin = weights.shape[:2]
    x = TensorType.codes(height, WIDTH, cin, 1, Encoding.BIPOLAR)
    reach = 3 * round((KERNEL_BITS * cin) ** 0.5)
    after = random_threshold(rng, cout, 1, reach)
    network = Network.chain("one", x, {"conv": Conv2d(weights, 1, Padding.MINUS), "act": after})
    stage = smallest_plan(network).stages[0]
    assert isinstance(stage, DotStage)
    units = [unit for _, unit in replace(stage, popcount="ecp5", **settings).units(network)]
    return [replace(u, buffers="block") if isinstance(u, WindowUnit) else u for u in units]


def figures(weights: Weights, height: int = HEIGHT, /, **settings: Any) -> dict[str, Any]:
    """Cycles, cells, and LUT4s for each binary multiply-accumulate of a cycle; windows and what
    puts the outputs in order included.
    """
    units = conv_units(weights, height, **settings)
    processes = [process for unit in units for process in unit.processes()]
    cycles = run(processes, 3).interval_cycles
    bmacs = height * WIDTH * weights.count / cycles
    cells = chain_cells(units)
    per = {"bmacs_per_cycle": round(bmacs, 1), "lut4_per_bmac": round(cells["lut4"] / bmacs, 3)}
    return {**settings, "cycles": cycles, **cells, **per}


def settings_of(engine: str, cout: int, tau: int) -> dict[str, Any]:
    """The settings of an engine that is compared."""
    pe, simd = DIRECT[cout]
    if engine in ("direct", "decode"):
        pe = pe if engine == "direct" else pe // DECODED
        return {"pe": pe, "simd": simd, "weights": "block"}
    if engine == "lookup":
        return {"engine": engine, "pe": max(1, cout >> tau), "simd": KERNEL_BITS}
    turns = WIDTH // PIXELS * cout // PORTS  # reads of a channel for all outputs of a row
    keeps_up = [n for n in divisors(PORTS) if (WIDTH + 2) / n <= turns and PORTS << tau <= n * cout]
    filled = min([*keeps_up, PORTS])
    ports = {"simd": KERNEL_BITS * PORTS, "pixels": PIXELS, "dot9": filled}
    fill = "block" if engine == "block_lookup" and tau <= MAX_COUNTED_TAU else "logic"
    return {"engine": "block_lookup", **ports, "fill": fill}


def bench_equal_lut(
    taus: tuple[int, ...], couts: tuple[int, ...], engines: tuple[str, ...], progress: Progress
) -> list[dict[str, Any]]:
    """Each engine's throughput per LUT4 over the direct engine's, for layers of as many inputs as
    outputs. ``decode``: the direct engine with indices for weights; ``block_lookup_logic``: tables
    filled without counts from block RAM. Raises ToolError.
    """
    rows = []
    for cout in couts:
        progress.phase(f"direct, {cout} channels")
        bits = np.random.default_rng(SEED).integers(0, 2, (cout, cout, 3, 3), np.uint8)
        direct = figures(BinaryWeights(bits), **settings_of("direct", cout, 0))
        rows.append({"engine": "direct", "cout": cout, "ratio": 1.0, **direct})
        for tau in taus:
            for engine in engines:
                progress.phase(f"{engine}, {cout} channels, tau {tau}")
                found = figures(codebook(cout, cout, tau), **settings_of(engine, cout, tau))
                ratio = round(direct["lut4_per_bmac"] / found["lut4_per_bmac"], 3)
                rows.append({"tau": tau, "cout": cout, "ratio": ratio, **found, "engine": engine})
    return rows


def bench_shared_rows(
    repeats: tuple[int, ...], progress: Progress = SILENT
) -> list[dict[str, Any]]:
    """A tiled layer with shared rows against plain weights with the same folding: how many times
    fewer cycles and bits, and how many times the LUT4s. Raises ToolError.
    """
    cin, cout, pe, simd = TILE
    shape, rng = (cout, cin, 3, 3), np.random.default_rng(SEED)
    folding = {"pe": pe, "simd": simd, "weights": "block"}
    progress.phase("plain weights")
    plain = figures(random_binary(rng, shape), TALL, **folding)
    rows = []
    for p in repeats:
        progress.phase(f"shared rows, p {p}")
        weights = random_tiled(rng, shape, p)
        found = figures(weights, TALL, engine="shared_rows", **folding)
        ratios = {
            "cycle_ratio": round(plain["cycles"] / found["cycles"], 3),
            "bit_ratio": round(weights.count / weights.stored_bits, 3),
            "lut4_ratio": round(found["lut4"] / plain["lut4"], 3),
        }
        rows.append({"p": p, **ratios, "lut4": found["lut4"], "plain_lut4": plain["lut4"]})
    return rows
