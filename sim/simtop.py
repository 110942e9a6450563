"""Designs as a simulator takes them: side by side, every stream of theirs a port."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SimTop", "StreamPorts"]

# Directions of valid, ready and payload: of the stream in, the stream out, and streams inside.
DIRECTIONS = {"i": (In, Out, In), "o": (Out, In, Out)}
INSIDE = (Out, Out, Out)


@dataclass(frozen=True)
class StreamPorts:
    """The ports of one stream: ``<prefix>__valid``, ``__ready``, ``__payload`` (``width`` bits).

    ``payload_delay``: cycles by which the payload comes after valid and ready. ``beats``: that move
    in a frame, also of rows that a later layer drops.
    """

    prefix: str
    width: int
    payload_delay: int = 0
    beats: int = 0


class SimTop(wiring.Component):
    """Holds ``designs`` by name, each a component with streams ``i`` and ``o``.

    ``taps`` names streams inside a design. ``streams[design][stream]`` are the ports of every
    stream, ``i`` and ``o`` first; the design's own signals stay as they are. ``payload_delays``
    tells, by the same names, by how many cycles a payload comes after valid and ready.
    """

    streams: dict[str, dict[str, StreamPorts]]

    def __init__(
        self,
        designs: Mapping[str, Any],
        taps: Mapping[str, Mapping[str, Any]] | None = None,
        payload_delays: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        self._designs = dict(designs)
        self._inside = {
            design: {"i": component.i, "o": component.o, **(taps or {}).get(design, {})}
            for design, component in designs.items()
        }
        self.streams = {}
        members: dict[str, Any] = {}
        for design, streams in self._inside.items():
            self.streams[design] = {}
            for name, stream in streams.items():
                prefix, width = f"{design}__{name}", len(Value.cast(stream.payload))
                cycles = (payload_delays or {}).get(design, {}).get(name, 0)
                self.streams[design][name] = StreamPorts(prefix, width, cycles)
                valid, ready, payload = DIRECTIONS.get(name, INSIDE)
                members[f"{prefix}__valid"] = valid(1)
                members[f"{prefix}__ready"] = ready(1)
                members[f"{prefix}__payload"] = payload(width)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for design, component in self._designs.items():
            m.submodules[design] = component
            for name, stream in self._inside[design].items():
                parts = (stream.valid, stream.ready, Value.cast(stream.payload))
                suffixes = ("valid", "ready", "payload")
                directions = DIRECTIONS.get(name, INSIDE)
                for inside, suffix, direction in zip(parts, suffixes, directions, strict=True):
                    port = getattr(self, f"{design}__{name}__{suffix}")
                    m.d.comb += port.eq(inside) if direction is Out else inside.eq(port)
        return m
