"""The direct engine against its unit: every encoding, weight source, folding and end."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Signal
from amaranth.sim import Simulator

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.dot_rtl import Dot
from subbit.hw.tables.packing import pack_elements
from subbit.sw.ir import Encoding, Weights
from tests.hw.dots import affine, codebook, frames, plain, thresholds, tiled
from tests.hw.harness import check_unit, unpack, with_reset

BIPOLAR, UNSIGNED = Encoding.BIPOLAR, Encoding.UNSIGNED


def end(kind: str, rng: np.random.Generator, weights: Weights, bits: int) -> Any:
    """``none``, ``affine``, or ``threshold`` and its bits, in the range of the dot products."""
    outputs, reach = weights.shape[0], int(np.abs(weights.dense()).sum(axis=1).max()) << bits
    if kind == "none":
        return None
    if kind == "affine":
        return affine(rng, outputs)
    return thresholds(rng, outputs, reach // 4, int(kind[-1]))


def check(weights: Weights, post: str, encoding: Encoding, bits: int, **rest: Any) -> DotUnit:
    rng = np.random.default_rng(weights.count + bits)
    unit = DotUnit(
        weights=weights,
        encoding=encoding,
        bits=bits,
        vectors=3,
        post=end(post, rng, weights, bits),
        **{"masked": False, **rest},
    )
    check_unit(unit, frames(rng, unit, 2))
    return unit


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize(("encoding", "masked"), [(BIPOLAR, 0), (BIPOLAR, 1), (UNSIGNED, 0)])
@pytest.mark.parametrize("post", ["none", "affine", "threshold1", "threshold2"])
def test_inputs_and_ends(bits: int, encoding: Encoding, masked: int, post: str) -> None:
    weights = plain(np.random.default_rng(bits), 4, 18)
    check(weights, post, encoding, bits, masked=bool(masked), pe=2, simd=9)


@pytest.mark.parametrize(
    ("outputs", "length", "pe", "simd", "stages"),
    [
        (3, 18, 1, 18, 5),  # one word a pass: a result every cycle
        (6, 18, 6, 9, 6),  # one pass
        (4, 10, 4, 10, 5),  # one word, one pass: the weights are wires
        (1, 1, 1, 1, 3),
        (2, 6, 1, 1, 4),  # one position a step
        (2, 6, 2, 3, 4),
        (8, 32, 4, 16, 6),
        (5, 63, 5, 21, 6),
    ],
)
def test_foldings(outputs: int, length: int, pe: int, simd: int, stages: int) -> None:
    weights = plain(np.random.default_rng(length), outputs, length)
    unit = check(weights, "threshold1", BIPOLAR, 1, pe=pe, simd=simd, memory="logic")
    assert unit.stages == stages


@pytest.mark.parametrize("form", ["ecp5", "ice40", "gowin"])
@pytest.mark.parametrize(
    ("bits", "encoding", "masked", "simd"),
    [(1, BIPOLAR, 0, 18), (1, BIPOLAR, 1, 9), (2, UNSIGNED, 0, 9), (3, BIPOLAR, 1, 6)],
)
def test_meant_for_vendors_cells(
    form: str, bits: int, encoding: Encoding, masked: int, simd: int
) -> None:
    weights = plain(np.random.default_rng(bits), 4, 18)
    rest = {"masked": bool(masked), "pe": 2, "simd": simd, "form": form, "pixels": 2}
    check(weights, "threshold1", encoding, bits, **rest)


@pytest.mark.parametrize("pixels", [2, 3])
@pytest.mark.parametrize("post", ["none", "affine", "threshold1", "threshold2"])
@pytest.mark.parametrize("source", ["plain", "codebook", "tiled", "scaled"])
def test_pixels_side_by_side(source: str, post: str, pixels: int) -> None:
    rng = np.random.default_rng(pixels)
    weights = {
        "plain": lambda: plain(rng, 6, 36),
        "codebook": lambda: codebook(rng, 6, 4, 3),
        "tiled": lambda: tiled(rng, 6, 36, 3),
        "scaled": lambda: tiled(rng, 6, 36, 4, scaled=True),
    }[source]()
    masked = source in ("plain", "tiled")
    unit = check(weights, post, BIPOLAR, 2, masked=masked, pe=2, simd=18, pixels=pixels)
    assert unit.o.lanes == 2 * pixels


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize(
    ("memory", "late"), [("logic", 1), ("logic", 2), ("block", 1), ("block", 2)]
)
def test_data_behind_their_handshakes(memory: str, late: int, bits: int) -> None:
    settings = {"pe": 2, "simd": 12, "memory": memory, "payload_delay": late, "x_branches": 1}
    weights = plain(np.random.default_rng(late), 8, 24)
    unit = check(weights, "threshold1", BIPOLAR, bits, **settings)
    assert unit.i_payload_delay == (1 if memory == "logic" else late)


@pytest.mark.parametrize("memory", ["block", "logic"])
@pytest.mark.parametrize(
    ("tau", "pe", "simd"), [(1, 2, 9), (3, 3, 18), (4, 6, 36), (5, 2, 9), (6, 1, 9), (8, 2, 18)]
)
def test_codebook(memory: str, tau: int, pe: int, simd: int) -> None:
    weights = codebook(np.random.default_rng(tau), 6, 4, tau)
    check(weights, "threshold1", BIPOLAR, 1, masked=tau == 3, pe=pe, simd=simd, memory=memory)


def test_codebook_of_large_kernels_and_inputs() -> None:
    weights = codebook(np.random.default_rng(0), 4, 2, 2, kernel=5)
    check(weights, "none", UNSIGNED, 4, pe=2, simd=25, memory="block")


@pytest.mark.parametrize(
    ("outputs", "length", "repeats", "pe", "simd", "rows"),
    [
        (8, 12, 4, 1, 6, 1),  # one row at a time reads the tile word after word
        (8, 12, 4, 2, 4, 2),  # as many rows as the tile has: computed once
        (8, 12, 4, 8, 6, 2),  # four outputs share each row
        (8, 12, 2, 2, 12, 2),  # words of two of the tile's four rows
        (8, 12, 8, 4, 6, 1),  # a tile of one row
        (12, 6, 2, 4, 3, 4),  # six rows, four at a time: a read port each
        (6, 20, 8, 2, 5, 2),  # rows at three different phases of the tile
        (6, 20, 8, 6, 5, 3),
        (5, 12, 3, 5, 2, 5),  # rows cross repeats
        (4, 30, 3, 4, 10, 4),
        (6, 6, 18, 3, 2, 1),  # a tile shorter than a row, one word long
        (4, 18, 1, 2, 9, 2),  # a tile that does not repeat
    ],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_tiled(
    outputs: int, length: int, repeats: int, pe: int, simd: int, rows: int, scaled: bool
) -> None:
    rng = np.random.default_rng(length + repeats)
    weights = tiled(rng, outputs, length, repeats, scaled)
    memory, post = ("block", "threshold1") if scaled else ("logic", "none")
    unit = check(weights, post, BIPOLAR, 1, masked=pe == 2, pe=pe, simd=simd, memory=memory)
    if not unit.crossing:
        assert unit.source.rows == rows


def test_scaled_tiles_with_other_inputs() -> None:
    weights = tiled(np.random.default_rng(4), 5, 12, 3, True)
    check(weights, "affine", UNSIGNED, 8, pe=5, simd=4)
    check(weights, "threshold2", BIPOLAR, 2, pe=1, simd=2, masked=True)


@pytest.mark.parametrize("post", ["none", "affine", "threshold1", "threshold2", "threshold3"])
@pytest.mark.parametrize(
    ("bits", "rest"),
    [
        (1, {"pe": 2, "pixels": 4, "memory": "block", "payload_delay": 2}),  # many positions
        (1, {"pe": 4, "pixels": 2, "memory": "logic", "payload_delay": 1}),
        (1, {"pe": 8, "pixels": 1, "memory": "block"}),  # a wide table too
        (2, {"pe": 2, "pixels": 4, "memory": "logic", "x_branches": 1}),
    ],
)
def test_large_engines(bits: int, rest: dict[str, Any], post: str) -> None:
    limits = SizeLimits(  # sizes that a simulation in Python can take
        large_engine_xnors=256,
        xnors_per_input_copy=100,
        large_table_bits=1024,
        wide_table_bits=32,
        part_bits=48,
    )
    rng = np.random.default_rng(bits)
    unit = check(plain(rng, 16, 64), post, BIPOLAR, bits, simd=32, limits=limits, **rest)
    small = {**rest, "simd": 4, "pixels": 1, "limits": limits}
    near = check(plain(rng, 8, 64), post, BIPOLAR, bits, **small)
    assert (unit.distance_stages, near.distance_stages) == (1, 0)
    ahead = 3 if rest["memory"] == "block" else 2  # for the step, and for block RAMs' addresses
    assert unit.source.latency - near.source.latency == ahead
    more = unit.popcount.latency - near.popcount.latency
    assert unit.word_stages - near.word_stages == ahead + 1 + more  # around the table of weights
    ends = [dot.stages - dot.word_stages - dot.core.latency for dot in (unit, near)]
    assert ends == [2, 1]


@pytest.mark.parametrize("late", [0, 1, 2])
def test_constant_weights_in_a_large_engine(late: int) -> None:
    limits = SizeLimits(large_engine_xnors=64, xnors_per_input_copy=40)
    rest = {"payload_delay": late, "limits": limits}
    weights = plain(np.random.default_rng(late), 4, 18)
    unit = check(weights, "threshold1", BIPOLAR, 1, pe=4, simd=18, **rest)
    assert unit.source.constant
    assert (unit.distance_stages, unit.i_payload_delay) == (1, min(late, 1))


def test_a_word_a_pass_far_from_its_thresholds() -> None:
    weights = plain(np.random.default_rng(5), 8, 24)
    rest = {"pixels": 2, "limits": SizeLimits(large_engine_xnors=192)}
    for encoding, masked in ((BIPOLAR, True), (UNSIGNED, False)):
        unit = check(weights, "threshold2", encoding, 2, masked=masked, pe=4, simd=24, **rest)
        assert (unit.beats, unit.distance_stages) == (1, 1)


@pytest.mark.parametrize("cycles", [7, 23])
@pytest.mark.parametrize("far", [False, True])
def test_a_reset_in_the_middle_of_a_frame(far: bool, cycles: int) -> None:
    rng = np.random.default_rng(9)
    if far:
        limits = SizeLimits(large_engine_xnors=192)
        rest: dict[str, Any] = {"post": thresholds(rng, 8, 15, 1), "pixels": 3, "limits": limits}
        unit = DotUnit(
            weights=plain(rng, 8, 48),
            encoding=BIPOLAR,
            bits=1,
            masked=False,
            pe=4,
            simd=16,
            vectors=3,
            **rest,
        )
    else:
        unit = DotUnit(
            weights=tiled(rng, 5, 12, 3, True),
            encoding=BIPOLAR,
            bits=2,
            masked=True,
            pe=5,
            simd=2,
            vectors=3,
            post=thresholds(rng, 5, 30, 2),
        )
    assert unit.distance_stages == far
    beats = frames(rng, unit, 1)
    component, reset = Dot(unit=unit), Signal()
    out: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        for count, ready in ((cycles, 0), (1, 0), (80, 1)):
            position = 0
            ctx.set(reset, int(count == 1))
            ctx.set(component.o.ready, ready)
            for _ in range(count):
                ctx.set(component.i.valid, int(position < len(beats)))
                beat = beats[min(position, len(beats) - 1)]
                ctx.set(component.i.payload.as_value(), pack_elements(beat, unit.i.bits))
                position += ctx.get(component.i.ready)
                if ctx.get(component.o.valid) and ready:
                    out.append(unpack(ctx.get(component.o.payload.as_value()), unit.o))
                await ctx.tick()

    simulator = Simulator(with_reset(component, reset))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    np.testing.assert_array_equal(out, unit.reference(beats))
