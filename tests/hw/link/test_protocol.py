"""Frames, messages and packed bodies of the host protocol."""

import random
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.hw.link.hdlc import Deframer, frame
from subbit.hw.link.protocol import Kind, LinkInfo, Message
from subbit.sw.errors import DataError, LinkError
from subbit.sw.host.packing import (
    pack_frames,
    pack_result,
    result_messages,
    unpack_frame,
    unpack_part,
    unpack_result,
)
from subbit.sw.ir import Encoding

Change = Callable[[bytes], bytes]


def info(**changes: Any) -> LinkInfo:
    fields: dict[str, Any] = {
        "digest": bytes(range(32)).hex(),
        "height": 3,
        "width": 5,
        "channels": 2,
        "bits": 3,
        "encoding": Encoding.UNSIGNED,
        "logits": 10,
        "logit_bytes": 4,
        "clock_hz": 50_000_000,
        "name": "some-network",
    }
    return LinkInfo(**(fields | changes))


def test_frame_bytes_are_those_of_the_document() -> None:
    content = Message(Kind.IDENTIFY, 0x7E).content()
    assert content == bytes([0x01, 0x7E, 0, 0])
    crc = zlib.crc32(content).to_bytes(4, "little")
    assert frame(content) == b"\x7e\x01\x7d\x5e\x00\x00" + crc + b"\x7e"


@pytest.mark.parametrize("seed", range(5))
def test_deframer_finds_frames_between_garbage_in_any_pieces(seed: int) -> None:
    chance = random.Random(seed)
    contents = [chance.randbytes(chance.randrange(4, 40)) for _ in range(50)]
    contents[0] = b"\x7e\x7d\x7e\x7d\x20\x5e"
    line = b""
    for content in contents:
        noise = chance.randbytes(chance.randrange(6)).replace(b"\x7e", b"")
        line += b"\x7e" + noise + frame(content)
    deframer = Deframer(40)
    found = []
    while line:
        cut = chance.randrange(1, 30)
        found += deframer.feed(line[:cut])
        line = line[cut:]
    assert found == contents


@pytest.mark.parametrize(
    "damaged",
    [
        frame(b"contents")[:-2] + b"\x7e",
        frame(b"contents")[:-1] + b"\x7d\x7e",
        frame(b"contents").replace(b"t", b"u"),
        frame(b"x" * 33),
        b"\x7e" + b"\x7d\x5e" * 5000 + b"\x7e",
    ],
)
def test_deframer_drops_damaged_frames_and_recovers(damaged: bytes) -> None:
    deframer = Deframer(32)
    assert deframer.feed(damaged + frame(b"good one")) == [b"good one"]
    assert deframer.damaged == 1


def test_deframer_ignores_short_noise_and_holds_little() -> None:
    deframer = Deframer(32)
    assert deframer.feed(b"\x7e\x01\x02\x7e\x7e" + b"\x7d\x00" * 100_000) == []
    assert deframer.damaged == 0
    assert len(deframer._content) <= 32 + 5


def test_message_lengths_must_agree() -> None:
    message = Message(Kind.RESULT, 7, b"abc")
    assert Message.parse(message.content()) == message
    assert Message.parse(message.content() + b"d") is None
    assert Message.parse(message.content()[:-1]) is None
    assert Message.parse(b"\x01\x02\x00") is None


@pytest.mark.parametrize("bits", range(1, 9))
def test_packing_round_trip(bits: int) -> None:
    link = info(bits=bits)
    codes = np.random.default_rng(bits).integers(0, 1 << bits, (4, 3, 5, 2))
    packed = pack_frames(link, codes)
    assert packed.shape == (4, -(-30 // (8 // bits)))
    for row, frame_codes in zip(packed, codes, strict=True):
        np.testing.assert_array_equal(unpack_frame(link, row.tobytes()), frame_codes)


def test_first_element_is_in_the_least_significant_bits() -> None:
    codes = np.array([[[[1], [2], [3]]]])
    packed = pack_frames(info(height=1, channels=1, width=3, bits=4), codes)
    assert packed.tolist() == [[0x21, 0x03]]


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((1, 5, 3, 2), int), "takes frames of shape"),
        (np.zeros((3, 5, 2), int), "takes frames of shape"),
        (np.zeros((1, 3, 5, 2)), "integer codes"),
        (np.full((1, 3, 5, 2), 8), r"codes in 0\.\.7, not 8\.\.8"),
        (np.full((1, 3, 5, 2), -1), r"codes in 0\.\.7"),
    ],
)
def test_wrong_frames_are_refused(codes: NDArray[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        pack_frames(info(), codes)


@pytest.mark.parametrize("size", [4, 8])
def test_result_round_trip(size: int) -> None:
    link = info(logits=3, logit_bytes=size)
    logits = np.array([-(1 << (8 * size - 1)), 0, (1 << (8 * size - 1)) - 1])
    body = pack_result(link, logits, 2)
    assert len(body) == link.result_bytes == 3 * size + 2
    got, winner = unpack_result(link, body)
    np.testing.assert_array_equal(got, logits)
    assert winner == 2
    with pytest.raises(LinkError, match="class 3 came"):
        unpack_result(link, body[:-2] + b"\x03\x00")
    with pytest.raises(LinkError, match="bytes came"):
        unpack_result(link, body[:-1])


@pytest.mark.parametrize(("logits", "size"), [(20_000, 4), (100_000, 8), (256 * 4 - 1, 4)])
def test_results_beyond_a_message_are_in_parts(logits: int, size: int) -> None:
    link = info(logits=logits, logit_bytes=size, part_bytes=1024 if logits < 10_000 else 0)
    assert (link.version, link.part_bytes) == (2, 1024)
    assert LinkInfo.unpack(link.pack()) == link
    numbers = np.random.default_rng(size).integers(-(1 << 30), 1 << 30, logits)
    messages = result_messages(link, 7, numbers, logits - 1)
    assert len(messages) == link.parts == -(-(logits + 1) * size // 1024)
    parts = [unpack_part(link, message) for message in messages]
    assert [part and part[0] for part in parts] == list(range(link.parts))
    got, winner = unpack_result(link, b"".join(part[1] for part in parts if part))
    np.testing.assert_array_equal(got, numbers)
    assert winner == logits - 1
    last = messages[-1]
    assert unpack_part(link, Message(Kind.RESULT, 7, last.body)) is None
    assert unpack_part(link, Message(Kind.PART, 7, last.body + b"x")) is None
    beyond = link.parts.to_bytes(2, "little") + last.body[2:]
    assert unpack_part(link, Message(Kind.PART, 7, beyond)) is None
    whole = info(logits=16_383)
    assert (whole.version, whole.parts, whole.result_bytes) == (1, 1, 65_534)


def test_identification_round_trip() -> None:
    link = info(encoding=Encoding.BIPOLAR, name="ü" * 16)
    assert link.window == 8
    assert LinkInfo.unpack(link.pack()) == link
    assert LinkInfo.unpack(info(name="").pack()).name == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda body: b"\x03" + body[1:], "version 3, this subbit versions 1 to 2"),
        (lambda body: body[:48], "in 48 bytes"),
        (lambda body: body + b"x" * 33, "bytes"),
        (lambda body: b"", "in 0 bytes"),
        (lambda body: b"\x02" + body[1:], "the link cannot carry"),
        (lambda body: body[:41] + b"\xff\xff" + body[43:], "makes no sense"),
        (lambda body: body[:40] + b"\x02" + body[41:], "makes no sense"),
        (lambda body: body[:49] + b"\x1b[2J", "makes no sense"),
        (lambda body: body[:33] + b"\x00\x00" + body[35:], "sides of 1"),
        (lambda body: body[:44] + b"\x03" + body[45:], "power of two"),
    ],
)
def test_senseless_identifications_are_refused(change: Change, message: str) -> None:
    with pytest.raises(LinkError, match=message):
        LinkInfo.unpack(change(info().pack()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"height": 256, "width": 256, "bits": 8}, "131072 bytes is longer than the 65535"),
        ({"logits": 1 << 24}, "cannot carry 16777216 logits"),
        ({"part_bytes": 10}, "whole numbers of 4 bytes, at most 65533 bytes, not 10"),
        ({"part_bytes": 65536}, "at most 65533 bytes, not 65536"),
        ({"logit_bytes": 6}, "logits of 6 bytes"),
        ({"bits": 9}, "1 to 8 bits"),
        ({"encoding": Encoding.INTEGER}, "1 to 8 bits"),
        ({"window": 3}, "power of two"),
        ({"name": "x" * 33}, "at most 32"),
        ({"clock_hz": 1 << 32}, "below"),
    ],
)
def test_what_the_link_cannot_carry_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(LinkError, match=message):
        info(**changes)


@pytest.mark.parametrize(
    ("height", "bits", "window"), [(28, 8, 2), (8, 4, 8), (8, 8, 8), (16, 8, 8), (32, 8, 2)]
)
def test_window_fills_one_block_ram(height: int, bits: int, window: int) -> None:
    assert info(height=height, width=height, channels=1, bits=bits).window == window
