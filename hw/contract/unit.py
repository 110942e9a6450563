"""The base of every unit: the configuration of one hardware component, with its cycle model and its
reference.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subbit.hw.contract.cost import Cost
from subbit.sw.cycles.model import Process, Trace, run
from subbit.sw.ir.types import TensorType

__all__ = ["Beats", "Lanes", "Unit"]

Beats = NDArray[np.int64]


@dataclass(frozen=True)
class Lanes:
    """The payload of a stream: ``lanes`` elements of ``bits`` bits, lane 0 in the least significant
    bits.
    """

    lanes: int
    bits: int
    signed: bool = False

    @property
    def width(self) -> int:
        """Bits of a beat."""
        return self.lanes * self.bits

    @classmethod
    def of(cls, tensor: TensorType, lanes: int) -> "Lanes":
        """A stream that carries ``lanes`` elements of ``tensor`` a beat."""
        return cls(lanes, tensor.bits, tensor.signed)


class Unit(ABC):
    """Configuration of a component that moves streams: a frozen, hashable dataclass.

    ``component`` names the Amaranth component as ``module:class``; it is constructed with the unit
    alone. Its cycles are those of ``processes``, a chain from the input stream to the output
    stream, and its output beats are ``reference(input beats)``; the simulation holds it to both.

    Nearly every unit has one input stream ``i`` and one output stream ``o``. Where streams join,
    ``inputs`` names them all: the first process takes a beat of each at once, and ``reference``
    gets these side by side, those of the first stream in the low lanes. Where a stream forks,
    ``outputs`` names the branches; every beat of the last process goes to each.
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

    def trace(self, frames: int) -> Trace:
        """The cycles of the unit alone: input always there, output always taken."""
        return run(self.processes(), frames)

    @abstractmethod
    def cost(self) -> Cost:
        """Estimated cost of the component after mapping."""

    @property
    def i_beats(self) -> int:
        """Input beats per frame."""
        return self.processes()[0].takes

    @property
    def o_beats(self) -> int:
        """Output beats per frame."""
        return self.processes()[-1].gives

    @property
    def i_payload_delay(self) -> int:
        """Cycles that the payload of ``i`` comes behind its valid and ready; mostly none."""
        return 0

    @property
    def o_payload_delay(self) -> int:
        """The same of ``o``."""
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
