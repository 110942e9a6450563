"""What units share that pass elements on, and those that take some lanes of a tensor."""

from collections.abc import Sequence

from subbit.hw.contract.unit import Lanes, Unit
from subbit.sw.errors import PlanError
from subbit.sw.ir.types import TensorType

__all__ = ["ElementUnit", "LanesUnit", "beat_sizes", "check_beat", "check_lanes"]


def beat_sizes(tensor: TensorType) -> list[int]:
    """How many elements a beat of the tensor may hold, ascending: a divisor of its channels; whole
    pixels of a row, as many as divide the row; whole rows, as many as divide the frame.

    Elements stand in row-major order, channels innermost, so that each of these is a run of
    neighbours, the first in lane 0, and a beat never spans the end of a row unless it holds whole
    rows.
    """
    height, width, channels = tensor.shape
    sizes = {d for d in range(1, channels + 1) if channels % d == 0}
    sizes |= {channels * d for d in range(1, width + 1) if width % d == 0}
    sizes |= {channels * width * d for d in range(1, height + 1) if height % d == 0}
    return sorted(sizes)


def check_beat(lanes: int, tensor: TensorType, sizes: Sequence[int] | None = None) -> None:
    """Raise PlanError unless a beat of the tensor may hold ``lanes`` elements. ``sizes``: what it
    may hold, where a unit does not take all of ``beat_sizes``.
    """
    sizes = beat_sizes(tensor) if sizes is None else sizes
    if lanes not in sizes:
        raise PlanError(
            f"a beat of {lanes} elements does not fit a tensor of {tensor.height}x{tensor.width} "
            f"pixels of {tensor.channels} channels; it may hold {', '.join(map(str, sizes))}"
        )


def check_lanes(lanes: int, channels: int) -> None:
    """Raise PlanError unless ``lanes`` divides ``channels``."""
    if lanes < 1 or channels % lanes:
        raise PlanError(f"lanes must divide the {channels} channels, and {lanes} does not")


class ElementUnit(Unit):
    """A unit whose input and output beats hold elements of one kind, ``element``, whatever the
    elements mean: both streams have that payload unless a subclass says otherwise. Latency and
    interval are the subclass's.
    """

    element: Lanes

    @property
    def i(self) -> Lanes:
        """``element`` as given."""
        return self.element

    @property
    def o(self) -> Lanes:
        """``element`` as given."""
        return self.element


class LanesUnit(Unit):
    """A unit that takes ``lanes`` elements a beat of the tensor ``input``, pixel after pixel in
    row-major order and the channels of a pixel one after another: some channels of a pixel, whole
    pixels of a row, or whole rows. Latency and interval are the subclass's.

    Raises PlanError where ``lanes`` is none of ``sizes``.
    """

    input: TensorType
    lanes: int

    def __post_init__(self) -> None:
        check_beat(self.lanes, self.input, self.sizes)

    @property
    def sizes(self) -> list[int]:
        """What ``lanes`` may be, ascending: all beat sizes of the input unless overridden."""
        return beat_sizes(self.input)

    @property
    def i(self) -> Lanes:
        """``lanes`` elements of the input."""
        return Lanes.of(self.input, self.lanes)

    @property
    def i_range(self) -> tuple[int, int]:
        """The range of the input tensor."""
        return self.input.low, self.input.high

    @property
    def chunks(self) -> int:
        """Beats of a pixel; 1 where a beat holds whole pixels."""
        return max(1, self.input.channels // self.lanes)

    @property
    def beat_pixels(self) -> int:
        """Whole pixels of a beat; 1 where it holds some channels of a pixel."""
        return max(1, self.lanes // self.input.channels)
