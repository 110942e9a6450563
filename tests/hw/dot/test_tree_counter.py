"""XNOR-popcounts of vendors' cells: mapped cells, by their models, against the portable form."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.hw.dot.popcount import PopcountShape
from subbit.hw.dot.popcount_rtl import PopcountXnor
from subbit.hw.dot.tree_counter_rtl import VendorPopcount
from subbit.hw.families.ecp5 import cells_rtl as ecp5
from subbit.hw.families.ecp5.carry import Half, half_of
from subbit.hw.families.netlist import AddPlace, CarryTap
from subbit.hw.trees.counter import Popcount, popcount_netlist
from tests.hw.dot.popcount_sum import PopcountSum
from tests.hw.gates import Aig, Bdds, graph_of, solve

FABRICS = ("ecp5", "ice40", "gowin")


def form_of(shape: PopcountShape, fabric: str = "ecp5", depth: int = 1) -> VendorPopcount:
    """The vendor's form of a shape."""
    return VendorPopcount(
        shape=shape,
        form=Popcount(
            simd=shape.simd,
            bits=shape.bits,
            masked=shape.masked,
            fabric=fabric,
            depth=depth,
            scales=shape.scales,
        ),
    )


def ports(form: VendorPopcount | PopcountXnor) -> list[object]:
    """Ports of either form."""
    return [form.x, form.w, form.count, form.padding]


def functions(graph: Aig, bdds: Bdds, shape: PopcountShape, period: int = 0) -> list[list[int]]:
    """Count and blanks as functions of inputs and weights, position by position.

    ``period``: of masks, if they repeat.
    """
    x, w, lane = graph.port("x"), graph.port("w"), shape.bits + shape.masked
    order: list[int | tuple[int, ...]] = []
    rows, plane = shape.rows, shape.rows * shape.simd
    if period:
        masks = x[shape.bits :: lane]
        order += [tuple(masks[at::period]) for at in range(period)]
    for at in range(shape.simd):
        order += x[at * lane : (at + 1) * lane - bool(period)]
        for first in range(0, len(w), plane):
            order += w[first + at * rows : first + (at + 1) * rows]
    return [bdds.of(graph, order, port) for port in ("count", "padding")[: 1 + shape.masked]]


def graphs(
    form: VendorPopcount, shape: PopcountShape, fabric: str, folder: Path
) -> tuple[Aig, Aig]:
    """The graphs of the form and of the portable form."""
    portable = PopcountXnor(shape=shape)
    return (
        graph_of(form, ports(form), folder / "vendor", fabric),
        graph_of(portable, ports(portable), folder / "plain"),
    )


def same(one: Aig, other: Aig, shape: PopcountShape, period: int) -> bool:
    """Whether both compute the same for every input."""
    bdds = Bdds()
    return functions(one, bdds, shape, period) == functions(other, bdds, shape, period)


def equal(form: VendorPopcount, shape: PopcountShape, fabric: str, folder: Path) -> bool:
    """Whether the form computes what the portable form does, for every input."""
    return same(*graphs(form, shape, fabric, folder), shape, form.form.period)


SHAPES = [
    *(PopcountShape(rows=1, simd=simd, bits=1) for simd in (1, 2, 3, 5, 7, 8, 13, 18, 24, 32)),
    *(
        PopcountShape(rows=2, simd=9, bits=1),
        PopcountShape(rows=1, simd=6, bits=2),
        PopcountShape(rows=1, simd=4, bits=4),
        PopcountShape(rows=1, simd=9, bits=1, masked=True),
    ),
    *(
        PopcountShape(rows=1, simd=5, bits=1, scales=(1, 2)),
        PopcountShape(rows=1, simd=4, bits=2, scales=(1, 2)),
        PopcountShape(rows=2, simd=5, bits=1, scales=(1, 1)),
    ),
    *(
        PopcountShape(rows=1, simd=3, bits=1, scales=(1, 1, 2, 4)),
        PopcountShape(rows=1, simd=4, bits=1, masked=True, scales=(1, 2)),
    ),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_ecp5_equals_the_portable_form(shape: PopcountShape, tmp_path: Path) -> None:
    assert equal(form_of(shape), shape, "ecp5", tmp_path)


@pytest.mark.parametrize("fabric", ["ice40", "gowin"])
@pytest.mark.parametrize(
    "shape",
    [
        *(PopcountShape(rows=1, simd=simd, bits=1) for simd in (3, 18, 32)),
        PopcountShape(rows=1, simd=4, bits=2, scales=(1, 2)),
    ],
    ids=str,
)
def test_others_equal_the_portable_form(fabric: str, shape: PopcountShape, tmp_path: Path) -> None:
    assert equal(form_of(shape, fabric), shape, fabric, tmp_path)


@pytest.mark.parametrize("fabric", FABRICS)
@pytest.mark.parametrize(
    "shape",
    [
        PopcountShape(rows=1, simd=14, bits=1, masked=True),
        PopcountShape(rows=1, simd=5, bits=2, masked=True, scales=(1, 1)),
    ],
    ids=str,
)
def test_masks_that_repeat(shape: PopcountShape, fabric: str, tmp_path: Path) -> None:
    """Equal where the masks of every other position are, and different where they are not."""
    form = Popcount(
        simd=shape.simd, bits=shape.bits, masked=True, fabric=fabric, scales=shape.scales, period=2
    )
    both = graphs(VendorPopcount(shape=shape, form=form), shape, fabric, tmp_path)
    assert same(*both, shape, period=2)
    assert not same(*both, shape, period=0)


@pytest.mark.parametrize("fabric", FABRICS)
@pytest.mark.parametrize(
    "shape",
    [PopcountShape(rows=1, simd=9, bits=1), PopcountShape(rows=1, simd=3, bits=2, scales=(1, 2))],
    ids=str,
)
def test_equal_by_sat(fabric: str, shape: PopcountShape, tmp_path: Path) -> None:
    """Yosys's own solver, registers and all: no input makes a difference in any cycle."""
    form = Popcount(simd=shape.simd, bits=shape.bits, fabric=fabric, scales=shape.scales)
    portable = PopcountXnor(shape=shape)
    latency = max(popcount_netlist(form).latency, shape.latency)
    padded = VendorPopcount(shape=shape, form=form, latency=latency)
    assert solve(padded, portable, latency - shape.latency, latency, tmp_path, fabric)


def expected_counts(
    shape: PopcountShape, x: NDArray[np.bool_], w: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Counts ``(words, rows, runs)`` by numpy, of ``x`` and ``w`` of ``(words, bits, runs)``."""
    words, _, runs = x.shape
    positions = x.reshape(words, shape.simd, 1, -1, runs)
    total = np.zeros((words, shape.rows, runs), np.int64)
    planes = w.reshape(words, len(shape.scales), shape.simd, shape.rows, 1, runs)
    for plane, scale in enumerate(shape.scales):
        same = positions[..., : shape.bits, :] == planes[:, plane]
        if shape.masked:
            same &= positions[..., shape.bits :, :]
        total += scale * (same * (1 << np.arange(shape.bits))[:, None]).sum(axis=(1, 3))
    return total


def numbers(bits: NDArray[np.bool_], width: int) -> NDArray[np.int64]:
    """``(words, n * width, runs)`` bits as ``(words, n, runs)`` numbers."""
    words, _, runs = bits.shape
    values: NDArray[np.int64] = (
        bits.reshape(words, -1, width, runs).astype(np.int64) << np.arange(width)[:, None]
    )
    return values.sum(axis=2)


def check_simulation(form: VendorPopcount, shape: PopcountShape, fabric: str, folder: Path) -> None:
    """A new word every cycle, through the cells' own models, against numpy; cycles included."""
    random, words, runs = np.random.default_rng(shape.simd), 4, 150
    x = random.random((words, len(form.x), runs)) < np.linspace(0, 1, runs)
    w = random.random((words, len(form.w), runs)) < random.random(runs)
    x[0], w[0] = True, True
    if period := form.form.period:
        lane = shape.bits + 1
        for at in range(shape.simd):
            x[:, at * lane + shape.bits] = x[:, at % period * lane + shape.bits]
    cycles = [{"x": a, "w": b} for a, b in zip(x, w, strict=True)]
    graph = graph_of(form, ports(form), folder, fabric)
    seen = graph.simulate(cycles + cycles[-1:] * form.latency, "count")
    counts = numbers(seen[form.latency : form.latency + words], shape.width)
    np.testing.assert_array_equal(counts, expected_counts(shape, x, w))


@pytest.mark.parametrize(
    ("shape", "fabric", "depth"),
    [
        (PopcountShape(rows=1, simd=128, bits=1), "ecp5", 1),
        (PopcountShape(rows=1, simd=256, bits=1), "ecp5", 1),
        (PopcountShape(rows=2, simd=144, bits=1), "ecp5", 2),
        (PopcountShape(rows=2, simd=16, bits=4), "ecp5", 1),
        (PopcountShape(rows=2, simd=36, bits=1, masked=True), "ecp5", 1),
        (PopcountShape(rows=2, simd=36, bits=2, scales=(1, 2)), "ecp5", 1),
        (PopcountShape(rows=1, simd=18, bits=4, scales=(1, 2, 4, 8)), "ecp5", 2),
        (PopcountShape(rows=1, simd=9, bits=2, masked=True, scales=(1, 1, 2)), "ecp5", 1),
        (PopcountShape(rows=1, simd=16, bits=2, scales=(1, 2)), "ice40", 1),
        (PopcountShape(rows=1, simd=128, bits=1), "ice40", 1),
        (PopcountShape(rows=1, simd=128, bits=1), "gowin", 1),
        (PopcountShape(rows=1, simd=9, bits=1, masked=True), "ice40", 1),
        (PopcountShape(rows=1, simd=9, bits=2), "gowin", 1),
    ],
    ids=str,
)
def test_cells_in_simulation(shape: PopcountShape, fabric: str, depth: int, tmp_path: Path) -> None:
    check_simulation(form_of(shape, fabric, depth), shape, fabric, tmp_path)


def test_masks_that_repeat_in_simulation(tmp_path: Path) -> None:
    shape = PopcountShape(rows=2, simd=72, bits=1, masked=True)
    check_simulation(
        VendorPopcount(
            shape=shape, form=Popcount(simd=72, bits=1, masked=True, period=9, fabric="ecp5")
        ),
        shape,
        "ecp5",
        tmp_path,
    )


@pytest.mark.parametrize("masked", [False, True])
def test_constant_weights(masked: bool, tmp_path: Path) -> None:
    random, simd, runs = np.random.default_rng(3), 45, 200
    weights = random.random(simd) < 0.4
    shape = PopcountShape(rows=1, simd=simd, bits=1, masked=masked)
    form = VendorPopcount(
        shape=shape,
        form=Popcount(
            simd=simd, bits=1, masked=masked, weights=tuple(map(int, weights)), fabric="ecp5"
        ),
    )
    x = random.random((1, len(form.x), runs)) < np.linspace(0, 1, runs)
    graph = graph_of(form, [form.x, form.count, form.padding], tmp_path, "ecp5")
    seen = graph.simulate([{"x": x[0]}] * (form.latency + 1), "count")[-1:]
    w = np.broadcast_to(weights[None, :, None], (1, simd, runs))
    np.testing.assert_array_equal(numbers(seen, shape.width), expected_counts(shape, x, w))


@pytest.mark.parametrize("depth", [1, 2])
def test_running_sum(depth: int, tmp_path: Path) -> None:
    random, simd, bits, runs, words = np.random.default_rng(4), 27, 8, 100, 12
    form = PopcountSum(form=Popcount(simd=simd, total=bits, depth=depth, fabric="ecp5"))
    x, w = (random.random((words, simd, runs)) < 0.7 for _ in range(2))
    first = random.random((words, 1, runs)) < 0.3
    first[0] = True
    cycles = [{"x": a, "w": b, "first": c} for a, b, c in zip(x, w, first, strict=True)]
    graph = graph_of(form, [form.x, form.w, form.first, form.count], tmp_path, "ecp5")
    seen = graph.simulate(cycles + cycles[-1:] * form.latency, "count")
    total, expected = np.zeros(runs, np.int64), []
    for count, start in zip((x == w).sum(axis=1), first[:, 0], strict=True):
        total = (np.where(start, 0, total) + count) % (1 << bits)
        expected.append(total)
    found = numbers(seen[form.latency : form.latency + words], bits)[:, 0]
    np.testing.assert_array_equal(found, expected)


def test_wrong_init_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = 0

    def wrong(place: AddPlace | CarryTap) -> Half | None:
        nonlocal planted
        half = half_of(place)
        if half and isinstance(place, AddPlace) and not planted:
            planted = 1
            return dataclasses.replace(half, init=half.init ^ 0x8000)
        return half

    monkeypatch.setattr(ecp5, "half_of", wrong)
    shape = PopcountShape(rows=1, simd=9, bits=1)
    assert not equal(form_of(shape), shape, "ecp5", tmp_path / "bdd")
    planted = 0
    latency = shape.latency
    padded = VendorPopcount(
        shape=shape, form=Popcount(simd=shape.simd, fabric="ecp5"), latency=latency
    )
    assert not solve(padded, PopcountXnor(shape=shape), 0, latency, tmp_path / "sat", "ecp5")
    planted, large = 0, PopcountShape(rows=1, simd=128, bits=1)
    with pytest.raises(AssertionError):
        check_simulation(form_of(large), large, "ecp5", tmp_path / "simulation")
    assert planted


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not count a row"):
        VendorPopcount(
            shape=PopcountShape(rows=1, simd=9, bits=1), form=Popcount(simd=8, fabric="ecp5")
        )
    with pytest.raises(ValueError, match=r"take \d cycles, which is more than 1"):
        VendorPopcount(
            shape=PopcountShape(rows=1, simd=64, bits=1),
            form=Popcount(simd=64, fabric="ecp5"),
            latency=1,
        )
    with pytest.raises(ValueError, match="does not count a row"):
        VendorPopcount(
            shape=PopcountShape(rows=1, simd=9, bits=1, scales=(1, 2)),
            form=Popcount(simd=9, fabric="ecp5"),
        )
    with pytest.raises(ValueError, match=r"scales are powers of two, not \(1, 3\)"):
        Popcount(simd=9, scales=(1, 3), fabric="ecp5")
    with pytest.raises(ValueError, match="18 weights, not 9"):
        Popcount(simd=9, weights=(1,) * 9, scales=(1, 2), fabric="ecp5")
    with pytest.raises(ValueError, match="no running sum"):
        PopcountSum(form=Popcount(simd=9, fabric="ecp5"))
