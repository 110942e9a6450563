"""Frames and results as the bytes that travel; see docs/reference/host-protocol.md."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.hw.link.protocol import LinkInfo
from subbit.sw.errors import DataError, LinkError

__all__ = ["pack_frames", "pack_result", "unpack_frame", "unpack_result"]


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
    """The body of a RESULT."""
    return logits.astype(f"<i{info.logit_bytes}").tobytes() + winner.to_bytes(2, "little")


def unpack_result(info: LinkInfo, body: bytes) -> tuple[NDArray[np.int64], int]:
    """Logits ``(info.logits,)`` and class in the body of a RESULT; raises LinkError if they make no
    sense.
    """
    if len(body) != info.result_bytes:
        raise LinkError(f"a result of {len(body)} bytes came, not of {info.result_bytes}")
    logits = np.frombuffer(body[:-2], f"<i{info.logit_bytes}").astype(np.int64)
    winner = int.from_bytes(body[-2:], "little")
    if winner >= info.logits:
        raise LinkError(f"class {winner} came from a network with {info.logits} logits")
    return logits, winner
