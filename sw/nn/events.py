"""Scalars over the epochs for TensorBoard, written without it: its event files are records of
lengths, checksums and protocol buffers.
"""

import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from subbit.sw.errors import DataError

__all__ = ["EventFile", "masked_crc", "record"]

POLYNOMIAL = 0x82F63B78  # CRC-32C, reflected
MASK = 0xA282EAD8
VERSION = b"brain.Event:2"
DOUBLE, BYTES, FLOAT, VARINT = 1, 2, 5, 0


def crc_table() -> list[int]:
    """The checksum of each byte."""
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


TABLE = crc_table()


def masked_crc(data: bytes) -> int:
    """CRC-32C of the data, turned and moved as TFRecord has it."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + MASK) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """A TFRecord: length, its checksum, the data, theirs."""
    length = struct.pack("<Q", len(data))
    ends = (struct.pack("<I", masked_crc(part)) for part in (length, data))
    return length + next(ends) + data + next(ends)


def varint(number: int) -> bytes:
    """A number of 7 bits a byte."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def field(number: int, kind: int, content: bytes) -> bytes:
    """A field of a protocol buffer."""
    length = varint(len(content)) if kind == BYTES else b""
    return varint(number << 3 | kind) + length + content


def event(step: int, scalars: Mapping[str, float], now: float) -> bytes:
    """An Event with a Summary of scalars."""
    values = b"".join(
        field(1, BYTES, field(1, BYTES, tag.encode()) + field(2, FLOAT, struct.pack("<f", number)))
        for tag, number in scalars.items()
    )
    head = field(1, DOUBLE, struct.pack("<d", now)) + field(2, VARINT, varint(step))
    return head + field(5, BYTES, values)


class EventFile:
    """A new event file in a folder, which TensorBoard shows with those that are there already."""

    def __init__(self, folder: Path) -> None:
        now = time.time()
        self.path = folder / f"events.out.tfevents.{time.time_ns()}.subbit"
        head = field(1, DOUBLE, struct.pack("<d", now)) + field(3, BYTES, VERSION)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"cannot make the folder {folder}: {error.strerror}") from None
        self.write([head])

    def add(self, step: int, scalars: Mapping[str, float]) -> None:
        """The scalars after ``step`` epochs; raises DataError where they cannot be written."""
        self.write([event(step, scalars, time.time())])

    def write(self, messages: Iterable[bytes]) -> None:
        """Append records."""
        try:
            with self.path.open("ab") as file:
                file.writelines(record(message) for message in messages)
        except OSError as error:
            raise DataError(f"cannot write {self.path}: {error.strerror}") from None
