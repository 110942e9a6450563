"""The control registers of a core: addresses, bits, and what stands in them after a reset."""

from dataclasses import dataclass
from enum import IntEnum

from subbit.hw.contract.blocks import luts
from subbit.hw.contract.cost import Cost

__all__ = [
    "ADDRESS_BITS",
    "COUNTER_BITS",
    "IDENTITY",
    "Control",
    "CoreIdentity",
    "Register",
]

ADDRESS_BITS = 12  # of bytes: 4 KiB, the least that AXI interconnects give a slave
IDENTITY = 0x53425201  # "SBR", and the version of this map of registers
COUNTER_BITS = 8  # of each of the two counters of errors


class Register(IntEnum):
    """Byte address of each register, all of 32 bits. Only CONTROL can be written."""

    ID = 0x00
    DIGEST = 0x04
    FRAMES = 0x08
    CONTROL = 0x0C


class Control(IntEnum):
    """Bits of CONTROL, and the lowest bits of its two counters.

    RESET restarts the core when 1 is written, and reads as 0. ERROR and FRAME say that a packet of
    a wrong length came and that a sound result left; writing 1 clears them. BUSY says that frames
    or results are inside. ERROR_IRQ and FRAME_IRQ let ERROR and FRAME raise ``irq``. EARLY and LATE
    count packets that were too short and too long, modulo 256. Writing back what was read clears
    what was seen, and changes nothing else.
    """

    RESET = 0
    ERROR = 1
    FRAME = 2
    BUSY = 3
    ERROR_IRQ = 4
    FRAME_IRQ = 5
    EARLY = 8
    LATE = 16


@dataclass(frozen=True, kw_only=True)
class CoreIdentity:
    """What the constant registers say: ``digest``, the network's in hex, of which DIGEST is the
    first eight digits.
    """

    digest: str

    @property
    def constants(self) -> dict[Register, int]:
        """Value of each constant register."""
        return {
            Register.ID: IDENTITY,
            Register.DIGEST: int(self.digest[:8], 16),
        }

    def cost(self) -> Cost:
        """Three counters, the reading of four registers, the bus's handshakes."""
        counted = 32 + 2 * COUNTER_BITS
        return luts(counted + 32 + 24) + Cost(flip_flops=counted + 32 + 12)
