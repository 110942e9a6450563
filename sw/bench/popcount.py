"""XNOR-popcount alone, of vendor primitives and of plain adders, after place-and-route."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Signal

from subbit.hw.popcount import PopcountXnor
from subbit.hw.vendor.popcount import VendorPopcount
from subbit.sw.bench.devices import Device, Measured, device_of, measure
from subbit.sw.compress.fabric import FABRICS
from subbit.sw.compress.popcount import Popcount
from subbit.sw.errors import SubbitError
from subbit.sw.units.popcount import PopcountXnor as Shape

__all__ = ["SEEDS", "Probe", "bench_popcount"]

SEEDS = (1, 2, 3)


class Probe(Elaboratable):
    """A counter between registers: two pins shift into its inputs, its count goes to pins."""

    def __init__(self, counter: PopcountXnor | VendorPopcount) -> None:
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


def bench_popcount(
    device: str, width: int, seeds: tuple[int, ...] = SEEDS, mhz: float | None = None
) -> dict[str, Any]:
    """LUT4s and clock of ``width`` positions counted in ``device`` by its primitives, and plainly.

    A count every cycle, from registers to registers; ``latency_cycles`` from input to output
    registers. The best seed is the one with the highest clock. ``mhz``: the clock that the
    structure is planned for. A place of a carry chain counts as one LUT4. Raises SubbitError.
    """
    if width < 1:
        raise SubbitError(f"a popcount has at least one position, not {width}")
    target = device_of(device)
    shape = Shape(1, width, 1)
    limit, depth = FABRICS[target.fabric].speed(mhz or target.target_mhz)
    vendor = VendorPopcount(shape, Popcount(width, fabric=target.fabric, limit=limit, depth=depth))
    result: dict[str, Any] = {"device": device, "width": width}
    result |= figures(vendor, vendor.latency, target, width, seeds)
    return result | {"plain": figures(PopcountXnor(shape), shape.latency, target, width, seeds)}


def figures(
    counter: PopcountXnor | VendorPopcount,
    latency: int,
    device: Device,
    width: int,
    seeds: tuple[int, ...],
) -> dict[str, Any]:
    """The figures of one form."""
    probe = Probe(counter)
    with tempfile.TemporaryDirectory(prefix="subbit-bench-") as folder:
        runs = measure(probe, [probe.pins, probe.count], device, Path(folder), seeds)
    best: Measured = max(runs, key=lambda run: run.fmax_mhz)
    return asdict(best) | {
        "lut4_per_bit": round(best.lut4 / width, 3),
        "latency_cycles": latency,
        "seeds_mhz": [run.fmax_mhz for run in runs],
    }
