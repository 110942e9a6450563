"""Encodings of binary weights: plain, codebook (Sub-bit Neural Networks), tiled (Tiled Bit Nets).

Every encoding holds the weights of one layer of shape ``(out, in)`` or ``(out, in, kh, kw)`` and
answers the same questions: the dense integer weights, and how many bits the hardware has to store.
Bit 1 is +1, bit 0 is -1.
"""

from abc import abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.arrays import Bits, Ints, as_bits, as_ints
from subbit.sw.ir.limits import MAX_LAYER_WEIGHTS
from subbit.sw.ir.parts import Parts, no_more, take_array

__all__ = [
    "KERNEL_BITS",
    "MAX_SIDE",
    "BinaryWeights",
    "CodebookWeights",
    "TiledWeights",
    "Weights",
    "kernels_of",
    "weights_from_parts",
]

KERNEL_BITS = 9  # of the 3x3 kernels that codebooks of the papers hold

MAX_TAU = 8
MAX_SCALE = (1 << 15) - 1
MAX_SIDE = 1 << 20


def kernels_of(numbers: Ints) -> Bits:
    """The 3x3 binary kernels ``(n, 3, 3)`` that numbers from 0 to 511 name, first bit lowest."""
    bits = numbers[:, None] >> np.arange(KERNEL_BITS) & 1
    return bits.astype(np.uint8).reshape(-1, 3, 3)


class Weights(Parts):
    """Weights of one layer in some encoding; ``shape``: ``(out, in)`` or ``(out, in, kh, kw)``."""

    encoding: ClassVar[str]
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of weights in the layer."""
        return prod(self.shape)

    @property
    def row_length(self) -> int:
        """Weights per output, N = in * kh * kw."""
        return prod(self.shape[1:])

    @property
    def reach(self) -> int:
        """The greatest sum of the weights' magnitudes over one output."""
        return self.row_length

    @abstractmethod
    def dense(self) -> Ints:
        """The weights as integers of shape ``shape``: +1 and -1, times a tiled layer's scales."""

    @property
    @abstractmethod
    def stored_bits(self) -> int:
        """Bits that the hardware stores for these weights."""


@dataclass(frozen=True, eq=False, repr=False)
class BinaryWeights(Weights):
    """One stored bit per weight, ``bits`` of shape ``(out, in)`` or ``(out, in, kh, kw)``."""

    encoding: ClassVar[str] = "binary"
    bits: Bits

    def __post_init__(self) -> None:
        shape = np.shape(self.bits)
        check_shape(shape)
        object.__setattr__(self, "bits", as_bits("binary weights", self.bits, shape))

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """``(out, in)`` or ``(out, in, kh, kw)``."""
        return self.bits.shape

    def dense(self) -> Ints:
        """+1 where the bit is 1, -1 where it is 0."""
        return 2 * self.bits.astype(np.int64) - 1

    @property
    def stored_bits(self) -> int:
        """One per weight."""
        return self.count

    def tensors(self) -> dict[str, NDArray[Any]]:
        """``bits``, uint8 of shape ``shape``."""
        return {"bits": self.bits}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        bits = take_array(tensors, "bits")
        no_more(attributes, tensors)
        return cls(bits)


@dataclass(frozen=True, eq=False, repr=False)
class CodebookWeights(Weights):
    """Every kernel is one of ``2**tau`` codewords (Sub-bit Neural Networks, eq. 2).

    ``codewords``: bits ``(2**tau, kh, kw)``; ``indices``: ``(out, in)``, each ``0..2**tau - 1``.
    """

    encoding: ClassVar[str] = "codebook"
    codewords: Bits
    indices: Ints

    def __post_init__(self) -> None:
        shape = np.shape(self.codewords)
        if len(shape) != 3 or shape[0] not in {1 << tau for tau in range(1, MAX_TAU + 1)}:
            raise NetworkError(
                f"a codebook holds 2**tau kernels, tau 1 to {MAX_TAU}, as (2**tau, rows, columns); "
                f"not an array of shape {shape}"
            )
        if np.ndim(self.indices) != 2:
            raise NetworkError(
                f"codebook indices are (out, in), not of shape {np.shape(self.indices)}"
            )
        check_shape((*np.shape(self.indices), *shape[1:]))
        object.__setattr__(self, "codewords", as_bits("codewords", self.codewords, shape))
        indices = as_ints("codebook indices", self.indices, np.shape(self.indices), 0, shape[0] - 1)
        object.__setattr__(self, "indices", indices)

    @property
    def tau(self) -> int:
        """Bits per index."""
        return len(self.codewords).bit_length() - 1

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """``(out, in, kh, kw)``."""
        return self.indices.shape + self.codewords.shape[1:]

    def dense(self) -> Ints:
        """The codewords that the indices name, as +1 and -1."""
        return (2 * self.codewords.astype(np.int64) - 1)[self.indices]

    @property
    def stored_bits(self) -> int:
        """``tau * in * out + kh*kw * 2**tau``."""
        return self.tau * self.indices.size + self.codewords.size

    def tensors(self) -> dict[str, NDArray[Any]]:
        """``codewords`` (uint8) and ``indices`` (uint8)."""
        return {"codewords": self.codewords, "indices": self.indices.astype(np.uint8)}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        codewords, indices = take_array(tensors, "codewords"), take_array(tensors, "indices")
        no_more(attributes, tensors)
        return cls(codewords, indices)


@dataclass(frozen=True, eq=False, repr=False)
class TiledWeights(Weights):
    """One tile of ``q`` bits repeated ``p`` times over the row-major weights (Tiled Bit Networks).

    Weight ``f`` of the flattened layer is ``scales[f // q] * (+1 or -1 by tile[f % q])``. The
    scales are positive integers, one per repeat; all are 1 where the real scales went into the next
    thresholds.
    """

    encoding: ClassVar[str] = "tiled"
    shape: tuple[int, ...]
    tile: Bits
    scales: Ints

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        check_shape(self.shape)
        repeats = len(np.atleast_1d(self.scales))
        if not repeats or self.count % repeats:
            raise NetworkError(
                f"a tile must repeat a whole number of times: {repeats} repeats do not divide the "
                f"{self.count} weights of a layer of shape {self.shape}"
            )
        scales = as_ints("tile scales", self.scales, (repeats,), 1, MAX_SCALE)
        object.__setattr__(self, "tile", as_bits("tile", self.tile, (self.count // repeats,)))
        object.__setattr__(self, "scales", scales)

    @property
    def repeats(self) -> int:
        """p, how often the tile occurs in the layer."""
        return len(self.scales)

    @property
    def rows_shared(self) -> bool:
        """Whether p divides the outputs, so that outputs r and r + out/p have the same weights."""
        return self.shape[0] % self.repeats == 0

    @property
    def scaled(self) -> bool:
        """Whether any repeat has a scale other than 1."""
        return bool((self.scales != 1).any())

    @property
    def reach(self) -> int:
        """The greatest sum of the weights' magnitudes over one output."""
        if not self.scaled:
            return self.row_length
        # Not from dense(): a small file can name a layer of very many weights.
        before = np.concatenate([[0], np.cumsum(self.scales)]) * self.tile.size
        ends = np.arange(self.shape[0] + 1, dtype=np.int64) * self.row_length
        repeat, rest = np.divmod(ends, self.tile.size)
        sums = before[repeat] + rest * np.append(self.scales, 0)[repeat]
        return int(np.diff(sums).max())

    def dense(self) -> Ints:
        """``scales[f // q] * tile[f % q]`` as integers."""
        signs = 2 * self.tile.astype(np.int64) - 1
        return (self.scales[:, None] * signs[None, :]).reshape(self.shape)

    @property
    def stored_bits(self) -> int:
        """The tile, and the scales where they are not all 1."""
        scale_bits = int(self.scales.max()).bit_length() * self.repeats if self.scaled else 0
        return self.tile.size + scale_bits

    def tensors(self) -> dict[str, NDArray[Any]]:
        """``tile`` (uint8) and ``scales`` (int32)."""
        return {"tile": self.tile, "scales": self.scales.astype(np.int32)}

    def attributes(self) -> dict[str, Any]:
        """The layer's shape, which the tile alone does not tell."""
        return {"shape": list(self.shape)}

    @classmethod
    def from_parts(cls, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Self:
        """See Parts."""
        shape = attributes.pop("shape", None)
        if not isinstance(shape, list):
            raise NetworkError(f"attribute 'shape' must be a list of integers, not {quote(shape)}")
        tile, scales = take_array(tensors, "tile"), take_array(tensors, "scales")
        no_more(attributes, tensors)
        return cls(tuple(shape), tile, scales)


def check_shape(shape: tuple[int, ...]) -> None:
    """Raise NetworkError unless ``shape`` is that of a linear layer or a convolution."""
    if len(shape) not in (2, 4):
        raise NetworkError(
            f"weights have the shape (out, in) or (out, in, rows, columns), not {quote(shape)}"
        )
    if any(type(side) is not int or not 1 <= side <= MAX_SIDE for side in shape):
        raise NetworkError(
            f"every side of a layer's weights is an integer in 1..{MAX_SIDE}, not so {quote(shape)}"
        )
    if prod(shape) > MAX_LAYER_WEIGHTS:
        raise NetworkError(
            f"a layer has at most {MAX_LAYER_WEIGHTS} weights, far more than fit a board; the "
            f"shape {shape} has {prod(shape)}"
        )


ENCODINGS: dict[str, type[Weights]] = {
    cls.encoding: cls for cls in (BinaryWeights, CodebookWeights, TiledWeights)
}


def weights_from_parts(
    encoding: Any, attributes: dict[str, Any], tensors: dict[str, NDArray[Any]]
) -> Weights:
    """The weights that ``attributes`` and ``tensors`` of an encoding describe."""
    if not isinstance(encoding, str) or encoding not in ENCODINGS:
        raise NetworkError(
            f"unknown weight encoding {quote(encoding)}; known are {', '.join(ENCODINGS)}"
        )
    return ENCODINGS[encoding].from_parts(attributes, tensors)
