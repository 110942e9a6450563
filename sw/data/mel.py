"""Log-mel features of a recording in integers: the same bits on every machine.

The steps, all of integers (docs/use/data.md has them with their reasons):

1. A quiet recording is shifted left until its greatest sample has 15 bits. A frame begins every 20
   ms and is 40 ms long; each sample is multiplied by a Hann window of 0 to 255 and shifted right
   by 8.
2. The discrete Fourier transform with cosines and sines of -127 to 127, shifted right by 8; its
   power is the sum of both squares, shifted right by 8.
3. 32 triangular filters, whose corners are evenly spaced on the mel scale from 60 Hz to half the
   sampling rate, with weights of 0 to 255.
4. The logarithm: of an integer x >= 1 whose highest bit is n, ``8 * n + the next three bits``, that
   is eighths of an octave of power, 0.376 dB each, joined by lines between powers of two.
5. The greatest of a recording becomes 255, and what lies more than 255 steps below it 0.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["BANDS", "frame_count", "log_mel", "window_samples"]

BANDS = 32
LOWEST_HZ = 60.0
FRAMES_A_SECOND = 50
FRACTION_BITS = 3
LOUD_BITS = 15
POWER_SHIFT = 8
Ints = NDArray[np.int64]
# Matrices of integers, kept as float64: a product is exact while its sums stay below 2**53.
Matrix = NDArray[np.float64]


def window_samples(rate: int) -> int:
    """Samples of a frame: 40 ms, an even number."""
    return 2 * (rate // FRAMES_A_SECOND)


def frame_count(rate: int, samples: int) -> int:
    """Frames of a recording of so many samples, the last one filled up with silence; at least 1."""
    return -(-samples // (rate // FRAMES_A_SECOND))


def log_mel(sound: Ints, rate: int, samples: int) -> NDArray[np.uint8]:
    """The features ``[frames][32]`` of the first ``samples`` numbers of 16 bits; where there are
    fewer, silence follows.

    What the sums may reach: a windowed sample 15 bits, a sum of the transform 15 + 7 + 11 = 33,
    shifted 25, the power 51 and shifted 43. All frequencies together have no more power than one
    may have alone (Parseval), so a filter's sum stays below 43 + 8 = 51 bits.
    """
    hop, length = rate // FRAMES_A_SECOND, window_samples(rate)
    frames = frame_count(rate, samples)
    padded = np.zeros((frames + 1) * hop, np.int64)
    used = min(len(sound), samples)
    padded[:used] = sound[:used]
    padded <<= max(0, LOUD_BITS - int(np.abs(padded).max()).bit_length())
    rows = np.stack([padded[at * hop : at * hop + length] for at in range(frames)])
    rows = (rows * window(length)) >> 8
    spectrum = (rows.astype(np.float64) @ transform(length)).astype(np.int64) >> 8
    real, imaginary = np.split(spectrum, 2, axis=1)
    power = (real * real + imaginary * imaginary) >> POWER_SHIFT
    energy = (power.astype(np.float64) @ filters(rate)).astype(np.int64)
    levels = log_steps(energy)
    return np.clip(levels - max(int(levels.max()) - 255, 0), 0, 255).astype(np.uint8)


def log_steps(numbers: Ints) -> Ints:
    """Eighths of the logarithm to base 2, rounded down on the lines between powers of two; 0 for 0
    and 1.
    """
    found = np.zeros_like(numbers)
    for bit in range(63):
        here = (numbers >> bit) == 1
        rest = numbers[here] - (1 << bit)
        shift = bit - FRACTION_BITS
        eighths = rest >> shift if shift >= 0 else rest << -shift
        found[here] = (bit << FRACTION_BITS) + eighths
    return found


@cache
def window(length: int) -> Ints:
    """A Hann window of 0 to 255."""
    angles = 2 * np.pi * (np.arange(length) + 0.5) / length
    return exact_round(127.5 - 127.5 * np.cos(angles))


@cache
def transform(length: int) -> Matrix:
    """The cosines and then the sines of all frequencies up to half the sampling rate,
    ``[length][2 * (length / 2 + 1)]``, of -127 to 127.
    """
    turns = np.outer(np.arange(length), np.arange(length // 2 + 1)) % length
    angles = 2 * np.pi * np.arange(length) / length
    parts = [exact_round(127 * np.cos(angles)), exact_round(127 * np.sin(angles))]
    return np.hstack([part[turns] for part in parts]).astype(np.float64)


@cache
def filters(rate: int) -> Matrix:
    """The triangular filters, ``[frequencies][32]``, of 0 to 255."""
    length = window_samples(rate)
    hertz = np.arange(length // 2 + 1) * rate / length
    low, high = to_mel(LOWEST_HZ), to_mel(rate / 2)
    corners = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    columns = []
    for left, middle, right in zip(corners, corners[1:], corners[2:], strict=False):
        rising, falling = (hertz - left) / (middle - left), (right - hertz) / (right - middle)
        column = exact_round(255 * np.clip(np.minimum(rising, falling), 0, 1))
        if not column.any():  # narrower than the frequencies are apart
            column[np.abs(hertz - middle).argmin()] = 255
        columns.append(column)
    return np.stack(columns, axis=1).astype(np.float64)


def to_mel(hertz: float) -> float:
    """Hertz on the mel scale of O'Shaughnessy."""
    return float(2595 * np.log10(1 + hertz / 700))


def exact_round(numbers: NDArray[np.float64]) -> Ints:
    """The nearest integers, halves up; a hundred-millionth decides no halves differently on other
    machines.
    """
    return np.floor(numbers + 0.5 + 1e-8).astype(np.int64)
