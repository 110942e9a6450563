"""Byte-stuffed framing with a CRC, as in RFC 1662; see docs/reference/host-protocol.md."""

import zlib

__all__ = ["CRC_BYTES", "ESCAPE", "FLAG", "FLIP", "Deframer", "crc_bytes", "frame"]

FLAG = 0x7E
ESCAPE = 0x7D
FLIP = 0x20
CRC_BYTES = 4


def frame(content: bytes) -> bytes:
    """``content`` with its CRC, escaped, between flags."""
    whole = content + crc_bytes(content)
    stuffed = whole.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    return b"\x7e" + stuffed + b"\x7e"


def crc_bytes(content: bytes) -> bytes:
    """The CRC that follows ``content`` in a frame."""
    return zlib.crc32(content).to_bytes(CRC_BYTES, "little")


class Deframer:
    """Finds frames in a stream of untrusted bytes, holding at most ``max_bytes`` of one (its CRC
    not counted).

    ``damaged`` counts the frames of at least ``shortest`` content bytes that were dropped: wrong
    CRC, a flag after an escape, or too long. Shorter ones are noise between frames and not counted.
    """

    def __init__(self, max_bytes: int, shortest: int = 4) -> None:
        self.max_bytes = max_bytes
        self.damaged = 0
        self._shortest = shortest
        self._content = bytearray()
        self._escaped = False

    def feed(self, received: bytes) -> list[bytes]:
        """The contents, without CRC, of the good frames that end within ``received``."""
        contents = []
        first, *rest = received.split(b"\x7e")
        self._extend(first)
        for part in rest:
            content = self._finish()
            if content is not None:
                contents.append(content)
            self._extend(part)
        return contents

    @property
    def begun(self) -> bytes:
        """What has come of the frame that is under way."""
        return bytes(self._content)

    def _extend(self, part: bytes) -> None:
        for byte in part:
            if byte == ESCAPE and not self._escaped:
                self._escaped = True
                continue
            if len(self._content) <= self.max_bytes + CRC_BYTES:
                self._content.append(byte ^ FLIP if self._escaped else byte)
            self._escaped = False

    def _finish(self) -> bytes | None:
        whole, escaped = bytes(self._content), self._escaped
        self._content.clear()
        self._escaped = False
        content, crc = whole[:-CRC_BYTES], whole[-CRC_BYTES:]
        if len(content) < self._shortest:
            return None
        if escaped or crc != crc_bytes(content) or len(content) > self.max_bytes:
            self.damaged += 1
            return None
        return content
