"""Components with an error on purpose, and components that are watched."""

from dataclasses import dataclass
from typing import Any, ClassVar

from amaranth.hdl import Assert, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Beats, Lanes, Unit
from subbit.hw.streams.shapes_rtl import stream_of
from subbit.sw.cycles import Process

__all__ = ["Dropped", "Duplicated", "Forgotten", "Watched"]


@dataclass(frozen=True)
class Around(Unit):
    """Claims to be ``inner``; the component around it may disagree."""

    inner: Unit

    @property
    def i(self) -> Lanes:
        return self.inner.i

    @property
    def o(self) -> Lanes:
        return self.inner.o

    def processes(self) -> tuple[Process, ...]:
        return self.inner.processes()

    def reference(self, beats: Beats) -> Beats:
        return self.inner.reference(beats)

    def cost(self) -> Cost:
        return self.inner.cost()


@dataclass(frozen=True)
class Dropped(Around):
    """Output beat number ``at`` never arrives."""

    component: ClassVar[str] = "tests.hw.planted:DroppedBeat"
    at: int = 0


@dataclass(frozen=True)
class Duplicated(Around):
    """Output beat number ``at`` comes twice."""

    component: ClassVar[str] = "tests.hw.planted:DuplicatedBeat"
    at: int = 0


@dataclass(frozen=True)
class Forgotten(Around):
    """Output beat number ``at`` is lost if it has to wait."""

    component: ClassVar[str] = "tests.hw.planted:ForgottenBeat"
    at: int = 0


@dataclass(frozen=True)
class Watched(Around):
    """The simulation stops if a memory word is read in the cycle in which it is written."""

    component: ClassVar[str] = "tests.hw.planted:WatchedComponent"


class Wrapper(wiring.Component):
    """The inner component, its streams passed on."""

    def __init__(self, unit: Any) -> None:
        self.unit = unit
        super().__init__({"i": In(stream_of(unit.i)), "o": Out(stream_of(unit.o))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.inner = self.inner = self.unit.inner.load_component()(unit=self.unit.inner)
        wiring.connect(m, wiring.flipped(self.i), self.inner.i)
        m.d.comb += [
            self.o.payload.eq(self.inner.o.payload),
            self.o.valid.eq(self.inner.o.valid),
            self.inner.o.ready.eq(self.o.ready),
        ]
        self.disturb(m)
        return m

    def disturb(self, m: Module) -> None:
        """Change something."""

    def here(self, m: Module) -> Any:
        """Whether the inner component offers beat number ``at``."""
        count = Signal(32)
        with m.If(self.inner.o.valid & self.inner.o.ready):
            m.d.sync += count.eq(count + 1)
        return self.inner.o.valid & (count == self.unit.at)


class DroppedBeat(Wrapper):
    def disturb(self, m: Module) -> None:
        with m.If(self.here(m)):
            m.d.comb += [self.o.valid.eq(0), self.inner.o.ready.eq(1)]


class DuplicatedBeat(Wrapper):
    def disturb(self, m: Module) -> None:
        once = Signal()
        with m.If(self.here(m) & ~once):
            m.d.comb += self.inner.o.ready.eq(0)
            m.d.sync += once.eq(self.o.ready)


class ForgottenBeat(Wrapper):
    def disturb(self, m: Module) -> None:
        with m.If(self.here(m) & ~self.o.ready):
            m.d.comb += self.inner.o.ready.eq(1)


class WatchedComponent(Wrapper):
    def disturb(self, m: Module) -> None:
        m.d.comb += Assert(~self.inner.collision)
