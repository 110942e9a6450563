"""The host protocol's constants and messages, shared by the hardware and the host; see
docs/reference/host-protocol.md.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from subbit.sw.errors import LinkError
from subbit.sw.ir import Argmax, Encoding, Network

__all__ = [
    "ANSWER_BITS",
    "HEADER_BYTES",
    "MAX_BODY_BYTES",
    "MAX_WINDOW",
    "NAME_BYTES",
    "NUMBER_BYTES",
    "PART_BYTES",
    "VERSIONS",
    "ErrorCode",
    "Kind",
    "LinkInfo",
    "Message",
    "answers_kept",
    "default_window",
]

VERSIONS = (1, 2)  # the second where results come in parts
HEADER_BYTES = 4
MAX_BODY_BYTES = 0xFFFF
NUMBER_BYTES = 2  # of a part
MAX_PARTS = 1 << (8 * NUMBER_BYTES)
# Of numbers in a part. What surrounds a part is 1.4 % of that; where one byte of a thousand is
# damaged a part arrives in one of three attempts, and a whole message of 65,535 bytes never.
PART_BYTES = 1024
NAME_BYTES = 32
MAX_WINDOW = 8
ANSWER_BITS = 3 + 8  # of one that waits: its kind and its sequence number
BLOCK_RAM_BYTES = 2048
FIXED = (struct.Struct("<B32sHHHBBHBBI"), struct.Struct("<B32sHHHBBIBBIH"))
ENCODINGS = (Encoding.UNSIGNED, Encoding.BIPOLAR)


class Kind(IntEnum):
    """Type of a message: IDENTIFY and INFER are requests, the others responses."""

    IDENTIFY = 0x01
    INFER = 0x02
    IDENTIFIED = 0x81
    RESULT = 0x82
    PART = 0x83
    ERROR = 0x8F


class ErrorCode(IntEnum):
    """What was wrong with a request: the body of an ERROR."""

    BAD_CRC = 1
    BAD_LENGTH = 2
    BAD_TYPE = 3
    BUSY = 4


@dataclass(frozen=True)
class Message:
    """One request or response: its type ``kind`` (0..255, known or not), its ``sequence`` number
    (0..255), and its ``body``, at most MAX_BODY_BYTES bytes.
    """

    kind: int
    sequence: int
    body: bytes = b""

    def content(self) -> bytes:
        """Header and body, as they go into a frame before the CRC."""
        return struct.pack("<BBH", self.kind, self.sequence, len(self.body)) + self.body

    @classmethod
    def parse(cls, content: bytes) -> "Message | None":
        """The message in a content without CRC, or None if its length is not as declared."""
        if len(content) < HEADER_BYTES:
            return None
        kind, sequence, length = struct.unpack_from("<BBH", content)
        body = content[HEADER_BYTES:]
        return cls(kind, sequence, body) if len(body) == length else None


def default_window(frame_bytes: int) -> int:
    """Frame buffers that fit in one block RAM: a power of two from 2 to 8."""
    slot = 1 << (frame_bytes - 1).bit_length()
    window = MAX_WINDOW
    while window > 2 and window * slot > BLOCK_RAM_BYTES:
        window //= 2
    return window


def answers_kept(window: int) -> int:
    """Answers that may wait to be sent: for each buffer that of its frame, and one more for what
    noise makes of a request.
    """
    return 2 * window


@dataclass(frozen=True, kw_only=True)
class LinkInfo:
    """What a board holds, as IDENTIFIED tells it.

    ``digest``: the network's, in hex. ``height``, ``width``, ``channels``, ``bits`` (1 to 8),
    ``encoding``: the input's. ``logit_bytes``: 4 or 8. ``clock_hz``: the accelerator's clock,
    0 if it was not known when the design was made.
    ``name``: at most 32 bytes of UTF-8. ``window``: frame buffers, a power of two from 2 to 128; 0
    chooses as many as one block RAM holds, at most 8. ``part_bytes``: of the numbers in a PART of a
    result, a multiple of ``logit_bytes``; 0 chooses whole results, one RESULT each, where they fit
    a message, and else parts of PART_BYTES.

    Raises LinkError where a number does not fit the protocol.
    """

    digest: str
    height: int
    width: int
    channels: int
    bits: int
    encoding: Encoding
    logits: int
    logit_bytes: int
    clock_hz: int
    name: str
    window: int = 0
    part_bytes: int = 0

    def __post_init__(self) -> None:
        if not all(1 <= side <= 0xFFFF for side in (self.height, self.width, self.channels)):
            raise LinkError(f"the link takes sides of 1 to 65535, not {self.shape}")
        if not 1 <= self.bits <= 8 or self.encoding not in ENCODINGS:
            raise LinkError(
                f"the link takes codes of 1 to 8 bits, not {self.encoding} of {self.bits} bits"
            )
        if self.frame_bytes > MAX_BODY_BYTES:
            raise LinkError(
                f"a frame of {self.frame_bytes} bytes is longer than the {MAX_BODY_BYTES} that the "
                "link takes; use fewer bits per element or a smaller input"
            )
        if not self.part_bytes and self.result_bytes > MAX_BODY_BYTES:
            object.__setattr__(self, "part_bytes", PART_BYTES)
        if self.logit_bytes not in (4, 8) or self.logits < 1 or self.parts > MAX_PARTS:
            raise LinkError(
                f"the link cannot carry {self.logits} logits of {self.logit_bytes} bytes"
            )
        most = MAX_BODY_BYTES - NUMBER_BYTES
        if not 0 <= self.part_bytes <= most or self.part_bytes % self.logit_bytes:
            raise LinkError(
                f"a part of a result holds whole numbers of {self.logit_bytes} bytes, at most "
                f"{most} bytes, not {self.part_bytes}"
            )
        if not self.window:
            object.__setattr__(self, "window", default_window(self.frame_bytes))
        if self.window not in (2, 4, 8, 16, 32, 64, 128):
            raise LinkError(f"the window is a power of two from 2 to 128, not {self.window}")
        if len(bytes.fromhex(self.digest)) != 32 or len(self.name.encode()) > NAME_BYTES:
            raise LinkError(
                f"a digest has 32 bytes and a name at most {NAME_BYTES}; got {self.digest!r}, "
                f"{self.name!r}"
            )
        if not 0 <= self.clock_hz < 1 << 32:
            raise LinkError(f"the clock must be below 2**32 Hz, not {self.clock_hz}")

    @classmethod
    def from_network(cls, network: Network, clock_hz: int, window: int = 0) -> Self:
        """What a board that holds ``network`` at ``clock_hz`` answers; raises LinkError where it
        cannot.
        """
        last, x = network.nodes[-1], network.input_type
        ends_in_class = isinstance(last.layer, Argmax) and network.output_type.elements == 1
        logits = network.types[last.inputs[0]] if ends_in_class else network.output_type
        return cls(
            digest=network.digest,
            height=x.height,
            width=x.width,
            channels=x.channels,
            bits=x.bits,
            encoding=x.encoding,
            logits=logits.elements,
            logit_bytes=4 if logits.bits <= 32 else 8,
            clock_hz=clock_hz,
            name=network.name[:NAME_BYTES],
            window=window,
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(height, width, channels)`` of the input."""
        return self.height, self.width, self.channels

    @property
    def elements(self) -> int:
        """Elements of an input frame."""
        return self.height * self.width * self.channels

    @property
    def elements_per_byte(self) -> int:
        """Elements that travel in one byte."""
        return 8 // self.bits

    @property
    def frame_bytes(self) -> int:
        """Bytes of a packed frame, the body of INFER."""
        return -(-self.elements // self.elements_per_byte)

    @property
    def version(self) -> int:
        """Of the protocol: the lowest that can say this."""
        return VERSIONS[bool(self.part_bytes)]

    @property
    def class_bytes(self) -> int:
        """Bytes of the class: 2 in a RESULT, those of a logit where results come in parts."""
        return self.logit_bytes if self.part_bytes else 2

    @property
    def result_bytes(self) -> int:
        """Bytes of logits and class: the body of RESULT, or the contents of all parts."""
        return self.logits * self.logit_bytes + self.class_bytes

    @property
    def parts(self) -> int:
        """Messages that a result takes."""
        return -(-self.result_bytes // self.part_bytes) if self.part_bytes else 1

    def part_length(self, number: int) -> int:
        """Bytes of logits and class in part ``number`` of a result; the last may be shorter."""
        return min(self.part_bytes, self.result_bytes - number * self.part_bytes)

    def pack(self) -> bytes:
        """The body of IDENTIFIED."""
        part = [self.part_bytes] if self.part_bytes else []
        return (
            FIXED[self.version - 1].pack(
                self.version,
                bytes.fromhex(self.digest),
                self.height,
                self.width,
                self.channels,
                self.bits,
                ENCODINGS.index(self.encoding),
                self.logits,
                self.logit_bytes,
                self.window,
                self.clock_hz,
                *part,
            )
            + self.name.encode()
        )

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """What the body of an IDENTIFIED says; raises LinkError if it makes no sense."""
        if body[:1] and body[0] not in VERSIONS:
            raise LinkError(
                f"the board speaks protocol version {body[0]}, this subbit versions "
                f"{VERSIONS[0]} to {VERSIONS[-1]}; build and load the bitstream again with this "
                "subbit"
            )
        fixed = FIXED[body[0] - 1 if body else 0]
        if not fixed.size <= len(body) <= fixed.size + NAME_BYTES:
            raise LinkError(f"the board identifies itself in {len(body)} bytes; load it again")
        version, digest, h, w, c, bits, encoding, logits, size, window, clock_hz, *part = (
            fixed.unpack_from(body)
        )
        name = body[fixed.size :].decode("utf-8", "replace")
        found = cls(
            digest=digest.hex(),
            height=h,
            width=w,
            channels=c,
            bits=bits,
            encoding=ENCODINGS[encoding % len(ENCODINGS)],
            logits=logits,
            logit_bytes=size,
            clock_hz=clock_hz,
            name=name,
            window=window,
            part_bytes=sum(part),
        )
        sensible = encoding < len(ENCODINGS) and window and name.isprintable()
        if not sensible or found.version != version:
            raise LinkError("the board's identification makes no sense; load the bitstream again")
        return found
