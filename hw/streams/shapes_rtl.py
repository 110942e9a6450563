"""Stream signatures of units."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data, stream

from subbit.hw.contract.unit import Lanes

__all__ = ["lanes_layout", "stream_of"]


def lanes_layout(lanes: Lanes) -> data.ArrayLayout:
    """The payload ``lanes`` describes, lane 0 in the least significant bits."""
    element = signed(lanes.bits) if lanes.signed else unsigned(lanes.bits)
    return data.ArrayLayout(element, lanes.lanes)


def stream_of(lanes: Lanes) -> stream.Signature:
    """The signature of a stream with that payload."""
    return stream.Signature(lanes_layout(lanes))
