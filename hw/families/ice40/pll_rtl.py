"""The iCE40 PLL: which frequencies it makes, and the two clock domains of a board that has one."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, Signal
from amaranth.lib.cdc import ResetSynchronizer

from subbit.hw.families.pll import within

__all__ = ["Ice40Clocks", "Ice40Settings", "best_settings", "legal_settings"]

# iCE40 UltraPlus data sheet (FPGA-DS-02008), sysCLOCK PLL timing, in Hz.
DETECTOR_HZ = (10_000_000, 133_000_000)
VCO_HZ = (533_000_000, 1_066_000_000)
OUTPUT_HZ = (16_000_000, 275_000_000)
MAX_FEEDBACK = 128
# The loop filter for a phase detector below so many Hz (Lattice TN1251).
FILTERS = ((17e6, 1), (26e6, 2), (44e6, 3), (66e6, 4), (101e6, 5), (134e6, 6))
# Block RAMs read as zeroes for some 3 us after configuration, a time that no signal tells of.
QUIET_S = 15e-6


@dataclass(frozen=True)
class Ice40Settings:
    """Dividers of an SB_PLL40 with simple feedback.

    ``output = input * feedback / (reference * 2**output_log2)``; the oscillator runs at
    ``input / reference * feedback``.
    """

    reference: int
    feedback: int
    output_log2: int

    def output_hz(self, input_hz: int) -> Fraction:
        """Frequency of the output."""
        return Fraction(input_hz * self.feedback, self.reference << self.output_log2)

    def parameters(self, input_hz: int) -> dict[str, Const]:
        """The parameters of the cell that depend on the settings."""
        detector = input_hz / self.reference
        return {
            "DIVR": Const(self.reference - 1, 4),
            "DIVF": Const(self.feedback - 1, 7),
            "DIVQ": Const(self.output_log2, 3),
            "FILTER_RANGE": Const(next(n for top, n in FILTERS if detector < top), 3),
        }


def legal_settings(input_hz: int) -> Iterator[Ice40Settings]:
    """Every legal setting for that input."""
    for reference in range(1, min(16, input_hz // DETECTOR_HZ[0]) + 1):
        for feedback in range(1, MAX_FEEDBACK + 1):
            vco = Fraction(input_hz * feedback, reference)
            if not VCO_HZ[0] <= vco <= VCO_HZ[1]:
                continue
            for output_log2 in range(1, 7):
                if OUTPUT_HZ[0] <= vco / (1 << output_log2) <= OUTPUT_HZ[1]:
                    yield Ice40Settings(reference, feedback, output_log2)


def best_settings(input_hz: int, ceiling_hz: float) -> Ice40Settings:
    """The settings of the highest output frequency that is at most ``ceiling_hz``.

    Of equal ones, the fastest phase detector. Raises ValueError where the PLL cannot go that low.
    """
    fitting = within(legal_settings(input_hz), input_hz, ceiling_hz)
    return max(fitting, key=lambda s: (s.output_hz(input_hz), -s.reference))


class Ice40Clocks(Elaboratable):
    """The clock domains of a board: ``link`` on its oscillator, ``sync`` on the PLL.

    The oscillator's pin belongs to the PLL, which passes it on for ``link``. Both domains are held
    in reset until the PLL has locked and the block RAMs can be read. ``sync`` is built for
    ``settings``; place-and-route is driven to that frequency, and the flow then lowers the PLL to
    what the routed design meets (subbit.hw.families.ecp5.clock).

    The design that holds this as a submodule adds ``domains`` to its own.
    """

    def __init__(self, *, oscillator: str, oscillator_hz: int, settings: Ice40Settings) -> None:
        self.oscillator = oscillator
        self.oscillator_hz = oscillator_hz
        self.settings = settings
        self.domains = [ClockDomain("sync"), ClockDomain("link")]

    def elaborate(self, platform: Any) -> Module:
        """See the class."""
        m = Module()
        locked, ready = Signal(), Signal()
        parameters = self.settings.parameters(self.oscillator_hz)
        m.submodules.pll = Instance(
            "SB_PLL40_2_PAD",
            p_FEEDBACK_PATH="SIMPLE",
            p_PLLOUT_SELECT_PORTB="GENCLK",
            **{f"p_{name}": value for name, value in parameters.items()},
            i_PACKAGEPIN=platform.request(self.oscillator, dir="-").io,
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBALA=ClockSignal("link"),
            o_PLLOUTGLOBALB=ClockSignal("sync"),
            o_LOCK=locked,
        )
        m.domains.start = ClockDomain(reset_less=True, local=True)
        m.d.comb += ClockSignal("start").eq(ClockSignal("link"))
        quiet = Signal(range(round(QUIET_S * self.oscillator_hz) + 1))
        with m.If(quiet != round(QUIET_S * self.oscillator_hz)):
            m.d.start += quiet.eq(quiet + 1)
        with m.Elif(locked):
            m.d.start += ready.eq(1)
        m.submodules.link_reset = ResetSynchronizer(~ready, domain="link")
        m.submodules.sync_reset = ResetSynchronizer(~ready, domain="sync")
        return m
