"""Frames and results as the bytes that travel; see docs/reference/host-protocol.md."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.hw.link.protocol import NUMBER_BYTES, Kind, LinkInfo, Message
from subbit.sw.errors import DataError, LinkError

__all__ = [
    "pack_frames",
    "pack_result",
    "result_messages",
    "unpack_frame",
    "unpack_part",
    "unpack_result",
]


def pack_frames(info: LinkInfo, codes: NDArray[Any]) -> NDArray[np.uint8]:
    """Bodies of INFER, ``(n, info.frame_bytes)``, for stored numbers ``codes`` ``(n, height, width,
    channels)``.

    Raises DataError where the shape or a number is not what the board takes.
    """
    if codes.ndim != 4 or codes.shape[1:] != info.shape:
        raise DataError(
            f"the board takes frames of shape {info.shape}, not {codes.shape[1:]}; prepare the "
            f"images for network {info.name!r}"
        )
    if not np.issubdtype(codes.dtype, np.integer):
        raise DataError(f"frames hold integer codes, not {codes.dtype}")
    if codes.size and (codes.min() < 0 or codes.max() >= 1 << info.bits):
        raise DataError(
            f"frames hold codes in 0..{(1 << info.bits) - 1}, not {codes.min()}..{codes.max()}"
        )
    flat = codes.reshape(len(codes), info.elements).astype(np.uint8)
    padding = info.frame_bytes * info.elements_per_byte - info.elements
    groups = np.pad(flat, ((0, 0), (0, padding)))
    groups = groups.reshape(len(codes), info.frame_bytes, info.elements_per_byte)
    shifts = np.arange(info.elements_per_byte, dtype=np.uint8) * np.uint8(info.bits)
    packed: NDArray[np.uint8] = np.bitwise_or.reduce(groups << shifts, axis=2)
    return packed


def unpack_frame(info: LinkInfo, body: bytes) -> NDArray[np.uint8]:
    """Stored numbers ``(height, width, channels)`` in an INFER body of the right length."""
    shifts = np.arange(info.elements_per_byte, dtype=np.uint8) * np.uint8(info.bits)
    groups = np.frombuffer(body, np.uint8)[:, None] >> shifts & np.uint8((1 << info.bits) - 1)
    return groups.reshape(-1)[: info.elements].reshape(info.shape)


def pack_result(info: LinkInfo, logits: NDArray[np.int64], winner: int) -> bytes:
    """The body of a RESULT, or the contents of all parts of one."""
    winner_bytes = winner.to_bytes(info.class_bytes, "little")
    return logits.astype(f"<i{info.logit_bytes}").tobytes() + winner_bytes


def result_messages(
    info: LinkInfo, sequence: int, logits: NDArray[np.int64], winner: int
) -> list[Message]:
    """What answers an INFER of the number ``sequence``: a RESULT, or its parts in order."""
    body = pack_result(info, logits, winner)
    if not info.part_bytes:
        return [Message(Kind.RESULT, sequence, body)]
    starts = range(0, len(body), info.part_bytes)
    return [
        Message(
            Kind.PART,
            sequence,
            number.to_bytes(NUMBER_BYTES, "little") + body[start : start + info.part_bytes],
        )
        for number, start in enumerate(starts)
    ]


def unpack_part(info: LinkInfo, message: Message) -> tuple[int, bytes] | None:
    """Number and bytes of the part of a result that a message holds, a RESULT being part 0; None
    where it is none of the board's.
    """
    number, content = 0, message.body
    if info.part_bytes:
        number, content = int.from_bytes(content[:NUMBER_BYTES], "little"), content[NUMBER_BYTES:]
        fits = number < info.parts and len(content) == info.part_length(number)
    else:
        fits = len(content) == info.result_bytes
    wanted = Kind.PART if info.part_bytes else Kind.RESULT
    return (number, content) if message.kind == wanted and fits else None


def unpack_result(info: LinkInfo, body: bytes) -> tuple[NDArray[np.int64], int]:
    """Logits ``(info.logits,)`` and class in the body of a RESULT, or in all parts of one; raises
    LinkError if they make no sense.
    """
    if len(body) != info.result_bytes:
        raise LinkError(f"a result of {len(body)} bytes came, not of {info.result_bytes}")
    end = info.logits * info.logit_bytes
    logits = np.frombuffer(body[:end], f"<i{info.logit_bytes}").astype(np.int64)
    winner = int.from_bytes(body[end:], "little")
    if winner >= info.logits:
        raise LinkError(f"class {winner} came from a network with {info.logits} logits")
    return logits, winner
