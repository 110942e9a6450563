"""1BitSquared iCEBreaker: an iCE40UP5K, a 12 MHz oscillator, and an FT2232H as USB serial port.

A logic cell is a lookup table and a flip-flop in one. The four single-port RAMs of 256 kbit begin
empty, so they can hold no weights, and stay unused.
"""

from subbit.boards.model import Board, FpgaDevice

__all__ = ["BOARDS"]

BOARDS = (
    Board(
        name="icebreaker",
        title="iCEBreaker with iCE40UP5K",
        device=FpgaDevice(
            *("iCE40UP5K", "sg48", 0),
            lut4=5280,
            flip_flops=5280,
            block_rams=30,
            dsps=8,
            fabric="ice40",
            operand_bits=16,
        ),
        platform="amaranth_boards.icebreaker:ICEBreakerPlatform",
        oscillator="clk12",
        oscillator_hz=12_000_000,
        uart_baud=3_000_000,
        leds=2,
        programmer="ice40_generic",
        flash_only=True,
    ),
)
