"""How many pixels an engine takes, computes and hands on at once: what fits a layer, and what keeps
up with the engine.

Of the output tensor ``pixels`` are computed at once: some of a row, a divisor of it, or whole rows,
a divisor of their number. ``output_pixels`` of them, a divisor, leave in a beat. ``input_pixels``,
some of an input row or whole rows likewise, come in a beat; more than 1 where the window takes all
channels of a pixel at once.
"""

from collections.abc import Iterator
from dataclasses import replace

from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.network import Network
from subbit.sw.lower.engines.engine import EngineStage
from subbit.sw.lower.stages.stage import check_divides, check_pixels, divisors, pixel_counts

__all__ = ["TRIED", "check_input_pixels", "check_output_pixels", "most_pixels", "widened"]

MOST_PIXELS = 256  # at once that are worth trying
TRIED = 2  # widths of the input: the least that may do, and the next for windows that wait


def check_output_pixels(stage: EngineStage, network: Network) -> None:
    """Raise PlanError where ``pixels`` or ``output_pixels`` do not fit the layer."""
    check_pixels("pixels", stage.pixels, stage.dots(network), "the output pixels of a row")
    check_divides("output_pixels", stage.output_pixels, stage.pixels, "the pixels at once")


def check_input_pixels(stage: EngineStage, network: Network, channels: int) -> None:
    """Raise PlanError where ``input_pixels`` does not fit the layer or a window of ``channels``
    channels at a time.
    """
    taken, x = stage.input_pixels, stage.input(network)
    if taken == 1:
        return
    if not isinstance(stage.layer(network), Conv2d):
        raise PlanError(
            f"input_pixels={taken}: a linear layer has no window and takes simd inputs at a time"
        )
    check_pixels("input_pixels", taken, x, "the input pixels of a row")
    if channels != x.channels:
        raise PlanError(
            f"input_pixels={taken} needs windows of all {x.channels} channels at once, not of "
            f"{channels}"
        )


def most_pixels(stage: EngineStage, network: Network) -> list[int]:
    """The values of ``pixels`` worth trying, whole rows included."""
    layer = stage.layer(network)
    counts = pixel_counts(stage.dots(network)) if isinstance(layer, Conv2d) else [1]
    return [count for count in counts if count <= MOST_PIXELS]


def widened(
    stage: EngineStage, network: Network, channels: int, cycles: int
) -> Iterator[EngineStage]:
    """The stage with as few pixels in a beat at both ends as keep up with an engine that takes
    ``cycles`` for a group of ``pixels``; at the input the next number, too. ``channels``: that its
    window takes at once; without all of them there are no windows of several rows.
    """
    x, y = stage.input(network), stage.dots(network)
    if stage.pixels > y.width and channels != x.channels:
        return
    groups = y.height * y.width // stage.pixels
    leaving = next(n for n in divisors(stage.pixels) if stage.pixels // n <= cycles)
    whole = isinstance(stage.layer(network), Conv2d) and channels == x.channels
    counts = pixel_counts(x) if whole else [1]
    enough = [n for n in counts if x.height * x.width <= n * groups * cycles]
    for taken in enough[:TRIED] or counts[-1:]:
        yield replace(stage, input_pixels=taken, output_pixels=leaving)
