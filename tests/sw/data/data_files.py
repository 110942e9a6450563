"""Small data sets of every kind, made by a seed."""

import gzip
import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["MAKERS", "idx_bytes", "make_csv", "make_pictures", "make_series", "make_wav", "tone"]

SAMPLES = 6
COLOURS = {"blue": (20, 40, 220), "red": (220, 30, 30)}


def make_pictures(folder: Path, count: int = SAMPLES, side: int = 12) -> Path:
    """Two classes of pictures of unequal size, told by their colour."""
    draw = np.random.default_rng(1)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for place in range(count):
            pixels = draw.integers(0, 30, (side + place, side, 3)) + np.array(colour)
            image = Image.fromarray(pixels.astype(np.uint8))
            image.save(folder / name / f"{place}.png")
    return folder


def tone(hertz: float, seconds: float = 0.2, rate: int = 8000, level: float = 0.5) -> np.ndarray:
    """A sine as numbers of 16 bits."""
    times = np.arange(round(seconds * rate)) / rate
    return np.rint(level * 32767 * np.sin(2 * np.pi * hertz * times)).astype(np.int16)


def make_wav(path: Path, sound: np.ndarray, rate: int = 8000, channels: int = 1) -> Path:
    """A WAV file of 16 bits, by the standard library."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sound.astype("<i2").tobytes())
    return path


def make_recordings(folder: Path) -> Path:
    """Two classes of tones, high and low."""
    for name, hertz in (("high", 2000.0), ("low", 300.0)):
        for place in range(SAMPLES):
            make_wav(folder / name / f"{place}.wav", tone(hertz + 20 * place))
    return folder


def make_npz(folder: Path) -> Path:
    """Two classes of real numbers in a table."""
    draw, y = np.random.default_rng(2), np.arange(2 * SAMPLES) % 2
    folder.mkdir(parents=True)
    np.savez(folder / "a.npz", x=draw.normal(size=(2 * SAMPLES, 5)) + 4 * y[:, None], y=y)
    return folder / "a.npz"


def make_csv(folder: Path, rows: int = 2 * SAMPLES) -> Path:
    """Two classes in a table of numbers and texts."""
    folder.mkdir(parents=True)
    lines = ["length,shape,kind"]
    for place in range(rows):
        lines.append(f"{place % 2 * 5 + place / 10},{'rt'[place % 3 == 0]},{'ab'[place % 2]}")
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    return folder / "a.csv"


def make_series(folder: Path) -> Path:
    """Two classes of series with two channels, of 10 to 12 values."""
    draw = np.random.default_rng(3)
    folder.mkdir(parents=True)
    head = "@problemName two\n@timestamps false\n@classLabel true up down\n@data\n"
    lines = []
    for place in range(2 * SAMPLES):
        slope = 1 if place % 2 == 0 else -1
        values = slope * np.arange(10 + place % 3) + draw.normal(size=10 + place % 3)
        text = ",".join(f"{value:.4f}" for value in values)
        lines.append(f"{text}:{text}:{('up', 'down')[place % 2]}")
    (folder / "a.ts").write_text(head + "\n".join(lines) + "\n")
    return folder / "a.ts"


def idx_bytes(array: np.ndarray[Any, Any]) -> bytes:
    """The array as the content of an IDX file of unsigned bytes."""
    sides = b"".join(side.to_bytes(4, "big") for side in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sides + array.astype(np.uint8).tobytes()


def make_idx(folder: Path) -> Path:
    """One pair of files, the labels packed."""
    draw, y = np.random.default_rng(4), np.arange(2 * SAMPLES) % 2
    folder.mkdir(parents=True)
    x = draw.integers(0, 100, (2 * SAMPLES, 9, 8)) + 100 * y[:, None, None]
    (folder / "shapes-images-idx3-ubyte").write_bytes(idx_bytes(x))
    (folder / "shapes-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(y)))
    return folder


def make_cifar10(folder: Path) -> Path:
    """One batch with two images of every class."""
    draw, content = np.random.default_rng(5), io.BytesIO()
    folder.mkdir(parents=True)
    for place in range(20):
        content.write(bytes([place % 10]) + draw.integers(0, 256, 3072, np.uint8).tobytes())
    (folder / "data_batch_1.bin").write_bytes(content.getvalue())
    return folder


def make_cifar100(folder: Path) -> Path:
    """Two images of every fine class in the training set, one in the test set, and the names."""
    draw = np.random.default_rng(6)
    folder.mkdir(parents=True)
    for name, times in (("train.bin", 2), ("test.bin", 1)):
        pixels = draw.integers(0, 256, (100 * times, 3072), np.uint8)
        labels = [[place % 100 // 5, place % 100] for place in range(100 * times)]
        records = np.hstack([np.array(labels, np.uint8), pixels])
        (folder / name).write_bytes(records.tobytes())
    names = "\n".join(f"class{place}" for place in range(100))
    (folder / "fine_label_names.txt").write_text(names + "\n")
    return folder


MAKERS = {
    "folder": make_pictures,
    "wav": make_recordings,
    "npz": make_npz,
    "csv": make_csv,
    "series": make_series,
    "idx": make_idx,
    "cifar10": make_cifar10,
    "cifar100": make_cifar100,
}
