"""Engines of multipliers at realistic sizes, whose costs are compared with the circuits."""

from collections.abc import Iterator
from typing import Any

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.dot.products import ProductsUnit
from subbit.sw.bench.case import UnitCase, affine, chance, thresholds
from subbit.sw.ir.random_weights import random_planes
from subbit.sw.ir.types import Encoding
from subbit.sw.ir.weights import Weights

__all__ = ["product_cases"]

OPERAND_BITS = {"ice40": 16}  # of the others 18
BIPOLAR, UNSIGNED = Encoding.BIPOLAR, Encoding.UNSIGNED


def products(
    fabric: str, weights: Weights, encoding: Encoding, bits: int, pe: int, simd: int, **more: Any
) -> Unit:
    """An engine for a fabric, thresholds of one bit behind it unless ``more`` says so."""
    reach = 3 * round((weights.row_length * 4.0 ** (bits + 3)) ** 0.5)
    usual: dict[str, Any] = {
        "masked": False,
        "vectors": 16,
        "post": thresholds(weights.shape[0], reach),
        "limits": SizeLimits(operand_bits=OPERAND_BITS.get(fabric, 18)),
    }
    return ProductsUnit(
        weights=weights, encoding=encoding, bits=bits, pe=pe, simd=simd, **(usual | more)
    )


def case(name: str, bits: int, shape: tuple[int, ...], *settings: Any, **more: Any) -> UnitCase:
    """Weights of so many bits and that shape; encoding, bits of inputs, PE and SIMD."""
    weights = random_planes(chance(), bits, shape)
    return UnitCase(
        f"products, {name}", lambda fabric: products(fabric, weights, *settings, **more)
    )


def product_cases() -> Iterator[UnitCase]:
    """Of 8, 4 and 2 bits, one or several outputs in a multiplier."""
    yield case("8 x 8 bits", 8, (16, 24), UNSIGNED, 8, 1, 8, memory="block")
    yield case("one input at a time", 8, (16, 24), BIPOLAR, 8, 4, 1, memory="block")
    yield case("masks, scales", 8, (16, 27), BIPOLAR, 8, 2, 3, masked=True, post=affine(16))
    yield case("2 in one", 4, (16, 24), UNSIGNED, 4, 4, 2, packed=2, memory="logic")
    yield case("2 in one, 2 bits", 2, (16, 24), BIPOLAR, 2, 4, 8, packed=2, post=None)
    yield case("all inputs at once", 8, (8, 8), BIPOLAR, 4, 2, 8, memory="logic")
    yield case("2 pixels", 4, (8, 18), UNSIGNED, 8, 2, 2, pixels=2, memory="block")
