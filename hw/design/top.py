"""The design that goes onto a board: clocks, host link and accelerator."""

from itertools import pairwise
from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import io, wiring

from subbit.boards import Board
from subbit.hw.design.accelerator import Accelerator
from subbit.hw.design.platform import board_clocks, target_hz
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.layers.argmax_rtl import Argmax
from subbit.hw.link.host_link_rtl import HostLink
from subbit.hw.link.logits import ends_in_class, logits_type
from subbit.hw.link.protocol import LinkInfo
from subbit.hw.link.results_rtl import ResultSplitter
from subbit.hw.streams.width import DownsizeUnit
from subbit.hw.streams.width_rtl import Downsize
from subbit.sw.ir.network import Network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan

__all__ = ["BoardCore", "BoardTop", "board_top"]


class BoardCore(wiring.Component):
    """Host link and accelerator between the two pins of a serial line.

    ``rx`` (in), ``tx`` (out): the line, idle at 1, in domain ``link`` of ``clock_hz``, at ``baud``.
    The accelerator of ``pipeline`` runs in ``sync``; the link fills its input's beats, whatever
    part of a frame they are. A network that ends in logits, in a map or in codes gets an argmax
    behind it, one that ends in an argmax of several lanes what gives its results one by one. A
    frame takes the cycles of ``pipeline`` in ``sync``, and ``10 * clock_hz / baud`` cycles of
    ``link`` for each byte on the line. Raises LinkError or ValueError where the link cannot carry
    its frames or results.
    """

    rx: Signal
    tx: Signal

    def __init__(self, *, pipeline: Pipeline, clock_hz: int, baud: int) -> None:
        network = pipeline.network
        self.accelerator = Accelerator(pipeline=pipeline, local_resets=True)
        self._chain: list[Any] = [self.accelerator]
        logits, lanes = logits_type(network), pipeline.o.lanes
        if ends_in_class(network):
            if lanes > 1:
                beats = logits.channels // (lanes - 1)
                self._chain.append(ResultSplitter(results=pipeline.o, beats=beats))
        else:
            if lanes > 1:
                self._chain.append(
                    Downsize(
                        unit=DownsizeUnit(
                            element=pipeline.o, ratio=lanes, beats=logits.channels // lanes
                        )
                    )
                )
            self._chain.append(Argmax(unit=ArgmaxUnit(input=logits)))
        self._result = result = self._chain[-1].o
        self._link = HostLink(
            info=LinkInfo.from_network(network, clock_hz=0),
            clock_hz=clock_hz,
            baud=baud,
            result_bits=len(result.payload.as_value()),
            lanes=pipeline.i.lanes,
        )
        super().__init__({"rx": wiring.In(1), "tx": wiring.Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.accelerator = self.accelerator
        m.submodules.link = link = self._link
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx)]
        wiring.connect(m, link.o, self.accelerator.i)
        for before, part in pairwise(self._chain):
            m.submodules[type(part).__name__.lower()] = part
            join(m, before.o, part.i)
        m.d.comb += [
            link.i.payload.eq(self._result.payload[0]),
            link.i.valid.eq(self._result.valid),
            self._result.ready.eq(link.i.ready),
        ]
        return m


def join(m: Module, before: Any, after: Any) -> None:
    """Connect two streams of as many lanes, the second of which may have wider elements."""
    m.d.comb += [after.valid.eq(before.valid), before.ready.eq(after.ready)]
    m.d.comb += [to.eq(it) for it, to in zip(before.payload, after.payload, strict=True)]


class BoardTop(Elaboratable):
    """A BoardCore for ``pipeline`` with the clocks and the serial port of ``board``: what is built
    into a bitstream. It requests the board's oscillator and its ``uart``. ``mhz``: the clock to
    build for, by default what is usual for the board's family. Raises what BoardCore raises, and
    BoardError where the board's PLL makes no fitting clock.
    """

    def __init__(self, *, pipeline: Pipeline, board: Board, mhz: float | None = None) -> None:
        self.board = board
        target_hz(board, mhz)  # raises where there is none
        self._ceiling_hz = None if mhz is None else 1e6 * mhz
        self.core = BoardCore(pipeline=pipeline, clock_hz=board.oscillator_hz, baud=board.uart_baud)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.clocks = clocks = board_clocks(self.board, target_hz=self._ceiling_hz)
        m.domains += clocks.domains
        m.submodules.core = self.core
        uart = platform.request(self.board.uart, dir={"rx": "-", "tx": "-"})
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, uart.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, uart.tx)
        m.d.comb += [self.core.rx.eq(rx.i), tx.o.eq(self.core.tx)]
        return m


def board_top(network: Network, plan: Plan, board: Board, mhz: float | None = None) -> BoardTop:
    """The design of ``network`` as planned, for ``board``, to be driven to ``mhz`` where that is
    given. Raises PlanError or BoardError where it cannot be.
    """
    return BoardTop(pipeline=Pipeline(network, plan), board=board, mhz=mhz)
