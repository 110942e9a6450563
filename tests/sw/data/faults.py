"""The table of faults of data sets: how each is made, and a part of its message."""

import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.sw.data.data_files import (
    idx_bytes,
    make_cifar10,
    make_pictures,
    make_wav,
    tone,
)

__all__ = ["FAULTS", "X", "Y"]

Fault = Callable[[Path], Path | None]
X, Y = np.arange(24.0).reshape(8, 3), np.arange(8) % 2


def npz(path: Path, **arrays: Any) -> Path:
    """A .npz file of the arrays."""
    np.savez(path / "a.npz", **arrays)
    return path / "a.npz"


def text(path: Path, name: str, content: str | bytes) -> Path:
    """A file with that content."""
    raw = content.encode() if isinstance(content, str) else content
    (path / name).write_bytes(raw)
    return path / name


def csv(content: str | bytes) -> Fault:
    """A table."""
    return lambda path: text(path, "a.csv", content)


def ts(rows: str, head: str = "@classLabel true a b\n@data\n") -> Fault:
    """A .ts file."""
    return lambda path: text(path, "a.ts", head + rows)


def arff(content: str) -> Fault:
    """An .arff file."""
    return lambda path: text(path, "a.arff", content)


def pictures(change: Callable[[Path], object]) -> Fault:
    """Two classes of pictures, changed."""

    def make(path: Path) -> None:
        make_pictures(path, 2)
        change(path)

    return make


def wav(change: bytes | Callable[[bytes], bytes], rate: int = 8000) -> Fault:
    """Two recordings, of which the second is changed or replaced."""

    def make(path: Path) -> None:
        for name in ("a", "b"):
            for place in range(2):
                make_wav(path / name / f"{place}.wav", tone(500), 8000)
        last = make_wav(path / "b" / "1.wav", tone(500), rate)
        last.write_bytes(change if isinstance(change, bytes) else change(last.read_bytes()))

    return make


def idx(images: np.ndarray, labels: np.ndarray | None) -> Fault:
    """A pair of IDX files."""

    def make(path: Path) -> None:
        text(path, "a-images-idx3-ubyte", idx_bytes(images))
        if labels is not None:
            text(path, "a-labels-idx1-ubyte", idx_bytes(labels))

    return make


def field(place: int, value: int) -> Callable[[bytes], bytes]:
    """A change of two bytes."""
    return lambda raw: raw[:place] + struct.pack("<H", value) + raw[place + 2 :]


def only(path: Path, name: str) -> None:
    """Remove all pictures of a class."""
    for picture in (path / name).iterdir():
        picture.unlink()


def pickled(path: Path) -> Path:
    """Arrays of objects."""
    return npz(path, x=np.array([[{}]], object), y=Y)


def twice(path: Path) -> Path:
    """An archive with two arrays x."""
    stream = io.BytesIO()
    np.save(stream, X)
    with zipfile.ZipFile(path / "a.npz", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("x.npy", stream.getvalue())
    return path / "a.npz"


GREY = np.zeros((8, 4, 4))
FAULTS: dict[str, tuple[Fault, str]] = {
    "nothing there": (lambda path: path / "none", "there are no data at"),
    "an empty folder": (lambda path: None, "no data set of a known kind: the folder is empty"),
    "an unknown file": (lambda path: text(path, "a.xyz", "x"), "its name ends in '.xyz'; known"),
    "one picture": (lambda path: text(path, "a.png", "x"), "it is one file; name the folder whose"),
    "one file of a set": (lambda path: text(path, "a.bin", "x"), "one file of a set; name the"),
    "sub-folders of texts": (
        lambda path: ((path / "a").mkdir(), text(path / "a", "b.txt", ""), None)[2],
        "its 1 sub-folders hold 1 of .txt",
    ),
    "pictures without a class": (
        lambda path: (Image.new("L", (4, 4)).save(path / "a.png"), None)[1],
        "1 files .png lie in it without a class",
    ),
    "pictures and recordings": (
        pictures(lambda path: make_wav(path / "red" / "a.wav", tone(9))),
        "(folder) and a folder of WAV files by class (wav); name one with --data-kind",
    ),
    "one class": (
        pictures(lambda path: (only(path, "red"), (path / "red").rmdir())),
        "has 1 class; a network tells at least two apart",
    ),
    "an empty class": (pictures(lambda path: only(path, "red")), "the class 'red' is empty"),
    "a class with one picture": (
        pictures(lambda path: (path / "red" / "0.png").unlink()),
        "the class 'red' has one sample; two are the least",
    ),
    "two classes of one name": (
        pictures(lambda path: (path / "blue").rename(path / "Red")),
        "the folders 'Red' and 'red' are one class by name",
    ),
    "a corrupt picture": (
        pictures(lambda path: text(path / "red", "1.png", "no picture")),
        "1.png: it is not an image of a known kind",
    ),
    "a class in the training set alone": (
        lambda path: (
            make_pictures(path / "train", 2),
            make_pictures(path / "test", 2),
            (path / "test" / "red").rename(path / "test" / "green"),
            None,
        )[3],
        "test/ has the class 'green', which train/ lacks",
    ),
    "a training set alone": (
        lambda path: (make_pictures(path / "train", 2), None)[1],
        "has train/ but no test/",
    ),
    "no WAV": (wav(b"RIFX" + bytes(60)), "1.wav is no WAV file (it starts 52494658)"),
    "a WAV cut short": (wav(lambda raw: raw[:-9]), "is cut short: 3191 of 3200 bytes"),
    "a WAV without samples": (wav(lambda raw: raw[:36]), "holds no samples, or is cut short"),
    "samples before the format": (
        wav(lambda raw: raw[:12] + raw[36:] + raw[12:36]),
        "has samples before their format",
    ),
    "a compressed WAV": (wav(field(20, 2)), "has samples of format 2 and 16 bits"),
    "channels beyond count": (wav(field(22, 40)), "has 40 channels; save it with one"),
    "a rate that none has": (wav(field(24, 10)), "has 10 samples a second; those of 4000"),
    "recordings of two rates": (
        wav(lambda raw: raw, 16000),
        "has 16000 samples a second, 0.wav has 8000; bring all to one rate",
    ),
    "no archive": (lambda path: text(path, "a.npz", "x" * 99), "damaged or no .npz file"),
    "arrays of other names": (lambda path: npz(path, a=X), "it needs the arrays x (samples) and y"),
    "no labels": (lambda path: npz(path, x=X), "there are x"),
    "two arrays of one name": (twice, "it holds two arrays x; keep one"),
    "objects": (pickled, "the array x holds object, neither numbers nor texts"),
    "fewer labels": (lambda path: npz(path, x=X, y=Y[1:]), "8 samples x, but 7 labels y"),
    "labels of real numbers": (
        lambda path: npz(path, x=X, y=Y / 2),
        "y has the shape (8,) of float64; labels are one integer or text",
    ),
    "one-hot labels": (
        lambda path: npz(path, x=X, y=np.eye(2, dtype=int)[Y]),
        "y has the shape (8, 2) of int64",
    ),
    "gaps in labels": (
        lambda path: npz(path, x=X, y=2 * Y),
        "no sample is of the class '1': labels go from 0 to 2; number the classes without gaps",
    ),
    "labels below 0": (lambda path: npz(path, x=X, y=Y - 1), "the labels go from -1 to 0; classes"),
    "a class without a name": (
        lambda path: npz(path, x=X, y=Y, classes=np.array(["a"])),
        "'classes' names 1 classes, but the labels go up to 1",
    ),
    "a named class without samples": (
        lambda path: npz(path, x=X, y=Y, classes=np.array(["a", "b", "c"])),
        "no sample is of the class 'c': add some, or remove the class",
    ),
    "samples that are one number": (
        lambda path: npz(path, x=X[:, 0], y=Y),
        "x has the shape (8,) of float64; samples are numbers in at least two dimensions",
    ),
    "samples in five dimensions": (
        lambda path: npz(path, x=np.zeros((8, 2, 2, 2, 2)), y=Y),
        "the samples x have the shape (8, 2, 2, 2, 2)",
    ),
    "no samples": (lambda path: npz(path, x=X[:0], y=Y[:0]), "x is empty"),
    "NaN": (
        lambda path: npz(path, x=np.where(X == 7, np.nan, X), y=Y),
        "sample 2 holds NaN or infinite numbers",
    ),
    "training and test samples of two shapes": (
        lambda path: npz(path, x_train=X, y_train=Y, x_test=X[:, :2], y_test=Y),
        "training samples are (1, 1, 3), test samples (1, 1, 2); bring both to one shape",
    ),
    "an empty table": (csv(""), "a.csv is empty; a table has a row for each sample"),
    "names alone": (csv("a,b\n"), "has a row of names, but no samples below it"),
    "a table of one column": (csv("a\n1\n"), "has 1 columns; a table has 2 to 4097"),
    "rows of unequal length": (csv("a,y\n1,2,3\n"), "line 2: 3 cells where the first row has 2"),
    "two columns of one name": (csv("a,a,y\n1,2,3\n"), "has two columns of the name 'a'"),
    "an empty cell": (csv("a,y\n1,p\n,q\n"), "line 3: column 'a' is empty; fill it in"),
    "a cell without a class": (csv("a,y\n1,p\n2,\n"), "line 3: the class in column 'y' is missing"),
    "a text among numbers": (
        csv("a,y\n1,p\n2,p\nx,q\n"),
        "line 4: column 'a' holds 'x', no number",
    ),
    "an infinite number": (csv("a,y\n1,p\n2,p\ninf,q\n"), "line 4: column 'a' holds 'inf'"),
    "real numbers for classes": (
        csv("a,y\n" + "".join(f"1,{n}.5\n" for n in range(1100))),
        "the labels have 1100 different values, more than 1024 classes",
    ),
    "columns beyond what a network's file holds": (
        csv("a,y\n" + "".join(f"{'x' * 99_999}{n % 32},{'pq'[n % 2]}\n" for n in range(128))),
        "columns, classes and thresholds take 3200",
    ),
    "no text": (csv(b"a,y\n1,\xff\n"), "a.csv is no UTF-8 text (byte 6)"),
    "a binary file": (csv(b"a,y\n\0\n"), "a.csv is no text"),
    "a series without a header": (ts("1,2:a\n", ""), "line 1: '1,2:a' before @data"),
    "a header without data": (ts("", "@classLabel true a b\n"), "has no line @data"),
    "no series": (ts(""), "a.ts has no series"),
    "time stamps": (ts("1:a\n", "@timestamps true\n@data\n"), "has time stamps; save the series"),
    "no classes": (ts("1,2\n", "@classLabel false\n@data\n"), "has no classes (@classLabel true"),
    "a missing value": (ts("1,?:a\n"), "line 3: a value is missing; fill it in"),
    "a value that is no number": (ts("1,x:a\n"), "line 3: 'x' is no number"),
    "an infinite value": (ts("1,inf:a\n"), "line 3: it holds NaN or infinite numbers"),
    "a class beyond the header": (ts("1,2:c\n"), "line 3: the class 'c' is none of a, b"),
    "a class alone": (ts("a\n"), "line 3: no numbers before the class"),
    "channels of two lengths": (ts("1,2:1:a\n"), "its channels have unequal numbers of values"),
    "series of more channels": (
        ts("1,2:a\n1,2:3,4:b\n"),
        "line 4: 2 channels where the first series has 1",
    ),
    "an .arff without classes": (
        arff("@attribute a numeric\n@data\n1\n"),
        "has no attribute {a,b,...} of classes",
    ),
    "an .arff with something else": (arff("@foo\n@data\n"), "line 1: '@foo' before @data"),
    "IDX images without labels": (idx(GREY, None), "has a-images-idx3-ubyte, but no a-labels-idx1"),
    "IDX files of two sets": (idx(GREY, Y[1:]), "has 8 images, a-labels-idx1-ubyte 7 labels"),
    "IDX labels with gaps": (idx(GREY, 2 * Y), "no sample is of the class '1': labels go from 0"),
    "a CIFAR file cut short": (
        lambda path: (
            make_cifar10(path / "c"),
            text(path / "c", "data_batch_1.bin", bytes(99)),
            path / "c",
        )[2],
        "holds 99 bytes, not a whole number of 3073-byte records",
    ),
    "a CIFAR-100 file cut short": (
        lambda path: (text(path, "train.bin", bytes(99)), None)[1],
        "holds 99 bytes, not a whole number of 3074-byte records",
    ),
    "a CIFAR-100 label beyond 99": (
        lambda path: (text(path, "test.bin", bytes([1, 100]) + bytes(3072)), None)[1],
        "has the label 100; it is no CIFAR-100 file",
    ),
    "names of other classes": (
        lambda path: (
            text(path, "test.bin", bytes(3074)),
            text(path, "fine_label_names.txt", "a b a"),
            None,
        )[2],
        "fine_label_names.txt has 2 names, not 100; fetch it again",
    ),
}
