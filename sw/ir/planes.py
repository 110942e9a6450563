"""Weights of several bits as planes of binary weights ({-1,+1} encoding decomposition).

A weight is a sum of branches: plane k holds one bit of it, +1 or -1, and counts ``scales[k]``, a
power of two. Each plane is encoded for itself, plain, by a codebook or by a tile.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.parts import no_more
from subbit.sw.ir.weights import (
    ENCODINGS,
    BinaryWeights,
    CodebookWeights,
    TiledWeights,
    Weights,
    weights_from_parts,
)

__all__ = [
    "MAX_PLANES",
    "PlanesWeights",
    "branches_of",
    "odd_planes",
    "planes_of_codes",
    "signed_planes",
]

MAX_PLANES = 9  # 8 bits, or 8 bits and a sign with a zero between
MAX_PRECISION = 8
PLANE_SCALES = tuple(1 << k for k in range(MAX_PRECISION))


@dataclass(frozen=True, eq=False, repr=False)
class PlanesWeights(Weights):
    """``w = sum over k of scales[k] * planes[k]``, every plane +1 or -1 (MBN, eq. 10).

    ``planes``: 1 to 9 binary, codebook or unscaled tiled weights of one shape, the lowest first.
    ``scales``: for each plane a power of two from 1 to 128, by default 1, 2, 4, ..., which makes
    the K-bit code of the odd integers ``-(2**K - 1) .. 2**K - 1``. Scales 1, 1 make twice a
    ternary weight; 1, 1, 2, 4 twice any integer from -4 to 4.

    Raises NetworkError where number, shapes or scales are none of these.
    """

    encoding: ClassVar[str] = "planes"
    planes: tuple[Weights, ...]
    scales: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        planes = tuple(self.planes)
        object.__setattr__(self, "planes", planes)
        if not 1 <= len(planes) <= MAX_PLANES:
            raise NetworkError(f"weights have 1 to {MAX_PLANES} bit planes, not {len(planes)}")
        for k, plane in enumerate(planes):
            check_plane(k, plane, planes[0].shape)
        check_tiles(planes)
        scales = tuple(self.scales) or tuple(1 << k for k in range(len(planes)))
        object.__setattr__(self, "scales", scales)
        check_scales(scales, len(planes))

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """``(out, in)`` or ``(out, in, kh, kw)``."""
        return self.planes[0].shape

    @property
    def top(self) -> int:
        """The greatest magnitude of a weight: the sum of the scales."""
        return sum(self.scales)

    @property
    def reach(self) -> int:
        """N times the sum of the scales: no output's weights have a greater sum of magnitudes."""
        return self.row_length * self.top

    def dense(self) -> Ints:
        """The sum of all planes, each times its scale."""
        total: Ints = np.zeros(self.shape, np.int64)
        for scale, plane in branches_of(self):
            total += scale * plane.dense()
        return total

    @property
    def stored_bits(self) -> int:
        """Those of all planes; scales are wiring."""
        return sum(plane.stored_bits for plane in self.planes)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays of plane k, each name with ``k.`` before it."""
        return {
            f"{k}.{name}": array
            for k, plane in enumerate(self.planes)
            for name, array in plane.tensors().items()
        }

    def attributes(self) -> dict[str, Any]:
        """``scales``, and of plane k ``k.weights``, its encoding, and its attributes."""
        found: dict[str, Any] = {"scales": list(self.scales)}
        for k, plane in enumerate(self.planes):
            parts = {"weights": plane.encoding, **plane.attributes()}
            found |= {f"{k}.{name}": value for name, value in parts.items()}
        return found

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        scales = attributes.pop("scales", None)
        if not isinstance(scales, list) or not 1 <= len(scales) <= MAX_PLANES:
            raise NetworkError(
                f"attribute 'scales' must be a list of 1 to {MAX_PLANES} powers of two, one for "
                f"each bit plane, not {str(scales)[:80]}"
            )
        planes = tuple(take_plane(k, attributes, tensors) for k in range(len(scales)))
        no_more(attributes, tensors)
        return cls(planes, tuple(scales))


def take_plane(k: int, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Weights:
    """Remove the parts of plane k and return what they describe."""
    prefix = f"{k}."
    own: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for found, parts in zip(own, (attributes, tensors), strict=True):
        for name in [name for name in parts if name.startswith(prefix)]:
            found[name.removeprefix(prefix)] = parts.pop(name)
    encoding = str(own[0].pop("weights", None))
    if encoding == PlanesWeights.encoding:
        raise NetworkError(f"bit plane {k} cannot itself have planes")
    try:
        return weights_from_parts(encoding, *own)
    except NetworkError as error:
        raise NetworkError(f"bit plane {k}: {error}") from None


def check_tiles(planes: tuple[Weights, ...]) -> None:
    """Raise NetworkError where a tile has no whole number of kernels beside a codebook's: no engine
    could take both planes at a time.
    """
    kernels = [p.codewords[0].size for p in planes if isinstance(p, CodebookWeights)]
    for k, plane in enumerate(planes):
        if isinstance(plane, TiledWeights) and any(plane.tile.size % n for n in kernels):
            rows, columns = planes[0].shape[-2:]
            raise NetworkError(
                f"bit plane {k} has a tile of {plane.tile.size} bits beside a codebook of {rows}x"
                f"{columns} kernels; take a tile of a multiple of {rows * columns} bits, or plain "
                "weights"
            )


def check_plane(k: int, plane: Weights, shape: tuple[int, ...]) -> None:
    """Raise NetworkError unless ``plane`` holds weights +1 and -1 of that shape."""
    if not isinstance(plane, Weights) or isinstance(plane, PlanesWeights):
        raise NetworkError(
            f"bit plane {k} must be binary, codebook or tiled weights, not {type(plane).__name__}"
        )
    if isinstance(plane, TiledWeights) and plane.scaled:
        raise NetworkError(f"bit plane {k} is a tile with scales; the tile of a plane has none")
    if plane.shape != shape:
        raise NetworkError(
            f"all bit planes have one shape, but plane 0 has {shape} and plane {k} {plane.shape}"
        )


def check_scales(scales: tuple[int, ...], planes: int) -> None:
    """Raise NetworkError unless there is a power of two for each plane."""
    if len(scales) != planes:
        raise NetworkError(f"{planes} bit planes need {planes} scales, not {len(scales)}")
    for scale in scales:
        if type(scale) is not int or scale not in PLANE_SCALES:
            raise NetworkError(
                f"the scale of a bit plane is a power of two from 1 to {PLANE_SCALES[-1]}, "
                f"not {quote(scale)}"
            )


ENCODINGS[PlanesWeights.encoding] = PlanesWeights


def branches_of(weights: Weights) -> tuple[tuple[int, Weights], ...]:
    """``(scale, plane)`` of each bit plane, the lowest first; others are one plane of scale 1."""
    if isinstance(weights, PlanesWeights):
        return tuple(zip(weights.scales, weights.planes, strict=True))
    return ((1, weights),)


def odd_planes(values: ArrayLike, bits: int) -> PlanesWeights:
    """The K = ``bits`` plain planes of odd integers in ``-(2**K - 1) .. 2**K - 1``.

    ``values``: integers ``(out, in)`` or ``(out, in, kh, kw)``. Raises NetworkError for others.
    """
    check_precision(bits)
    top, numbers = (1 << bits) - 1, np.asarray(values)
    whole = np.issubdtype(numbers.dtype, np.integer)
    if not whole or not bool((numbers % 2 == 1).all()) or bool((abs(numbers) > top).any()):
        raise NetworkError(f"weights of {bits} bits are odd integers from {-top} to {top}")
    return PlanesWeights(planes_of_codes((numbers + top) // 2, bits))


def signed_planes(values: ArrayLike, bits: int) -> PlanesWeights:
    """``bits + 1`` planes, of scales 1, 1, 2, 4, .., that make twice the integers given.

    ``values``: integers from ``-2**(bits - 1)`` to ``2**(bits - 1)``; with one bit ternary weights.
    A layer's dot products are then twice as large, which the next thresholds take up.
    """
    check_precision(bits)
    top, numbers = 1 << (bits - 1), np.asarray(values)
    if not np.issubdtype(numbers.dtype, np.integer) or bool((abs(numbers) > top).any()):
        raise NetworkError(f"weights of {bits} bits and a zero are integers from {-top} to {top}")
    extra = (numbers > -top).astype(np.int64)
    codes = (2 * numbers - (2 * extra - 1) + (1 << bits) - 1) // 2
    planes = (BinaryWeights(extra.astype(np.uint8)), *planes_of_codes(codes, bits))
    return PlanesWeights(planes, (1, *PLANE_SCALES[:bits]))


def planes_of_codes(codes: Ints, bits: int) -> tuple[Weights, ...]:
    """Each bit of unsigned codes as a plane, the lowest first."""
    return tuple(BinaryWeights((codes >> k & 1).astype(np.uint8)) for k in range(bits))


def check_precision(bits: int) -> None:
    """Raise NetworkError unless ``bits`` is 1 to 8."""
    if type(bits) is not int or not 1 <= bits <= MAX_PRECISION:
        raise NetworkError(f"weights have 1 to {MAX_PRECISION} bits, not {quote(bits)}")
