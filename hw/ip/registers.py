"""The control registers of a core: addresses, bits, and what stands in them after a reset."""

from dataclasses import dataclass
from enum import IntEnum

from subbit.hw.contract.blocks import luts
from subbit.hw.contract.cost import Cost

__all__ = ["ADDRESS_BITS", "IDENTITY", "Control", "CoreIdentity", "Register", "Status"]

ADDRESS_BITS = 12  # of bytes: 4 KiB, the least that AXI interconnects give a slave
IDENTITY = 0x53554242  # "SUBB"
MAP_VERSION = 1
COUNTER_BITS = 16  # of each of the two counters of errors


class Register(IntEnum):
    """Byte address of each register, all of 32 bits. Only CONTROL and STATUS can be written."""

    ID = 0x00
    VERSION = 0x04
    DIGEST = 0x08
    BEATS = 0x0C
    FRAMES = 0x10
    ERRORS = 0x14
    CONTROL = 0x18
    STATUS = 0x1C


class Control(IntEnum):
    """Bits of CONTROL: RESET restarts the core when 1 is written and reads as 0."""

    RESET = 0
    ERROR_IRQ = 1
    FRAME_IRQ = 2


class Status(IntEnum):
    """Bits of STATUS. ERROR and FRAME are cleared by writing 1 to them, BUSY is read only."""

    BUSY = 0
    ERROR = 1
    FRAME = 2


@dataclass(frozen=True, kw_only=True)
class CoreIdentity:
    """What the constant registers say: ``digest``, the network's in hex, of which DIGEST is the
    first eight digits, and ``beats``, the beats of a frame.
    """

    digest: str
    beats: int

    @property
    def constants(self) -> dict[Register, int]:
        """Value of each constant register."""
        return {
            Register.ID: IDENTITY,
            Register.VERSION: MAP_VERSION,
            Register.DIGEST: int(self.digest[:8], 16),
            Register.BEATS: self.beats,
        }

    def cost(self) -> Cost:
        """Three counters, the reading of eight registers, the bus's handshakes."""
        counted = 32 + 2 * COUNTER_BITS
        return luts(counted + 2 * 32 + 24) + Cost(flip_flops=counted + 32 + 12)
