"""What units share that pass elements on, and those that take some lanes of a tensor."""

from subbit.hw.contract.unit import Lanes, Unit
from subbit.sw.errors import PlanError
from subbit.sw.ir.types import TensorType

__all__ = ["ElementUnit", "LanesUnit", "check_lanes"]


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
    row-major order and the channels of a pixel one after another. Latency and interval are the
    subclass's.

    Raises PlanError where ``lanes`` is below 1 or does not divide the tensor's channels.
    """

    input: TensorType
    lanes: int

    def __post_init__(self) -> None:
        check_lanes(self.lanes, self.input.channels)

    @property
    def i(self) -> Lanes:
        """``lanes`` elements of the input."""
        return Lanes.of(self.input, self.lanes)

    @property
    def i_range(self) -> tuple[int, int]:
        """The range of the input tensor."""
        return self.input.low, self.input.high
