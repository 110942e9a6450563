"""Radiona ULX3S: an ECP5 of four sizes, a 25 MHz oscillator, and an FT231X as USB serial port.

The FT231X goes up to 3 Mbaud. The 12F is the 25F's die under another identifier: the open tools
use all of it.
"""

from subbit.boards.model import Board, FpgaDevice

__all__ = ["BOARDS"]

#                lut4, flip-flops, block RAMs, multipliers
SIZES = {
    "12f": (24288, 24288, 56, 28),
    "25f": (24288, 24288, 56, 28),
    "45f": (43848, 43848, 108, 72),
    "85f": (83640, 83640, 208, 156),
}

BOARDS = tuple(
    Board(
        name=f"ulx3s-{size}",
        title=f"ULX3S with LFE5U-{size.upper()}",
        device=FpgaDevice(
            f"LFE5U-{size.upper()}", "CABGA381", 6, *counts, fabric="ecp5", operand_bits=18
        ),
        platform=f"amaranth_boards.ulx3s:ULX3S_{size.upper()}_Platform",
        oscillator="clk25",
        oscillator_hz=25_000_000,
        uart_baud=3_000_000,
        leds=8,
        programmer="ulx3s",
    )
    for size, counts in SIZES.items()
)
