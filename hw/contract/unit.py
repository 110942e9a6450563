"""The base of every unit: the configuration of one hardware component, with its cycle model and its
reference.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.cost import Cost
from subbit.sw.cycles.model import Process, Trace, run
from subbit.sw.ir.types import TensorType

__all__ = ["Beats", "Counters", "Lanes", "Unit"]

Beats = NDArray[np.int64]


@dataclass(frozen=True)
class Lanes:
    """The payload of a stream: ``lanes`` elements of ``bits`` bits each, lane 0 in the least
    significant bits. ``signed``: whether elements are two's complement.
    """

    lanes: int
    bits: int
    signed: bool = False

    @property
    def width(self) -> int:
        """Bits of a beat."""
        return self.lanes * self.bits

    @property
    def range(self) -> tuple[int, int]:
        """The least and the greatest number that an element can hold."""
        return -(self.signed << (self.bits - 1)), (1 << (self.bits - self.signed)) - 1

    @classmethod
    def of(cls, tensor: TensorType, lanes: int) -> "Lanes":
        """A stream that carries ``lanes`` elements of ``tensor`` a beat."""
        return cls(lanes, tensor.bits, tensor.signed)


class Counters(Protocol):
    """XNOR-popcounts of an engine, as far as their price depends on them: ``rows`` counts, each of
    ``simd`` positions of ``bits`` bits in ``len(scales)`` bit planes of weights.

    ``masked``: whether each position carries a mask bit. ``cost``: of all rows, in the form that
    the engine was given. :class:`subbit.hw.dot.popcount.PopcountShape` is what engines have.
    """

    def __hash__(self) -> int:
        """Equal counters have equal hashes."""

    @property
    def rows(self) -> int:
        """Outputs that are counted at once."""

    @property
    def simd(self) -> int:
        """Positions of a count."""

    @property
    def bits(self) -> int:
        """Bits of a position."""

    @property
    def masked(self) -> bool:
        """Whether a position carries a mask bit."""

    @property
    def scales(self) -> tuple[int, ...]:
        """What each bit plane of the weights counts, a power of two."""

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""


class Unit(ABC):
    """Contract of a component that moves streams: a frozen, hashable dataclass of its settings,
    which states shapes, cycles, values and cost, and from which the circuit is made.

    ``component`` names the Amaranth component as ``module:class``; it is constructed with the unit
    alone. The cycles are those of ``processes``, a chain from the input stream to the output
    stream, from which latency and interval follow. The output beats are ``reference(input beats)``.
    The simulation holds the circuit to both.

    Nearly every unit has one input stream ``i`` and one output stream ``o``. Where streams join,
    ``inputs`` names them all. The first process takes a beat of each at once, and ``reference``
    gets these side by side, those of the first stream in the low lanes; or its steps say of which
    stream they take one, and ``joined`` gets the beats of each. Where a stream forks, ``outputs``
    names the branches; every beat of the last process goes to each.

    A beat passes in a cycle with ``valid`` and ``ready``. Its payload is there in that cycle, or,
    where the unit says so for a port, a fixed number of cycles later (the payload delay). With a
    delay of 1::

        cycle        0   1   2   3   4
        valid        1   1   0   1   0
        ready        1   0   1   1   1     beats pass in cycles 0 and 3
        payload      -   A   -   -   B     and their payloads come in 1 and 4

    Raises PlanError when it is constructed with settings that do not fit each other.
    """

    component: ClassVar[str]

    @property
    @abstractmethod
    def i(self) -> Lanes:
        """Payload of the input stream."""

    @property
    @abstractmethod
    def o(self) -> Lanes:
        """Payload of the output stream."""

    @property
    def inputs(self) -> dict[str, Lanes]:
        """Port and payload of each input stream."""
        return {"i": self.i}

    @property
    def outputs(self) -> dict[str, Lanes]:
        """Port and payload of each output stream."""
        return {"o": self.o}

    @abstractmethod
    def processes(self) -> tuple[Process, ...]:
        """The chain of processes whose last output is the unit's output stream."""

    @abstractmethod
    def reference(self, beats: Beats) -> Beats:
        """Output beats ``(m, o.lanes)`` for input beats ``(n, lanes of all inputs)`` of a whole
        number of frames.
        """

    def joined(self, streams: Sequence[Beats]) -> Beats:
        """Output beats for the input beats of each stream, of the same whole frames: by default the
        ``reference`` of those that are taken at once, side by side.
        """
        return self.reference(np.hstack(streams))

    @property
    def interval_cycles(self) -> int:
        """Cycles between two frames when neither neighbour is slower: the steps of the longest
        process, unless the processes wait for each other so that it takes more.
        """
        return max(len(process.steps) for process in self.processes())

    @property
    def i_range(self) -> tuple[int, int]:
        """The least and the greatest number of an input element: what its bits can hold, unless
        the type of the tensor allows fewer numbers.
        """
        return self.i.range

    @property
    def pixels(self) -> int:
        """Output pixels of a row that the unit handles side by side; 1 unless it has a setting for
        it.
        """
        return 1

    @property
    def popcount(self) -> Counters | None:
        """The XNOR-popcounts of one pixel; None for a unit that has none."""
        return None

    def trace(self, frames: int) -> Trace:
        """The cycles of the unit alone, with input always on offer and output always taken."""
        return run(self.processes(), frames)

    @abstractmethod
    def cost(self) -> Cost:
        """Estimated cost of the component after mapping."""

    @property
    def i_beats(self) -> int:
        """Input beats per frame, of the first stream where there are several."""
        return self.processes()[0].takes

    def beats_of(self, stream: int) -> int:
        """Beats per frame of the input stream of that number."""
        return self.processes()[0].takes_of(stream)

    @property
    def o_beats(self) -> int:
        """Output beats per frame."""
        return self.processes()[-1].gives

    @property
    def i_payload_delay(self) -> int:
        """Cycles by which the payload of ``i`` comes after its valid and ready; 0 unless
        overridden.
        """
        return 0

    @property
    def o_payload_delay(self) -> int:
        """Cycles by which the payload of ``o`` comes after its valid and ready; 0 unless
        overridden.
        """
        return 0

    @classmethod
    def kind(cls) -> str:
        """What reports call the component: the name of its class."""
        return cls.component.partition(":")[2]

    def load_component(self) -> type[Any]:
        """The class of the Amaranth component."""
        module, _, name = self.component.partition(":")
        loaded: type[Any] = getattr(import_module(module), name)
        return loaded
