"""Places of a carry chain in ECP5 slices: the four inputs and the INIT of each half of a CCU2C.

Half a CCU2C with INJECT1 = "NO" computes ``S = f(A, B, C, D) ^ CIN`` and ``COUT = CIN if f else
g(A, B)``, where g is f at C = D = 0 (the simulation model of the cell says so). Adding two units u
and v on wires that hold complements or not (c) needs f = u ^ v, and g = u ^ c wherever f is 0: a
condition on how the nets are put on the four inputs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations

from subbit.hw.families.netlist import AddPlace, BitFunction, CarryTap

__all__ = ["Half", "half_of"]

PINS = 4
CARRY_PINS = 2  # A and B, which alone the generate function sees


@dataclass(frozen=True)
class Half:
    """One half of a CCU2C: a net, or None for the constant 1, on A, B, C and D; and the INIT."""

    pins: tuple[int | None, ...]
    init: int


def half_of(place: AddPlace | CarryTap) -> Half | None:
    """The half that does what the place says, or None if there is none."""
    if isinstance(place, CarryTap):
        return turn(place.inject)
    nets = tuple(dict.fromkeys(place.u.nets + place.v.nets))
    if len(nets) > PINS:
        return None
    u = (tuple(nets.index(net) for net in place.u.nets), place.u.table)
    v = (tuple(nets.index(net) for net in place.v.nets), place.v.table)
    found = add(len(nets), u, v, place.inverted)
    return found and Half(tuple(nets[p] if p is not None else None for p in found.pins), found.init)


def turn(inject: BitFunction) -> Half | None:
    """S = CIN and COUT = inject: f is 0 where C is 1, and C is always 1."""
    if len(inject.nets) > CARRY_PINS:
        return None
    pins = (*inject.nets, *(None,) * (PINS - len(inject.nets)))
    init = sum(inject.value(bits[: len(inject.nets)]) << index for index, bits in low_pins())
    return Half(pins, init)


def low_pins() -> Iterator[tuple[int, tuple[int, ...]]]:
    """The INIT's places where C = D = 0, with A and B."""
    return ((index, (index & 1, index >> 1)) for index in range(1 << CARRY_PINS))


@cache
def add(
    nets: int, u: tuple[tuple[int, ...], int], v: tuple[tuple[int, ...], int], inverted: bool
) -> Half | None:
    """The half that adds units of nets 0 to ``nets - 1``, given as (nets, table)."""
    free: tuple[int | None, ...] = (*range(nets), *(None,) * (PINS - nets))
    for pins in dict.fromkeys(permutations(free)):
        init = init_of(pins, BitFunction(*u), BitFunction(*v), inverted)
        if init is not None:
            return Half(pins, init)
    return None


def init_of(
    pins: tuple[int | None, ...], u: BitFunction, v: BitFunction, inverted: bool
) -> int | None:
    """The INIT for these pins, or None where the generate function cannot be had."""
    rows: dict[int, int] = {}
    generate: dict[int, int] = {}
    for index in range(1 << PINS):
        on_pin = [index >> at & 1 for at in range(PINS)]
        if any(pin is None and not bit for pin, bit in zip(pins, on_pin, strict=True)):
            continue
        bit_of = dict(zip(pins, on_pin, strict=True))
        u_bit, v_bit = (unit.value([bit_of[net] for net in unit.nets]) for unit in (u, v))
        rows[index] = u_bit ^ v_bit
        if u_bit == v_bit and generate.setdefault(index & 3, u_bit ^ inverted) != u_bit ^ inverted:
            return None
    for low, value in generate.items():
        if rows.setdefault(low, value) != value:
            return None
    return sum(bit << index for index, bit in rows.items())
