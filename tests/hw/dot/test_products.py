"""The engine of multipliers held to its contract."""

import numpy as np
import pytest
from numpy.random import Generator

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Beats
from subbit.hw.dot.products import ProductsUnit
from subbit.hw.post.raw import Post
from subbit.sw.errors import PlanError
from subbit.sw.ir.planes import odd_planes, signed_planes
from subbit.sw.ir.types import Encoding
from subbit.sw.ir.weights import Weights
from tests.hw.dots import affine, thresholds
from tests.hw.harness import check_unit
from tests.parts import binary

BIPOLAR, UNSIGNED, INTEGER = Encoding.BIPOLAR, Encoding.UNSIGNED, Encoding.INTEGER


def odd(rng: Generator, outputs: int, length: int, bits: int) -> Weights:
    top = (1 << bits) - 1
    return odd_planes(2 * rng.integers(0, top + 1, (outputs, length)) - top, bits)


def whole(rng: Generator, outputs: int, length: int, bits: int) -> Weights:
    most = 1 << (bits - 1)
    return signed_planes(rng.integers(-most, most + 1, (outputs, length)), bits)


def frames(rng: Generator, unit: ProductsUnit, count: int) -> Beats:
    """Random vectors, masked lanes with code 0 as windows give them, each for all its passes."""
    shape = (count * unit.vectors, unit.words, unit.pixels * unit.simd)
    low, high = unit.span or (0, (1 << unit.bits) - 1)
    values = rng.integers(low, high + 1, shape)
    if unit.masked:
        inside = rng.integers(0, 2, shape)
        values = inside * (values | 1 << unit.bits)
    return np.repeat(values, unit.repeats, axis=0).reshape(-1, unit.i.lanes)


def unit_of(
    weights: Weights, encoding: Encoding = BIPOLAR, bits: int = 8, **settings: object
) -> ProductsUnit:
    usual: dict[str, object] = {"masked": False, "pe": 1, "simd": 3, "vectors": 2}
    return ProductsUnit(weights=weights, encoding=encoding, bits=bits, **(usual | settings))  # type: ignore[arg-type]


def cases() -> list[tuple[str, ProductsUnit]]:
    rng = np.random.default_rng(50)
    both = affine(rng, 4)
    compare: Post = thresholds(rng, 4, 500, 2)
    return [
        ("8 x 8 bits", unit_of(odd(rng, 4, 9, 8))),
        ("one beat a pass", unit_of(odd(rng, 4, 5, 8), simd=5, pe=2)),
        ("one input a beat", unit_of(odd(rng, 4, 6, 4), simd=1, pe=4)),
        ("masks", unit_of(odd(rng, 4, 9, 8), masked=True, pe=2)),
        ("pixels", unit_of(odd(rng, 4, 9, 8), UNSIGNED, simd=9, pe=2, pixels=2)),
        ("a zero between", unit_of(whole(rng, 4, 6, 8), simd=2)),
        ("integers", unit_of(whole(rng, 4, 6, 4), INTEGER, 9, span=(-200, 130))),
        ("2 in one", unit_of(odd(rng, 4, 12, 4), bits=4, pe=4, packed=2)),
        ("2 in one, masks", unit_of(whole(rng, 4, 12, 4), bits=4, pe=2, packed=2, masked=True)),
        ("4 in one", unit_of(odd(rng, 4, 4, 2), UNSIGNED, 1, simd=1, pe=4, packed=4)),
        ("thresholds", unit_of(odd(rng, 4, 6, 4), UNSIGNED, 4, post=compare, pe=2)),
        ("scales", unit_of(odd(rng, 4, 6, 4), UNSIGNED, 4, post=both, pe=2, memory="block")),
        ("binary", unit_of(binary(rng, 4, 6), UNSIGNED, 8, pe=2, packed=2)),
        ("late payloads", unit_of(odd(rng, 4, 6, 4), payload_delay=2, memory="block")),
        ("all weights equal", unit_of(odd_planes(np.full((4, 6), 5), 4), UNSIGNED, 4)),
    ]


@pytest.mark.parametrize(("name", "unit"), cases(), ids=[name for name, _ in cases()])
def test_values_and_cycles(name: str, unit: ProductsUnit) -> None:
    rng = np.random.default_rng(len(name))
    check_unit(unit, frames(rng, unit, 2), seed=len(name))


@pytest.mark.parametrize("seed", range(6))
def test_random_shapes(seed: int) -> None:
    rng = np.random.default_rng(900 + seed)
    bits, weight_bits = int(rng.integers(1, 9)), int(rng.integers(2, 9))
    outputs, words, simd = (int(rng.integers(1, 5)) for _ in range(3))
    make = (odd, whole)[seed % 2]
    encoding = (BIPOLAR, UNSIGNED)[seed // 2 % 2]
    pe = int(rng.choice([n for n in (1, 2, 3, 4) if outputs % n == 0]))
    unit = unit_of(
        make(rng, outputs, words * simd, weight_bits),
        encoding,
        bits,
        pe=pe,
        simd=simd,
        masked=encoding is BIPOLAR and bool(rng.integers(2)),
        pixels=int(rng.integers(1, 3)),
    )
    check_unit(unit, frames(rng, unit, 2), seed=seed)


def test_the_extremes() -> None:
    """Products, sums and fields of shared multipliers at both ends of their ranges."""
    weights = odd_planes(np.array([[15, 15, 15], [-15, -15, -15]] * 2), 4)
    unit = unit_of(weights, bits=4, pe=4, packed=2, vectors=2)
    codes = np.array([[15] * 3, [0] * 3])
    check_unit(unit, codes)


def test_shared_multipliers_are_counted() -> None:
    rng = np.random.default_rng(51)
    unit = unit_of(odd(rng, 8, 12, 4), bits=4, pe=8, packed=2, pixels=3)
    assert unit.multipliers == 3 * 8 // 2 * 3
    assert unit.cost().multipliers == unit.multipliers


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"packed": 3}, "packed must divide PE, 4, and 3 does not"),
        ({"packed": 2, "bits": 8}, "multipliers take 18"),
        ({"encoding": INTEGER, "bits": 19, "span": (0, 1 << 17)}, "inputs of 19 bits"),
        ({"limits": SizeLimits(operand_bits=0)}, "no multipliers"),
        ({"limits": SizeLimits(operand_bits=16), "packed": 2, "bits": 5}, "multipliers take 16"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, object], message: str) -> None:
    usual: dict[str, object] = {"pe": 4, "simd": 9, "bits": 4}
    with pytest.raises(PlanError, match=message):
        unit_of(odd(np.random.default_rng(52), 4, 9, 4), **(usual | settings))


def test_a_wrong_weight_in_the_circuit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(53)
    unit = unit_of(odd(rng, 4, 9, 8), pe=2)
    beats, stored = frames(rng, unit, 1), unit.stored.copy()
    stored[2, 5] ^= 2
    monkeypatch.setattr(ProductsUnit, "stored", stored)
    with pytest.raises(AssertionError):
        check_unit(unit, beats)
