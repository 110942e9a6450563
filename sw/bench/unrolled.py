"""Layers whose weights are wires, after place-and-route, beside a generator that others wrote."""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from subbit.hw.contract.unit import Unit
from subbit.hw.dot.dot import DotUnit
from subbit.hw.unrolled.folded import FoldedUnit
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.sw.bench.da4ml import make_peer
from subbit.sw.bench.devices import (
    BenchDevice,
    Measured,
    device_of,
    measure,
    measure_verilog,
)
from subbit.sw.bench.exact_sums import is_exact
from subbit.sw.bench.probe import EngineProbe
from subbit.sw.errors import PlanError, SubbitError
from subbit.sw.flow.cells import netlist_cells
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.ir.random_weights import (
    random_binary,
    random_codebook,
    random_threshold,
    random_tiled,
)
from subbit.sw.ir.types import Encoding
from subbit.sw.ir.weights import Weights

__all__ = ["MATRICES", "ROUTED", "bench_unrolled", "direct_unit", "unrolled_unit"]

TARGET_MHZ = 170.0
TAU, CHANNELS = 5, 7  # a codebook of 3x3 kernels, for 63 inputs
REPEATS = 4

Random = np.random.Generator
MATRICES: Mapping[str, tuple[Callable[[Random], Weights], int]] = {
    "64x64": (lambda rng: random_binary(rng, (64, 64)), 1),
    "64x64-codebook": (lambda rng: random_codebook(rng, 64, CHANNELS, TAU), 1),
    "64x64-tiled": (lambda rng: random_tiled(rng, (64, 64), REPEATS), 1),
    "27x64-pixels": (lambda rng: random_binary(rng, (64, 27)), 8),
    "784x64": (lambda rng: random_binary(rng, (64, 784)), 1),
}
"""Weights, ``inputs x outputs``, and bits of an input: bipolar ones, or pixels of 8 bits."""

ROUTED = tuple(MATRICES)[:4]  # unless others are named; 784x64 takes half an hour


def unrolled_unit(name: str, form: str, seed: int = 0, fold: int = 1) -> UnrolledUnit:
    """The layer of that name, with thresholds, a vector every ``fold`` cycles. Raises SubbitError
    where there is none, and PlanError where ``fold`` does not divide the bits of its inputs.
    """
    if name not in MATRICES:
        raise SubbitError(f"no matrix {name!r}; choose from {', '.join(MATRICES)}")
    make, bits = MATRICES[name]
    random = np.random.default_rng(seed)
    weights = make(random)
    reach = round(weights.row_length**0.5) << (bits - 1)
    settings: dict[str, Any] = {
        "weights": weights,
        "encoding": Encoding.BIPOLAR if bits == 1 else Encoding.UNSIGNED,
        "bits": bits,
        "vectors": 1,
        "post": random_threshold(random, weights.shape[0], 1, reach),
        "form": form,
    }
    return UnrolledUnit(**settings) if fold == 1 else FoldedUnit(**settings, fold=fold)


def direct_unit(unit: UnrolledUnit, cycles: int) -> DotUnit:
    """The direct engine for the same layer and so many cycles a vector, with all inputs at once: of
    some outputs at a time, or of some bits of all inputs, the one of fewest LUT4s by its estimate.
    """
    outputs = unit.outputs_a_pixel
    ways = [(outputs // cycles, unit.bits)] if outputs % cycles == 0 else []
    ways += [(outputs, unit.bits // cycles)] if unit.bits % cycles == 0 else []
    if not ways:
        raise PlanError(f"no direct engine of {outputs} outputs takes {cycles} cycles")
    units = [
        DotUnit(
            weights=unit.weights,
            encoding=unit.encoding,
            bits=unit.bits,
            masked=False,
            pe=pe,
            simd=unit.length,
            vectors=unit.vectors,
            post=unit.post,
            memory="logic",
            form=unit.form,
            x_branches=bits,
        )
        for pe, bits in ways
    ]
    return min(units, key=lambda found: found.cost().lut4)


def bench_unrolled(
    names: tuple[str, ...] = ROUTED,
    device: str = "ecp5-85k",
    seeds: tuple[int, ...] = (1,),
    weights_seed: int = 0,
    mhz: float = TARGET_MHZ,
    jobs: int = 1,
    peer: bool = False,
    folds: tuple[int, ...] = (1,),
    direct: bool = False,
    progress: Progress = SILENT,
) -> list[dict[str, Any]]:
    """For each matrix LUT4s, clock and register stages of the layer in ``device``, the seconds that
    optimising took, and whether its adders give what the matrix does; with ``peer`` the same of a
    design of da4ml's, which has no streams. ``folds``: cycles a vector, a row for each; with
    ``direct`` each has the figures of the direct engine of the same rate, too.

    Of the ``seeds`` of place-and-route, tried ``jobs`` at a time, the one with the highest clock
    counts; without any the figures are those of synthesis. nextpnr is driven to ``mhz``.
    ``weights_seed``: of the weights. Raises SubbitError.
    """
    target = replace(device_of(device), target_mhz=mhz)
    rows = []
    for name, fold in product(names, folds):
        progress.phase(name)
        row: dict[str, Any] = {"matrix": name, "device": device, "weights_seed": weights_seed}
        begin = time.perf_counter()
        unit = unrolled_unit(name, target.family.popcount_form, weights_seed, fold)
        adders = unit.adders
        optimise_s = round(time.perf_counter() - begin, 2)
        row |= figures(unit, target, seeds, jobs) | {"fold": fold}
        row |= {"stages": unit.stages, "adders": adders, "optimise_s": optimise_s}
        row["exact"] = is_exact(unit)
        if peer:
            progress.phase(f"{name}, da4ml")
            row["peer"] = peer_figures(unit, target, seeds, jobs)
        if direct:
            progress.phase(f"{name}, the direct engine")
            other = direct_unit(unit, fold)
            row["direct"] = figures(other, target, seeds, jobs) | {"stages": other.stages}
        rows.append(row)
    return rows


def peer_figures(
    unit: UnrolledUnit, device: BenchDevice, seeds: tuple[int, ...], jobs: int
) -> dict[str, Any]:
    """The figures of da4ml's design for the same matrix and thresholds."""
    assert unit.levels is not None
    least = np.array(unit.levels.least)[:, 0]
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as name:
        folder = Path(name)
        design = make_peer(unit.matrix, unit.bits, least, folder)
        names = ["pin", *(f"out[{at}]" for at in range(len(least)))]
        runs = measure_verilog(names, device, folder, seeds, jobs)
        found = best_of(runs, folder)
    return found | asdict(design)


def figures(unit: Unit, device: BenchDevice, seeds: tuple[int, ...], jobs: int) -> dict[str, Any]:
    """What place-and-route makes of the layer; without seeds what synthesis does."""
    probe = EngineProbe(unit)
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as name:
        folder = Path(name)
        runs = measure(probe, [probe.pins, probe.out], device, folder, seeds, jobs)
        return best_of(runs, folder)


def best_of(runs: list[Measured], folder: Path) -> dict[str, Any]:
    """The fastest run, beside what synthesis left."""
    cells = netlist_cells(folder / "top.json").row()
    found: dict[str, Any] = {"synthesis_lut4": cells["lut4"], **cells, "fmax_mhz": None}
    return found | asdict(max(runs, key=lambda run: run.fmax_mhz)) if runs else found
