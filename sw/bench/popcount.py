"""XNOR-popcount alone, of vendor primitives and of plain adders, after place-and-route."""

import tempfile
from pathlib import Path
from typing import Any, Protocol

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value

from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.dot.popcount_rtl import PopcountXnor
from subbit.hw.dot.tree_counter_rtl import VendorPopcount
from subbit.hw.trees.counter import Popcount
from subbit.sw.bench.devices import BenchDevice, Measured, device_of, measure
from subbit.sw.errors import SubbitError
from subbit.sw.flow.progress import SILENT, Progress

__all__ = ["SEEDS", "Probe", "bench_popcount"]

SEEDS = (1, 2, 3)


class PopcountComponent(Protocol):
    """Anything that counts the positions in which ``x`` and ``w`` are equal."""

    x: Signal
    w: Signal
    count: Signal


class Probe(Elaboratable):
    """A counter between registers: two pins shift into its inputs, its count goes to pins."""

    def __init__(self, counter: PopcountComponent) -> None:
        self.counter = counter
        self.pins = Signal(2)
        self.count = Signal(len(counter.count))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.counter = counter = self.counter
        for port, pin in ((counter.x, self.pins[0]), (counter.w, self.pins[1])):
            register = Signal(len(port), reset_less=True)
            m.d.sync += register.eq(Cat(pin, register))
            m.d.comb += port.eq(register)
        m.d.comb += self.count.eq(counter.count)
        return m


class SumOfXnors(Elaboratable):
    """What a user writes first: the sum of the XNORs, and a register behind it."""

    def __init__(self, width: int) -> None:
        self.x, self.w = Signal(width), Signal(width)
        self.count = Signal(width.bit_length())

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total: Value = Const(0, 1)
        for at, (x, w) in enumerate(zip(self.x, self.w, strict=True)):
            partial = Signal(range(at + 2), name="partial")  # without it, wide sums nest too deeply
            m.d.comb += partial.eq(total + (x == w))
            total = partial
        m.d.sync += self.count.eq(total)
        return m


def bench_popcount(
    device: str = "ecp5-85k",
    width: int = 128,
    seeds: tuple[int, ...] = SEEDS,
    mhz: float | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """LUT4s and clock of ``width`` positions counted in ``device`` by its primitives.

    Under ``plain`` the same of the portable form, and under ``sum`` of a bare sum of XNORs. A count
    every cycle, from registers to registers; ``latency_cycles`` from input to output registers. The
    best seed is the one with the highest clock. ``mhz``: the clock that the structure is planned
    for. A place of a carry chain counts as one LUT4. Raises SubbitError.
    """
    if width < 1:
        raise SubbitError(f"a popcount has at least one position, not {width}")
    target = device_of(device)
    shape = PopcountShape(rows=1, simd=width, bits=1)
    limit, depth = target.family.carry.speed(mhz or target.target_mhz)
    form = Popcount(simd=width, fabric=target.family.name, limit=limit, depth=depth)

    def row(name: str, counter: PopcountComponent, latency: int) -> dict[str, Any]:
        progress.phase(f"{name}, {width} positions on {device}, seeds {', '.join(map(str, seeds))}")
        return figures(Probe(counter), latency, target, width, seeds)

    progress.phase("planning")
    vendor = VendorPopcount(shape=shape, form=form)
    result: dict[str, Any] = {"device": device, "width": width, "seeds": list(seeds)}
    result |= {"chain_places": limit, "levels_between_registers": depth}
    result |= row("primitives", vendor, vendor.latency)
    result["plain"] = row("portable form", PopcountXnor(shape=shape), shape.latency)
    result["sum"] = row("sum of XNORs", SumOfXnors(width), 1)
    return result


def figures(
    probe: Probe, latency: int, device: BenchDevice, width: int, seeds: tuple[int, ...]
) -> dict[str, Any]:
    """The figures of one form."""
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as folder:
        runs = measure(probe, [probe.pins, probe.count], device, Path(folder), seeds)
    best: Measured = max(runs, key=lambda run: run.fmax_mhz)
    return {
        "lut4": best.lut4,
        "lut4_per_bit": round(best.lut4 / width, 3),
        "fmax_mhz": best.fmax_mhz,
        "latency_cycles": latency,
        "flip_flops": best.flip_flops,
        "seeds_mhz": [run.fmax_mhz for run in runs],
    }
