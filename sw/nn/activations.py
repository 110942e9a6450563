"""Activations of 1 to 8 bits: what the thresholds of a Network are folded from."""

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor, nn

from subbit.sw.errors import NetworkError
from subbit.sw.ir import Encoding
from subbit.sw.nn.ste import approx_sign, pass_gradient

__all__ = ["MAX_BITS", "Activation", "QuantActivation", "Range", "SignActivation", "check_bits"]

MAX_BITS = 8


def check_bits(what: str, bits: int) -> int:
    """``bits``, if it is one of 1 to 8; raises NetworkError, naming ``what``."""
    if type(bits) is not int or not 1 <= bits <= MAX_BITS:
        raise NetworkError(f"{what} have 1 to {MAX_BITS} bits, not {bits!r}")
    return bits


class Range(StrEnum):
    """Which real numbers an activation of M bits tells apart, and in which code it hands them on.

    ``HARD_TANH``: [-1, 1] on all ``2**M`` bipolar codes. ``SHIFTED``: [0, 1] on all bipolar codes:
    a ReLU whose zero is the lowest code, the constant that this adds to a dot product being left to
    the next BatchNorm; pad with MINUS. ``UNSIGNED``: [0, 1] on all unsigned codes: the same ReLU,
    whose zero is the number 0; pad with ZERO. ``RELU``: the paper's ReLU, [0, 1] on the codes of
    [-1, 1]: the top bit is always 1.
    """

    HARD_TANH = "hard-tanh"
    SHIFTED = "shifted"
    UNSIGNED = "unsigned"
    RELU = "relu"


@dataclass(frozen=True)
class Grid:
    """Codes for the reals ``low..high``; ``coded_low`` is the real number of code 0."""

    low: float
    coded_low: float
    encoding: Encoding = Encoding.BIPOLAR


GRIDS = {
    Range.HARD_TANH: Grid(-1.0, -1.0),
    Range.SHIFTED: Grid(0.0, 0.0),
    Range.UNSIGNED: Grid(0.0, 0.0, Encoding.UNSIGNED),
    Range.RELU: Grid(0.0, -1.0),
}


class Activation(nn.Module, ABC):
    """Base: real numbers to the integers that the M-bit codes stand for, never falling with x."""

    bits: int
    encoding: Encoding

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """The integers: odd ones in ``-(2**M - 1)..2**M - 1`` if bipolar, else ``0..2**M - 1``."""

    def codes(self, outputs: Tensor) -> Tensor:
        """The codes ``0..2**M - 1``, int64, that ``outputs`` of this activation stand for."""
        top = (1 << self.bits) - 1
        whole = outputs.to(torch.int64)
        return (whole + top) // 2 if self.encoding is Encoding.BIPOLAR else whole


class SignActivation(Activation):
    """sign(x), sign(0) = +1, with the quadratic straight-through gradient."""

    bits = 1
    encoding = Encoding.BIPOLAR

    def forward(self, x: Tensor) -> Tensor:
        """-1 or +1."""
        return approx_sign(x)


class QuantActivation(Activation):
    """The nearest of ``2**bits`` evenly spaced codes for x within ``range``, the upper one halfway.

    Equation 15 of the {-1,+1} encoding decomposition, as integers. The gradient passes where x lies
    within the range, its ends included, times the slope of the stairs. A warning says so where
    ``range`` wastes the top bit.
    """

    def __init__(self, bits: int, range: Range = Range.HARD_TANH) -> None:
        super().__init__()
        if range not in tuple(Range):
            raise NetworkError(
                f"the range of an activation is {', '.join(Range)}, not {str(range)!r}"
            )
        self.bits, self.range = check_bits("activations", bits), Range(range)
        self.encoding = GRIDS[self.range].encoding
        if self.range is Range.RELU:
            warnings.warn(
                f"a plain ReLU of {bits} bits never uses the codes below zero, so its top bit is "
                "always 1; use the range hard-tanh or shifted",
                stacklevel=2,
            )

    def forward(self, x: Tensor) -> Tensor:
        """See Activation."""
        grid, top = GRIDS[self.range], (1 << self.bits) - 1
        span = 1.0 - grid.coded_low
        # Each step rounds without changing an order, so codes never fall as x rises.
        inside = (x.clamp(grid.low, 1.0) - grid.coded_low) * (top / span)
        codes = (inside.detach() + 0.5).floor()
        if grid.encoding is Encoding.UNSIGNED:
            return pass_gradient(codes, inside)
        return pass_gradient(2 * codes - top, 2 * inside)

    def extra_repr(self) -> str:
        """What a printed module shows."""
        return f"{self.bits}, {str(self.range)!r}"
