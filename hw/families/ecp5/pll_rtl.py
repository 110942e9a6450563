"""The ECP5 PLL: which frequencies it makes, and the two clock domains of a board."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import In, Out

from subbit.hw.families.pll import within

__all__ = ["Clocks", "Pll", "PllSettings", "best_settings"]

# ECP5 data sheet (FPGA-DS-02012), sysCLOCK PLL timing, in Hz.
DETECTOR_HZ = (10_000_000, 400_000_000)
VCO_HZ = (400_000_000, 800_000_000)
OUTPUT_HZ = (3_125_000, 400_000_000)
MAX_FEEDBACK = 80
MAX_DIVIDER = 128

# Loop filter of Lattice's own defaults, as every open ECP5 design uses it.
LOOP_FILTER = {
    "a_ICP_CURRENT": "12",
    "a_LPF_RESISTOR": "8",
    "a_MFG_ENABLE_FILTEROPAMP": "1",
    "a_MFG_GMCREF_SEL": "2",
}
FIXED = {
    "p_PLLRST_ENA": "DISABLED",
    "p_INTFB_WAKE": "DISABLED",
    "p_STDBY_ENABLE": "DISABLED",
    "p_DPHASE_SOURCE": "DISABLED",
    "p_OUTDIVIDER_MUXA": "DIVA",
    "p_OUTDIVIDER_MUXB": "DIVB",
    "p_OUTDIVIDER_MUXC": "DIVC",
    "p_OUTDIVIDER_MUXD": "DIVD",
    "p_FEEDBK_PATH": "INT_OP",
    "p_CLKOP_ENABLE": "ENABLED",
    "p_CLKOP_FPHASE": 0,
    "p_CLKOS_ENABLE": "ENABLED",
    "p_CLKOS_FPHASE": 0,
}
UNUSED_INPUTS = (
    *("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PHASEDIR", "PHASESTEP", "PHASELOADREG"),
    *("PLLWAKESYNC", "ENCLKOP"),
)


@dataclass(frozen=True)
class PllSettings:
    """Dividers of an EHXPLLL whose output CLKOP closes the loop and whose output CLKOS is used.

    ``output = input * feedback * loop / (reference * output_divider)``; the oscillator runs at
    ``input / reference * feedback * loop``.
    """

    reference: int
    feedback: int
    loop: int
    output: int

    def output_hz(self, input_hz: int) -> Fraction:
        """Frequency of CLKOS."""
        return Fraction(input_hz * self.feedback * self.loop, self.reference * self.output)

    def parameters(self) -> dict[str, int]:
        """The EHXPLLL parameters that depend on the settings; phases are zero (divider - 1)."""
        return {
            "CLKI_DIV": self.reference,
            "CLKFB_DIV": self.feedback,
            "CLKOP_DIV": self.loop,
            "CLKOP_CPHASE": self.loop - 1,
            "CLKOS_DIV": self.output,
            "CLKOS_CPHASE": self.output - 1,
        }


def legal_settings(input_hz: int) -> Iterator[PllSettings]:
    """Every legal setting for that input, with each oscillator frequency once."""
    seen = set()
    for reference in range(1, input_hz // DETECTOR_HZ[0] + 1):
        detector = Fraction(input_hz, reference)
        for loop in range(1, MAX_DIVIDER + 1):
            for feedback in range(1, MAX_FEEDBACK + 1):
                vco = detector * feedback * loop
                if not VCO_HZ[0] <= vco <= VCO_HZ[1] or vco / loop > OUTPUT_HZ[1] or vco in seen:
                    continue
                seen.add(vco)
                for output in range(1, MAX_DIVIDER + 1):
                    if OUTPUT_HZ[0] <= vco / output <= OUTPUT_HZ[1]:
                        yield PllSettings(reference, feedback, loop, output)


def best_settings(input_hz: int, ceiling_hz: float) -> PllSettings:
    """The settings of the highest output frequency that is at most ``ceiling_hz``.

    Of equal ones, the fastest phase detector and then the fastest oscillator, which jitter least.
    Raises ValueError where the PLL cannot go that low.
    """
    fitting = within(legal_settings(input_hz), input_hz, ceiling_hz)
    return max(fitting, key=lambda s: (s.output_hz(input_hz), -s.reference, s.feedback * s.loop))


class Pll(wiring.Component):
    """One EHXPLLL. ``clk_i``: the reference; ``clk_o``: the output; ``locked``: it is good."""

    clk_i: Signal
    clk_o: Signal
    locked: Signal

    def __init__(self, *, settings: PllSettings) -> None:
        self.settings = settings
        super().__init__({"clk_i": In(1), "clk_o": Out(1), "locked": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """See the class."""
        m = Module()
        feedback = Signal()
        m.submodules.ehxplll = Instance(
            "EHXPLLL",
            **LOOP_FILTER,
            **FIXED,
            **{f"p_{name}": value for name, value in self.settings.parameters().items()},
            **{f"i_{name}": 0 for name in UNUSED_INPUTS},
            i_CLKI=self.clk_i,
            i_CLKFB=feedback,
            o_CLKINTFB=feedback,
            o_CLKOS=self.clk_o,
            o_LOCK=self.locked,
        )
        return m


class Clocks(Elaboratable):
    """The clock domains of a board: ``link`` on its oscillator, ``sync`` on the PLL.

    Both are held in reset until the PLL has locked. ``oscillator``: the name of the platform's
    clock resource. ``sync`` is built for ``settings``; place-and-route is driven to that frequency,
    and the flow then lowers the PLL to what the routed design meets; see
    subbit.hw.families.ecp5.clock.

    The design that holds this as a submodule adds ``domains`` to its own.
    """

    def __init__(self, *, oscillator: str, settings: PllSettings) -> None:
        self.oscillator = oscillator
        self.settings = settings
        self.domains = [ClockDomain("sync"), ClockDomain("link")]

    def elaborate(self, platform: Any) -> Module:
        """See the class."""
        m = Module()
        m.submodules.pad = pad = io.Buffer(
            io.Direction.Input, platform.request(self.oscillator, dir="-")
        )
        m.submodules.pll = pll = Pll(settings=self.settings)
        m.d.comb += [
            pll.clk_i.eq(pad.i),
            ClockSignal("link").eq(pad.i),
            ClockSignal("sync").eq(pll.clk_o),
        ]
        m.submodules.link_reset = ResetSynchronizer(~pll.locked, domain="link")
        m.submodules.sync_reset = ResetSynchronizer(~pll.locked, domain="sync")
        return m
