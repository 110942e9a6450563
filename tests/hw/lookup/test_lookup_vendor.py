"""The vendor's forms of what lookup engines count and add with, in the vendor's cells."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Fragment

from subbit.hw.families.part import Part
from subbit.hw.lookup.dot9 import Dot9Row, compressor_netlist
from subbit.hw.lookup.dot9_rtl import Dot9s
from subbit.hw.lookup.dot9_tables import Dot9TablesShape, rest_netlist
from subbit.hw.lookup.entry_sum import EntrySumShape, sum_netlist
from subbit.hw.lookup.entry_sum_rtl import EntrySum
from tests.hw.gates import graph_of

RUNS, WORDS = 200, 12


class Made(Elaboratable):
    """A component as it is made for a part."""

    def __init__(self, component: Any, fabric: str) -> None:
        self.component, self.fabric = component, fabric

    def elaborate(self, platform: object) -> Any:
        return Fragment.get(self.component, Part(self.fabric))


def cells(component: Any, ports: list[Any], folder: Path, fabric: str) -> Any:
    return graph_of(Made(component, fabric), ports, folder, fabric)


def numbers(bits: Any, size: int) -> Any:
    """Numbers ``(words, count, runs)`` from bits ``(words, count * size, runs)``."""
    weights = 1 << np.arange(size)
    return np.einsum("wnbr,b->wnr", bits.reshape(len(bits), -1, size, bits.shape[-1]), weights)


@pytest.mark.parametrize(("pixels", "matched"), [(1, False), (5, False), (8, False), (6, True)])
def test_dot9(pixels: int, matched: bool, tmp_path: Path) -> None:
    chance, row = (
        np.random.default_rng(pixels),
        Dot9Row(pixels=pixels, bits=1, matched=matched, form="ecp5"),
    )
    form = Dot9s(row=row)
    x = chance.random((WORDS, pixels * 9, RUNS)) < chance.random(RUNS)
    w = chance.random((WORDS, 9, RUNS)) < chance.random(RUNS)
    x[0, :, :2], w[0, :, 0], w[0, :, 1] = True, True, False
    cycles = [{"x": a, "w": b} for a, b in zip(x, w, strict=True)]
    graph = cells(form, [form.x, form.w, form.count], tmp_path, "ecp5")
    seen = graph.simulate(cycles + cycles[-1:] * row.latency, "count")
    windows = x.reshape(WORDS, pixels, 9, RUNS)
    wanted = (windows if matched else windows == w[:, None]).sum(axis=2)
    found = numbers(seen[row.latency : row.latency + WORDS], row.width)
    np.testing.assert_array_equal(found, wanted)


SHAPES = [
    *(
        EntrySumShape(count=count, bits=4, width=7, running=False, form="ecp5")
        for count in (2, 5, 8)
    ),
    *(
        EntrySumShape(count=count, bits=4, width=9, running=True, form="ecp5")
        for count in (2, 7, 16)
    ),
    EntrySumShape(count=4, bits=5, width=8, running=True, form="ecp5"),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums(shape: EntrySumShape, tmp_path: Path) -> None:
    chance, form = np.random.default_rng(shape.count), EntrySum(shape=shape)
    x = chance.random((WORDS, shape.count * shape.bits, RUNS)) < chance.random(RUNS)
    first = chance.random((WORDS, 1, RUNS)) < 0.3
    first[0] = True
    cycles = [{"x": a, "first": b} for a, b in zip(x, first, strict=True)]
    graph = cells(form, [form.x, form.first, form.total], tmp_path, shape.form)
    seen = graph.simulate(cycles + cycles[-1:] * shape.latency, "total")
    total, wanted = np.zeros(RUNS, np.int64), []
    for words, start in zip(numbers(x, shape.bits).sum(axis=1), first[:, 0], strict=True):
        total = np.where(start | (not shape.running), 0, total) + words
        total %= 1 << shape.width
        wanted.append(total)
    found = numbers(seen[shape.latency : shape.latency + WORDS], shape.width)[:, 0]
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("count", [8, 32, 64])
def test_large_sums_as_netlists(count: int) -> None:
    shape = EntrySumShape(count=count, bits=4, width=12, running=False, form="ecp5")
    chance = np.random.default_rng(count)
    x = chance.random((count * 4, 300)) < np.linspace(0, 1, 300)
    wanted = numbers(x[None], 4)[0].sum(axis=0)
    np.testing.assert_array_equal(sum_netlist(shape).evaluate(x), wanted)


@pytest.mark.parametrize(("tau", "pixels"), [(4, 3), (5, 1), (5, 8)])
def test_what_is_added_to_counts_from_block_ram(tau: int, pixels: int) -> None:
    chance = np.random.default_rng(tau + pixels)
    tables = Dot9TablesShape(
        pixels=pixels, codewords=chance.integers(0, 2, (1 << tau, 9)), form="ecp5"
    )
    width, rest = tables.rom.width, tables.rest
    counts = chance.integers(0, tables.looked + 1, (pixels, RUNS))
    bits = (counts[:, None] >> np.arange(width)[:, None] & 1).astype(bool)
    x, w = chance.random((pixels, rest, RUNS)) < 0.5, chance.random((rest, RUNS)) < 0.5
    nets = [*np.concatenate([bits, x], axis=1).reshape(-1, RUNS), *~w]
    wanted = counts + (x == w).sum(axis=1)
    found = rest_netlist(tables).evaluate(np.array(nets))
    np.testing.assert_array_equal(found, (wanted << 4 * np.arange(pixels)[:, None]).sum(axis=0))


def test_a_wrong_cell_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("subbit.hw.lookup.dot9.XOR", 0b0111)
    made_anew = compressor_netlist.__wrapped__  # without the netlists that other tests left
    monkeypatch.setattr("subbit.hw.lookup.dot9_rtl.compressor_netlist", made_anew)
    with pytest.raises(AssertionError):
        test_dot9(3, False, tmp_path)
