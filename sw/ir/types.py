"""Types of the tensors that flow between layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from subbit.sw.errors import NetworkError, quote

__all__ = ["Encoding", "TensorType", "joint_type", "recoding", "signed_bits"]

MAX_BITS = 8
MAX_INTEGER_BITS = 48
MAX_ELEMENTS = 1 << 26


class Encoding(StrEnum):
    """How the elements of a tensor are stored and what they stand for.

    ``UNSIGNED``: a ``bits``-wide number ``u`` that stands for itself (a pixel).
    ``BIPOLAR``: a ``bits``-wide code ``u`` that stands for the odd integer ``2u - (2**bits - 1)``;
    with one bit, 1 is +1 and 0 is -1 ({-1,+1} encoding decomposition, eq. 10).
    ``INTEGER``: a two's complement integer within ``low..high``.
    """

    UNSIGNED = "unsigned"
    BIPOLAR = "bipolar"
    INTEGER = "integer"


@dataclass(frozen=True)
class TensorType:
    """Shape and element range of one tensor, stored as ``[height][width][channels]``.

    ``low`` and ``high`` bound the stored numbers: the code for ``UNSIGNED`` and ``BIPOLAR``, the
    value for ``INTEGER``. ``bits`` is the width in which a stored number travels.
    """

    height: int
    width: int
    channels: int
    encoding: Encoding
    bits: int
    low: int
    high: int

    def __post_init__(self) -> None:
        if any(type(side) is not int or side < 1 for side in self.shape):
            raise NetworkError(
                f"every side of a tensor must be an integer of at least 1, not {self.shape}"
            )
        if self.elements > MAX_ELEMENTS:
            raise NetworkError(
                f"a tensor of shape {self.shape} has more than {MAX_ELEMENTS} elements"
            )
        if self.signed:
            fits = self.low <= self.high and signed_bits(self.low, self.high) <= self.bits
        else:
            fits = (self.low, self.high) == (0, (1 << self.bits) - 1)
        if not fits:
            raise NetworkError(
                f"{self.encoding} elements of {self.bits} bits do not range over "
                f"{self.low}..{self.high}"
            )

    @classmethod
    def codes(
        cls,
        height: int,
        width: int,
        channels: int,
        bits: int,
        encoding: Encoding = Encoding.BIPOLAR,
    ) -> "TensorType":
        """A tensor of ``bits``-wide codes (1 to 8 bits), bipolar unless said otherwise."""
        if type(bits) is not int or not 1 <= bits <= MAX_BITS:
            raise NetworkError(f"codes are 1 to {MAX_BITS} bits wide, not {quote(bits)}")
        if encoding is Encoding.INTEGER:
            raise NetworkError(
                "codes are unsigned or bipolar; use TensorType.integers for integers"
            )
        return cls(height, width, channels, encoding, bits, 0, (1 << bits) - 1)

    @classmethod
    def integers(cls, height: int, width: int, channels: int, low: int, high: int) -> "TensorType":
        """A tensor of integers in ``low..high``, in the narrowest two's complement width."""
        if low > high:
            raise NetworkError(f"an integer range must not be empty, but {low} > {high}")
        bits = signed_bits(low, high)
        if bits > MAX_INTEGER_BITS:
            raise NetworkError(
                f"integers in {low}..{high} need {bits} bits; "
                f"at most {MAX_INTEGER_BITS} are supported"
            )
        return cls(height, width, channels, Encoding.INTEGER, bits, low, high)

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(height, width, channels)``."""
        return self.height, self.width, self.channels

    @property
    def elements(self) -> int:
        """Number of elements in a frame."""
        return self.height * self.width * self.channels

    @property
    def is_code(self) -> bool:
        """Whether the elements are codes (unsigned or bipolar) rather than integers."""
        return self.encoding is not Encoding.INTEGER

    @property
    def signed(self) -> bool:
        """Whether the stored numbers are two's complement."""
        return self.encoding is Encoding.INTEGER

    @property
    def value_range(self) -> tuple[int, int]:
        """Least and greatest value that an element can stand for."""
        if self.encoding is Encoding.BIPOLAR:
            top = (1 << self.bits) - 1
            return -top, top
        return self.low, self.high

    def with_shape(self, height: int, width: int, channels: int) -> "TensorType":
        """The same elements in another shape."""
        return TensorType(height, width, channels, self.encoding, self.bits, self.low, self.high)

    def __str__(self) -> str:
        kind = f"{self.encoding} {self.bits} bit"
        if self.signed:
            kind = f"integer {self.low}..{self.high}"
        return f"{self.height}x{self.width}x{self.channels} {kind}"


def signed_bits(low: int, high: int) -> int:
    """The narrowest two's complement width that holds ``low..high``."""
    return 1 + max((end if end >= 0 else ~end).bit_length() for end in (low, high))


def joint_type(kinds: Sequence[TensorType], height: int, width: int, channels: int) -> TensorType:
    """The type of a tensor that holds elements of all these types: codes of the widest where all
    are codes of one encoding, else the integers that their values span.
    """
    (first, *_), encodings = kinds, {kind.encoding for kind in kinds}
    if first.is_code and len(encodings) == 1:
        bits = max(kind.bits for kind in kinds)
        return TensorType.codes(height, width, channels, bits, first.encoding)
    low = min(kind.value_range[0] for kind in kinds)
    high = max(kind.value_range[1] for kind in kinds)
    return TensorType.integers(height, width, channels, low, high)


def recoding(kind: TensorType, to: TensorType) -> tuple[int, int]:
    """``(factor, offset)``: what is stored as u in ``kind`` is stored as ``factor * u + offset`` in
    ``to``, the joint type of this and of others.

    A bipolar code stands for ``2u - (2**M - 1)``: in a wider one the same value is that many more.
    """
    if kind.encoding is not Encoding.BIPOLAR:
        return 1, 0
    if to.encoding is Encoding.BIPOLAR:
        return 1, (1 << (to.bits - 1)) - (1 << (kind.bits - 1))
    return 2, -kind.high
