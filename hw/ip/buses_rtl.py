"""Signatures of the buses that a core may have."""

from typing import Any

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from subbit.hw.ip.registers import ADDRESS_BITS

__all__ = ["AxiLiteSignature", "AxiStreamSignature", "PacketSignature", "WishboneSignature"]


class PacketSignature(wiring.Signature):
    """Packets of words of ``bits`` bits, from the side of who sends them.

    ``data`` (out, ``bits``), ``last`` (out), ``valid`` (out), ``ready`` (in); with ``marked`` also
    ``error`` (out): the packet is damaged, which counts in the beat with ``last``. A beat passes in
    a cycle with ``valid`` and ``ready``; what is valid stays, unchanged, until it is taken.
    """

    def __init__(self, bits: int, *, marked: bool = False) -> None:
        members: dict[str, Any] = {"data": Out(bits), "last": Out(1)}
        if marked:
            members["error"] = Out(1)
        super().__init__({**members, "valid": Out(1), "ready": In(1)})


class AxiStreamSignature(wiring.Signature):
    """AXI4-Stream from the side of the transmitter: ``tdata`` (``bits`` bits, whole bytes),
    ``tlast``, ``tvalid``, ``tready``, and with ``marked`` ``tuser`` of one bit: the packet is
    damaged, which counts in the beat with ``tlast``.
    """

    def __init__(self, bits: int, *, marked: bool = False) -> None:
        members: dict[str, Any] = {"tdata": Out(bits), "tlast": Out(1)}
        if marked:
            members["tuser"] = Out(1)
        super().__init__({**members, "tvalid": Out(1), "tready": In(1)})


class AxiLiteSignature(wiring.Signature):
    """AXI4-Lite with 32 bits of data, from the side of the manager; addresses are of bytes."""

    def __init__(self) -> None:
        write = {
            **{"awaddr": Out(ADDRESS_BITS), "awprot": Out(3), "awvalid": Out(1), "awready": In(1)},
            **{"wdata": Out(32), "wstrb": Out(4), "wvalid": Out(1), "wready": In(1)},
            **{"bresp": In(2), "bvalid": In(1), "bready": Out(1)},
        }
        read = {
            **{"araddr": Out(ADDRESS_BITS), "arprot": Out(3), "arvalid": Out(1), "arready": In(1)},
            **{"rdata": In(32), "rresp": In(2), "rvalid": In(1), "rready": Out(1)},
        }
        super().__init__({**write, **read})


class WishboneSignature(wiring.Signature):
    """Wishbone B4, standard cycles, 32 bits of data in bytes, from the side of the initiator;
    ``adr`` counts words of 32 bits.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                **{"adr": Out(ADDRESS_BITS - 2), "dat_w": Out(32), "dat_r": In(32), "sel": Out(4)},
                **{"cyc": Out(1), "stb": Out(1), "we": Out(1), "ack": In(1), "err": In(1)},
            }
        )
