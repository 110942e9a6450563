"""Recordings, and their log-mel features in integers."""

import struct
from pathlib import Path

import numpy as np
import pytest

from subbit.sw.data.mel import (
    BANDS,
    filters,
    frame_count,
    log_mel,
    log_steps,
    to_mel,
    transform,
    window_samples,
)
from subbit.sw.data.wav import read_wav
from tests.sw.data.data_files import make_wav, tone

# The features are fixed: these are of the numbers in test_the_bits_are_the_same_everywhere.
FIRST = "a4aea8b5acc8cbaeb4bebdbbc1ccbbedffbcd1cbc5c8caed"
TOTAL = 82514


def as_reals(sound: np.ndarray, rate: int) -> np.ndarray:
    """The same features by real arithmetic and numpy's Fourier transform."""
    hop, length = rate // 50, window_samples(rate)
    padded = np.concatenate([sound / np.abs(sound).max(), np.zeros(length)])
    frames = [padded[at : at + length] for at in range(0, len(sound), hop)]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(length) + 0.5) / length)
    power = np.abs(np.fft.rfft(np.array(frames) * hann)) ** 2
    levels = 8 * np.log2(power @ filters(rate) + 1e-30)
    return levels - levels.max() + 255


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 48000])
def test_features_are_those_of_real_arithmetic(rate: int) -> None:
    draw = np.random.default_rng(1)
    times = np.arange(rate // 2) / rate
    sound = sum(np.sin(2 * np.pi * f * times * (1 + times)) for f in (220, 900, 2500))
    sound = np.rint(3000 * sound + draw.normal(size=len(times)) * 300).astype(np.int64)
    found, wanted = log_mel(sound, rate, len(sound)), as_reals(sound, rate)
    assert found.shape == (25, BANDS)
    assert found.max() == 255
    loud = wanted > 130
    # Lines instead of the logarithm's curve are up to 0.7 steps below it.
    assert loud.mean() > 0.8
    assert np.abs(found - wanted)[loud].max() < 2.5


def test_a_tone_is_in_its_band() -> None:
    for hertz in (300.0, 1000.0, 3000.0):
        found = log_mel(tone(hertz, rate=8000).astype(np.int64), 8000, 1600)
        place = (to_mel(hertz) - to_mel(60)) / (to_mel(4000) - to_mel(60)) * (BANDS + 1) - 1
        assert found[4].argmax() == pytest.approx(place, abs=0.6)


def test_loudness_does_not_count_and_silence_is_0() -> None:
    sound = tone(700).astype(np.int64)
    assert np.array_equal(log_mel(sound // 8 * 8, 8000, 1600), log_mel(sound // 8, 8000, 1600))
    assert not log_mel(np.zeros(99, np.int64), 8000, 1600).any()


def test_short_recordings_are_filled_up_and_long_ones_cut() -> None:
    sound = tone(700).astype(np.int64)
    whole = log_mel(sound, 8000, 1600)
    assert np.array_equal(log_mel(np.concatenate([sound, sound]), 8000, 1600), whole)
    longer = log_mel(sound, 8000, 3200)
    assert (len(whole), len(longer)) == (10, 20)
    assert not longer[11:].any()
    assert [frame_count(8000, n) for n in (1, 160, 161)] == [1, 1, 2]


def test_no_sum_is_beyond_what_a_float_holds_exactly() -> None:
    for rate in (8000, 48000):
        length = window_samples(rate)
        square = np.where(np.arange(rate) // 40 % 2, 32767, -32768)
        for sound in (square, np.full(rate, 32767), np.full(rate, -32768)):
            log_mel(sound, rate, len(sound))
        reach = 32640 * np.abs(transform(length)).sum(axis=0).max()
        assert reach < 2**53
        most = ((int(reach) >> 8) ** 2) >> 8
        # All frequencies together have as much power as one may have alone.
        assert 255 * most * 1.1 < 2**53


def test_the_bits_are_the_same_everywhere() -> None:
    numbers = (np.arange(4000) * 7919 % 65536) - 32768
    found = log_mel(numbers, 16000, 4000)
    assert found.tobytes()[:24].hex() == FIRST
    assert int(found.sum()) == TOTAL


def test_steps_are_eighths_of_octaves() -> None:
    numbers = np.array([0, 1, 2, 3, 4, 5, 8, 9, 15, 16, 1 << 50, (1 << 51) - 1])
    wanted = [0, 0, 8, 12, 16, 18, 24, 25, 31, 32, 400, 407]
    assert log_steps(numbers).tolist() == wanted


def raw_wav(path: Path, kind: int, bits: int, body: bytes, channels: int = 1) -> Path:
    """A WAV file of any format, with a chunk of something else in front."""
    size = bits // 8
    head = struct.pack("<HHIIHH", kind, channels, 8000, 8000 * size, size * channels, bits)
    chunks = b"LIST\x03\0\0\0abc\0" + b"fmt " + struct.pack("<I", len(head)) + head
    chunks += b"data" + struct.pack("<I", len(body)) + body
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    return path


@pytest.mark.parametrize(
    ("kind", "bits", "body", "wanted"),
    [
        (1, 8, bytes([0, 128, 255]), [-32768, 0, 127 << 8]),
        (1, 16, struct.pack("<3h", -32768, 5, 32767), [-32768, 5, 32767]),
        (1, 24, bytes([9, 0, 128, 9, 5, 0]), [-32768, 5]),
        (1, 32, struct.pack("<2i", -(1 << 31), 5 << 16), [-32768, 5]),
        (3, 32, struct.pack("<4f", -1, 0.5, 1, 9), [-32768, 16384, 32767, 32767]),
    ],
)
def test_formats_of_samples(
    kind: int, bits: int, body: bytes, wanted: list[int], tmp_path: Path
) -> None:
    rate, found = read_wav(raw_wav(tmp_path / "a.wav", kind, bits, body))
    assert (rate, found.tolist()) == (8000, wanted)


def test_channels_are_averaged(tmp_path: Path) -> None:
    both = np.array([[100, 200], [-5, -6]], np.int16)
    path = make_wav(tmp_path / "a.wav", both.reshape(-1), channels=2)
    assert read_wav(path)[1].tolist() == [150, -6]
