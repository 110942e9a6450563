"""What the direct engine refuses, and what its weight sources store."""

from typing import Any

import numpy as np
import pytest

from subbit.hw.dot.dot import DotUnit
from subbit.hw.dot.source import CodebookSource, PhaseSource, WordSource, source_of
from subbit.sw.errors import PlanError
from subbit.sw.ir import Encoding, Weights
from tests.hw.dots import codebook, plain, thresholds, tiled

RNG = np.random.default_rng(5)


def dot(weights: Weights, **rest: Any) -> DotUnit:
    usual = {"encoding": Encoding.BIPOLAR, "bits": 1, "masked": False, "vectors": 1}
    return DotUnit(weights=weights, **{**usual, "pe": 1, "simd": 1, **rest})


@pytest.mark.parametrize(
    ("weights", "rest", "message"),
    [
        (plain(RNG, 6, 4), {"pe": 4}, "PE must divide the 6 outputs, and 4 does not"),
        (plain(RNG, 6, 4), {"pe": 0}, "PE must divide the 6 outputs, and 0 does not"),
        (
            plain(RNG, 6, 4),
            {"simd": 3},
            "SIMD must divide the 4 inputs of an output, and 3 does not",
        ),
        (
            codebook(RNG, 2, 2, 3),
            {"simd": 6},
            "codebook weights come in whole kernels: SIMD must be a multiple of 9, and 6 is not",
        ),
        (
            tiled(RNG, 4, 6, 12),
            {"simd": 3},
            "a tile is read in whole words: SIMD must divide its 2 bits, and 3 does not",
        ),
        (
            plain(RNG, 6, 4),
            {"encoding": Encoding.UNSIGNED, "masked": True},
            "only bipolar inputs have a mask; an unsigned 0 is code 0",
        ),
        (
            plain(RNG, 6, 4),
            {"vectors": 0},
            "a frame has at least one vector, not 0",
        ),
        (
            plain(RNG, 6, 4),
            {"memory": "flash"},
            "memory must be one of auto, block, logic, not 'flash'",
        ),
    ],
)
def test_refused(weights: Weights, rest: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError) as caught:
        dot(weights, **rest)
    assert str(caught.value) == message


def test_plain_weights_are_stored_once() -> None:
    source = source_of(plain(RNG, 64, 576), 8, 36, "auto")
    assert isinstance(source, WordSource)
    assert (source.rom.depth, source.rom.width, source.rom.style) == (128, 288, "block")
    assert source.cost.block_rams == 8


def test_indices_are_stored_instead_of_weights() -> None:
    source = source_of(codebook(RNG, 64, 64, 4), 8, 36, "block")
    assert isinstance(source, CodebookSource)
    assert (source.rom.depth, source.rom.width) == (128, 4 * 4 * 8)


@pytest.mark.parametrize(("pe", "rows"), [(1, 1), (4, 4), (16, 16), (64, 16)])
def test_a_tile_is_stored_once_however_it_is_read(pe: int, rows: int) -> None:
    source = source_of(tiled(RNG, 64, 576, 4), pe, 36, "block")
    assert isinstance(source, WordSource)
    assert source.rows == rows
    assert source.rom.depth * source.rom.width == 64 * 576 // 4


def test_rows_at_different_phases_read_copies() -> None:
    source = source_of(tiled(RNG, 60, 576, 32), 4, 36, "block")
    assert isinstance(source, PhaseSource)
    assert (source.rom.depth, source.rom.width, source.run) == (30, 36, 16)
    assert source.starts == (0, 16, 2, 18)
    assert source.cost.block_rams == 4


def test_shallow_words_are_logic_and_one_word_is_wires() -> None:
    weights = plain(RNG, 16, 72)
    assert [source_of(weights, pe, 72, "auto").rom.style for pe in (1, 16)] == ["logic", "const"]
    assert source_of(weights, 1, 18, "auto").rom.style == "block"


def test_the_queue_keeps_a_result_a_cycle_going() -> None:
    weights = plain(RNG, 8, 18)
    unit = dot(weights, simd=18, post=thresholds(RNG, 8, 9, 1))
    assert unit.depth == unit.stages + 2
    assert dot(weights, simd=9).depth == 4
