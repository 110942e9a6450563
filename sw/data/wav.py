"""Recordings: WAV files as numbers of 16 bits, read without any library."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import DataError

__all__ = ["MAX_SAMPLES", "RATES", "read_wav"]

MAX_WAV_BYTES = 1 << 26
MAX_SAMPLES = 1 << 23
MAX_CHUNKS = 64
RATES = (4000, 48000)
INTEGERS, REALS, EXTENSIBLE = 1, 3, 0xFFFE
SAVE = "save it as WAV with 16 bits, uncompressed"
Header = tuple[int, int, int, int]


def read_wav(path: Path) -> tuple[int, NDArray[np.int64]]:
    """Samples a second, and the samples as integers of 16 bits, ``[n]``.

    Takes integers of 8, 16, 24 and 32 bits, of which the upper 16 count, and real numbers of 32
    bits from -1 to 1; of several channels the mean, rounded down. Raises DataError where the file
    is none of these, damaged, empty, or larger than 67,108,864 bytes or 8,388,608 samples.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_WAV_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; check the path") from None
    if len(content) > MAX_WAV_BYTES:
        raise DataError(f"{path} is larger than {MAX_WAV_BYTES} bytes; cut it into pieces")
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise DataError(f"{path} is no WAV file (it starts {content[:4].hex()}); {SAVE}")
    header, body = chunks(path, content)
    kind, channels, rate, bits = header
    numbers = samples_of(path, body, kind, bits)
    if not len(numbers) or len(numbers) > MAX_SAMPLES * channels:
        raise DataError(f"{path} has {len(numbers)} samples; a recording has 1 to {MAX_SAMPLES}")
    whole = len(numbers) // channels * channels
    return rate, numbers[:whole].reshape(-1, channels).sum(axis=1) // channels


def chunks(path: Path, content: bytes) -> tuple[Header, bytes]:
    """The header, and the bytes of the samples."""
    place, header = 12, None
    for _ in range(MAX_CHUNKS):
        name = content[place : place + 4]
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        body = content[place + 8 : place + 8 + size]
        if name == b"fmt ":
            header = parse_header(path, body)
        if name == b"data":
            if header is None:
                raise DataError(f"{path} has samples before their format; {SAVE}")
            if len(body) < size:
                raise DataError(
                    f"{path} is cut short: {len(body)} of {size} bytes of samples are there; "
                    "fetch it again"
                )
            return header, body
        place += 8 + size + size % 2
    raise DataError(f"{path} holds no samples, or is cut short; fetch it again")


def parse_header(path: Path, body: bytes) -> Header:
    """Format, channels, samples a second and bits, if they are of a known kind."""
    kind, channels = (int.from_bytes(body[at : at + 2], "little") for at in (0, 2))
    rate, bits = int.from_bytes(body[4:8], "little"), int.from_bytes(body[14:16], "little")
    if kind == EXTENSIBLE:
        kind = int.from_bytes(body[24:26], "little")
    if (kind, bits) not in {*((INTEGERS, n) for n in (8, 16, 24, 32)), (REALS, 32)}:
        raise DataError(f"{path} has samples of format {kind} and {bits} bits; {SAVE}")
    if not 1 <= channels <= 16:
        raise DataError(f"{path} has {channels} channels; save it with one")
    if not RATES[0] <= rate <= RATES[1]:
        raise DataError(
            f"{path} has {rate} samples a second; those of {RATES[0]} to {RATES[1]} are taken"
        )
    return kind, channels, rate, bits


def samples_of(path: Path, body: bytes, kind: int, bits: int) -> NDArray[np.int64]:
    """The samples as integers of 16 bits."""
    body = body[: len(body) // (bits // 8) * (bits // 8)]
    if kind == REALS:
        reals = np.frombuffer(body, "<f4").astype(np.float64)
        if not np.isfinite(reals).all():
            raise DataError(f"{path} holds NaN or infinite samples; {SAVE}")
        return np.clip(np.floor(reals * 32768), -32768, 32767).astype(np.int64)
    if bits == 8:
        return (np.frombuffer(body, np.uint8).astype(np.int64) - 128) << 8
    if bits == 24:
        upper = np.frombuffer(body, np.uint8).reshape(-1, 3)[:, 1:]
        return np.ascontiguousarray(upper).view("<i2")[:, 0].astype(np.int64)
    numbers = np.frombuffer(body, f"<i{bits // 8}").astype(np.int64)
    return numbers >> (bits - 16)
