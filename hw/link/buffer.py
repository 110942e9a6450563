"""How the link makes the accelerator's input beats of the bytes of a frame."""

from math import gcd

from subbit.hw.contract.unit import Lanes
from subbit.hw.streams.width import UpsizeUnit

__all__ = ["ONE_REGISTER_BITS", "beat_parts"]

# A beat wider than this gathers in one register: the line brings a byte in tens of cycles, so
# nothing is gained by a second one.
ONE_REGISTER_BITS = 64


def beat_parts(*, elements: int, bits: int, lanes: int) -> tuple[int, UpsizeUnit | None]:
    """How a beat of ``lanes`` elements of ``bits`` bits (1 to 8) is made of bytes, each of which
    holds ``8 // bits`` whole elements: of parts of so many elements, each from one byte, which that
    unit joins; None where a part is a beat. ``elements``: of a frame.

    A beat takes as many cycles as it has parts. Raises ValueError unless ``lanes`` divides the
    frame.
    """
    if lanes < 1 or elements % lanes:
        raise ValueError(f"{lanes!r} lanes do not divide a frame of {elements} elements")
    part = gcd(8 // bits, lanes)
    if part == lanes:
        return part, None
    join = UpsizeUnit(
        element=Lanes(part, bits),
        ratio=lanes // part,
        beats=elements // part,
        single=lanes * bits > ONE_REGISTER_BITS,
    )
    return part, join
