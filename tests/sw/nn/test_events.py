"""Event files for TensorBoard, read back record by record."""

import struct
from pathlib import Path

from subbit.sw.errors import DataError
from subbit.sw.nn.events import MASK, EventFile, masked_crc, varint
from tests.sw.samples import message


def number_at(data: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> list[tuple[int, object]]:
    """The fields of a protocol buffer."""
    found: list[tuple[int, object]] = []
    at = 0
    while at < len(data):
        key, at = number_at(data, at)
        if key & 7 == 2:
            size, at = number_at(data, at)
            found.append((key >> 3, data[at : at + size]))
            at += size
        elif key & 7 == 0:
            value, at = number_at(data, at)
            found.append((key >> 3, value))
        else:
            size, form = (8, "<d") if key & 7 == 1 else (4, "<f")
            found.append((key >> 3, struct.unpack(form, data[at : at + size])[0]))
            at += size
    return found


def records(path: Path) -> list[bytes]:
    """The records of a file, their checksums checked."""
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        body = data[12 : 12 + length]
        sums = struct.unpack("<I", data[8:12]) + struct.unpack("<I", data[12 + length :][:4])
        assert sums == (masked_crc(data[:8]), masked_crc(body))
        found.append(body)
        data = data[16 + length :]
    return found


def test_the_checksum_is_crc_32c() -> None:
    crc = (masked_crc(b"123456789") - MASK) & 0xFFFFFFFF
    assert (crc << 15 | crc >> 17) & 0xFFFFFFFF == 0xE3069283


def test_scalars_are_read_back(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "a" / "b")
    file.add(1, {"loss/training": 2.5, "rate": 0.125})
    file.add(300, {"loss/training": 0.5})
    first, *rest = records(file.path)
    assert (3, b"brain.Event:2") in fields(first)
    found = []
    for body in rest:
        rows = dict(fields(body))
        values = [dict(fields(v)) for n, v in fields(rows[5]) if n == 1]
        found.append((rows[2], {v[1].decode(): v[2] for v in values}))
    assert found == [(1, {"loss/training": 2.5, "rate": 0.125}), (300, {"loss/training": 0.5})]
    assert file.path.name.startswith("events.out.tfevents.")
    assert varint(300) == b"\xac\x02"


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = message(lambda: EventFile(tmp_path / "file" / "x"), DataError)
    assert text.startswith(f"cannot make the folder {tmp_path / 'file' / 'x'}: ")
