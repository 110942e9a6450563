"""The lookup engine against its unit: every table size, folding and end."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from subbit.hw.contract.unit import Beats
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.lookup.lookup_rtl import Lookup
from subbit.hw.window.window import WindowUnit
from subbit.sw.cycles import run
from subbit.sw.errors import PlanError
from subbit.sw.ir import CodebookWeights, Encoding
from subbit.sw.ir.layers.conv2d import Padding
from subbit.sw.ir.types import TensorType
from tests.hw.design import test_reset
from tests.hw.dots import affine, codebook, flipped, plain, thresholds
from tests.hw.harness import check_unit
from tests.hw.planted import Watched

BIPOLAR, UNSIGNED = Encoding.BIPOLAR, Encoding.UNSIGNED


def end(kind: str, rng: np.random.Generator, outputs: int, reach: int) -> Any:
    """``none``, ``affine``, or ``threshold`` and its bits."""
    if kind == "none":
        return None
    if kind == "affine":
        return affine(rng, outputs)
    return thresholds(rng, outputs, reach // 4, int(kind[-1]))


def windows(rng: np.random.Generator, unit: LookupUnit, frames: int) -> Beats:
    """Windows of random pixels around the edges of a small tensor, without or with a mask."""
    count = frames * unit.vectors * unit.cin
    if not unit.masked:
        return rng.integers(0, 1 << unit.bits, (count, 9))
    side = int(unit.vectors**0.5)
    x = TensorType.codes(side, side, unit.cin, unit.bits, unit.encoding)
    window = WindowUnit(input=x, kernel=3, stride=1, padding=Padding.ZERO, channels=1, folds=1)
    return window.reference(rng.integers(0, 1 << unit.bits, (frames * x.elements, 1)))


def lookup(
    outputs: int = 4,
    channels: int = 3,
    tau: int = 3,
    post: str = "threshold1",
    bits: int = 1,
    vectors: int = 4,
    encoding: Encoding = BIPOLAR,
    **rest: Any,
) -> LookupUnit:
    rng = np.random.default_rng(outputs + channels + tau)
    weights = codebook(rng, outputs, channels, tau)
    ends = end(post, rng, outputs, 9 * channels << bits)
    return LookupUnit(
        weights=weights,
        encoding=encoding,
        bits=bits,
        vectors=vectors,
        post=ends,
        **{"masked": False, **rest},
    )


def check(unit: LookupUnit) -> None:
    check_unit(Watched(unit), windows(np.random.default_rng(1), unit, 2))


ENDS = [(1, "none"), (1, "affine"), (1, "threshold1"), (2, "threshold2"), (8, "none")]


@pytest.mark.parametrize(("bits", "post"), ENDS)
@pytest.mark.parametrize(("encoding", "masked"), [(BIPOLAR, 0), (BIPOLAR, 1), (UNSIGNED, 0)])
def test_inputs_and_ends(bits: int, encoding: Encoding, masked: int, post: str) -> None:
    check(lookup(post=post, bits=bits, encoding=encoding, masked=bool(masked), lanes=2))


@pytest.mark.parametrize(
    ("tau", "outputs", "lanes", "dot9"),
    [
        (3, 8, 1, 1),  # as many cycles to fill as to read
        (3, 16, 1, 1),
        (3, 4, 4, 1),  # one read a channel
        (4, 6, 3, 2),
        (5, 8, 4, 4),
        (6, 8, 2, 16),
        (7, 4, 1, 16),
        (8, 4, 2, 16),
        (5, 4, 2, 32),  # one fill a channel
        (1, 4, 1, 1),
        (2, 12, 2, 4),
    ],
)
@pytest.mark.parametrize("memory", ["block", "logic"])
def test_foldings(tau: int, outputs: int, lanes: int, dot9: int, memory: str) -> None:
    check(lookup(outputs, 3, tau, lanes=lanes, dot9=dot9, memory=memory, vectors=3))


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("form", ["portable", "ecp5"])
def test_blanks_of_few_channels(channels: int, form: str) -> None:
    check(lookup(4, channels, 2, "none", 1, 9, masked=True, lanes=2, dot9=4, form=form))


@pytest.mark.parametrize(("tau", "outputs", "lanes", "dot9"), [(5, 128, 4, 1), (5, 64, 4, 1)])
def test_interval_is_the_published_one(tau: int, outputs: int, lanes: int, dot9: int) -> None:
    unit = lookup(outputs, 5, tau, vectors=6, lanes=lanes, dot9=dot9)
    assert run(list(unit.processes()), 4).interval_cycles == unit.interval_cycles
    assert unit.interval_cycles == 6 * 5 * max(2**tau // dot9, outputs // lanes)


def test_64_channels_as_in_a_resnet() -> None:
    unit = lookup(64, 64, 5, vectors=1, lanes=4)
    assert unit.interval_cycles == 64 * 32
    check_unit(unit, windows(np.random.default_rng(3), unit, 1))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"lanes": 3}, "lanes must divide the 4 outputs; 3 does not"),
        ({"dot9": 3}, "the Dot9 units must divide the 8 codewords; 3 does not"),
        ({"masked": True, "encoding": UNSIGNED}, "only bipolar inputs have a mask"),
        ({"form": "wood"}, "popcount must be one of"),
        ({"vectors": 0}, "a frame has at least one vector"),
    ],
)
def test_settings_that_do_not_fit(change: dict[str, Any], match: str) -> None:
    with pytest.raises(PlanError, match=match):
        lookup(**change)


def test_only_3x3_codebooks() -> None:
    rng = np.random.default_rng(0)
    for weights in (codebook(rng, 4, 2, 2, kernel=5), plain(rng, 4, 9)):
        with pytest.raises(PlanError, match="only codebook weights of 3x3 kernels"):
            LookupUnit(weights=weights, encoding=BIPOLAR, bits=1, masked=False, vectors=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("memory", ["block", "logic"])
def test_a_wrong_bit_of_an_index(monkeypatch: pytest.MonkeyPatch, memory: str) -> None:
    unit = lookup(4, 3, 3, "none", memory=memory, lanes=2)
    wrong = replace(unit, weights=flipped(unit.weights, 13))
    found_by_the_check(monkeypatch, unit, wrong, "Arrays are not equal")


def test_a_wrong_codeword(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = lookup(4, 3, 3, "none", lanes=2)
    words = unit.weights.codewords.copy()
    words[int(unit.weights.indices[2, 1]), 1, 2] ^= 1
    wrong = replace(unit, weights=CodebookWeights(words, unit.weights.indices))
    found_by_the_check(monkeypatch, unit, wrong, "Arrays are not equal")


def test_blanks_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = lookup(4, 3, 3, "none", lanes=2, masked=True)
    monkeypatch.setattr(LookupUnit, "begin", lambda *_: 0)
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        check(unit)


def found_by_the_check(
    monkeypatch: pytest.MonkeyPatch, unit: LookupUnit, wrong: LookupUnit, match: str
) -> None:
    beats = windows(np.random.default_rng(1), unit, 2)
    check_unit(unit, beats)
    monkeypatch.setattr(LookupUnit, "load_component", lambda _: lambda unit: Lookup(unit=wrong))
    with pytest.raises(AssertionError, match=match):
        check_unit(unit, beats)


def test_a_reset_in_the_middle() -> None:
    test_reset.test_reset_in_the_middle(lookup(6, 3, 3, lanes=2, vectors=2))
