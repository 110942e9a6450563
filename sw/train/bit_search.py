"""How many bits the weights of each layer get within a budget, by what they cost in loss."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from subbit.sw.errors import NetworkError
from subbit.sw.nn.scaled import ScaledEncoder

__all__ = ["CHOICES", "LayerBits", "search_bits", "stored_bits"]

CHOICES = (8, 6, 5, 4, 3, 2, 1)


@dataclass(frozen=True)
class LayerBits:
    """A layer with ``weights`` of ``bits`` bits, and how much the loss rose where it alone had them
    (``loss``).
    """

    layer: str
    weights: int
    bits: int
    loss: float


def stored_bits(encoders: dict[str, ScaledEncoder]) -> int:
    """Bits of all weights."""
    return sum(prod(encoder.shape) * encoder.bits for encoder in encoders.values())


def search_bits(
    encoders: dict[str, ScaledEncoder],
    average: float,
    loss: Callable[[], float],
    progress: Callable[[int, int], object] | None = None,
) -> list[LayerBits]:
    """Set the bits of each layer so that a weight has at most ``average`` bits; returns them.

    ``loss`` measures the network on calibration data. First each layer alone gets each number of
    bits of CHOICES, the others 8. Then, from 8 bits each, the step down with the least rise of the
    loss for the bits that it saves is taken until the budget is met. Raises NetworkError where one
    bit each is more than the budget.
    """
    if not 1 <= average <= CHOICES[0]:
        raise NetworkError(f"weights have 1 to {CHOICES[0]} bits on average, not {average:g}")
    rises: dict[str, list[float]] = {}
    for name in encoders:
        rises[name] = risen(encoders, name, loss)
        if progress is not None:
            progress(len(rises), len(encoders))
    sizes = {name: prod(encoder.shape) for name, encoder in encoders.items()}
    chosen = dict.fromkeys(encoders, 0)
    total, wanted = sum(sizes.values()) * CHOICES[0], average * sum(sizes.values())
    while total > wanted:
        steps = [
            (price(rises[name], at, sizes[name]), name)
            for name, at in chosen.items()
            if at + 1 < len(CHOICES)
        ]
        _, name = min(steps)
        at = chosen[name]
        chosen[name] = at + 1
        total -= sizes[name] * (CHOICES[at] - CHOICES[at + 1])
    rows = []
    for name, at in chosen.items():
        encoders[name].set_bits(CHOICES[at])
        rows.append(LayerBits(name, sizes[name], CHOICES[at], round(rises[name][at], 6)))
    return rows


def risen(encoders: dict[str, ScaledEncoder], name: str, loss: Callable[[], float]) -> list[float]:
    """How much the loss is above that of 8 bits, for each of CHOICES; never falling with them."""
    found: list[float] = []
    for bits in CHOICES:
        encoders[name].set_bits(bits)
        found.append(loss())
    encoders[name].set_bits(CHOICES[0])
    rows = [max(number - found[0], 0.0) for number in found]
    return [max(rows[: at + 1]) for at in range(len(rows))]


def price(rises: list[float], at: int, size: int) -> float:
    """The rise of the loss for each bit that the next step down saves."""
    return (rises[at + 1] - rises[at]) / (size * (CHOICES[at] - CHOICES[at + 1]))
