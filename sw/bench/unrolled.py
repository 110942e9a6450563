"""Layers whose weights are wires, after place-and-route, beside a generator that others wrote."""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Elaboratable, Module, Signal

from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.unrolled.unrolled_rtl import Unrolled
from subbit.sw.bench.devices import BenchDevice, device_of, measure
from subbit.sw.errors import SubbitError
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

__all__ = ["MATRICES", "UnrolledProbe", "bench_unrolled", "unrolled_unit"]

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


def unrolled_unit(name: str, form: str, seed: int = 0) -> UnrolledUnit:
    """The layer of that name, with thresholds. Raises SubbitError where there is none."""
    if name not in MATRICES:
        raise SubbitError(f"no matrix {name!r}; choose from {', '.join(MATRICES)}")
    make, bits = MATRICES[name]
    random = np.random.default_rng(seed)
    weights = make(random)
    reach = round(weights.row_length**0.5) << (bits - 1)
    return UnrolledUnit(
        weights=weights,
        encoding=Encoding.BIPOLAR if bits == 1 else Encoding.UNSIGNED,
        bits=bits,
        vectors=1,
        post=random_threshold(random, weights.shape[0], 1, reach),
        form=form,
    )


class UnrolledProbe(Elaboratable):
    """A layer between registers: a pin shifts into its input, its outputs go to pins.

    ``pins``: of the shift register, valid, and ready of the output.
    """

    def __init__(self, unit: UnrolledUnit) -> None:
        self.engine = Unrolled(unit=unit)
        self.pins, self.out = Signal(3), Signal(unit.o.width + 2)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.engine = engine = self.engine
        payload = engine.i.payload.as_value()
        x, valid, ready = Signal(len(payload), reset_less=True), Signal(), Signal()
        m.d.sync += [x.eq(Cat(self.pins[0], x)), Cat(valid, ready).eq(self.pins[1:])]
        m.d.comb += [payload.eq(x), engine.i.valid.eq(valid), engine.o.ready.eq(ready)]
        m.d.sync += self.out.eq(Cat(engine.o.payload.as_value(), engine.o.valid, engine.i.ready))
        return m


def bench_unrolled(
    names: tuple[str, ...],
    device: str = "ecp5-85k",
    seeds: tuple[int, ...] = (1,),
    weights_seed: int = 0,
    mhz: float = TARGET_MHZ,
    jobs: int = 1,
    progress: Progress = SILENT,
) -> list[dict[str, Any]]:
    """For each matrix LUT4s, clock and register stages of the layer in ``device``, and the seconds
    that optimising took.

    Of the ``seeds`` of place-and-route, tried ``jobs`` at a time, the one with the highest clock
    counts; without any the figures are those of synthesis. nextpnr is driven to ``mhz``.
    ``weights_seed``: of the weights. ``exact``: whether the circuit of this layer is held to its
    contract in the tests. Raises SubbitError.
    """
    target = replace(device_of(device), target_mhz=mhz)
    rows = []
    for name in names:
        progress.phase(name)
        begin = time.perf_counter()
        unit = unrolled_unit(name, target.family.popcount_form, weights_seed)
        network = unit.network
        optimise_s = round(time.perf_counter() - begin, 2)
        row: dict[str, Any] = {"matrix": name, "device": device}
        row |= figures(unit, target, seeds, jobs)
        row |= {"stages": unit.stages, "adders": network.adders, "optimise_s": optimise_s}
        rows.append(row)
    return rows


def figures(
    unit: UnrolledUnit, device: BenchDevice, seeds: tuple[int, ...], jobs: int
) -> dict[str, Any]:
    """What place-and-route makes of the layer; without seeds what synthesis does."""
    probe = UnrolledProbe(unit)
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as name:
        folder = Path(name)
        runs = measure(probe, [probe.pins, probe.out], device, folder, seeds, jobs)
        cells = netlist_cells(folder / "top.json").row()
    found: dict[str, Any] = {"synthesis_lut4": cells["lut4"], **cells, "fmax_mhz": None}
    if runs:
        best = max(runs, key=lambda run: run.fmax_mhz)
        found |= {"lut4": best.lut4, "flip_flops": best.flip_flops, "fmax_mhz": best.fmax_mhz}
    return found
