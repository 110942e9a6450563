"""Arrays of samples and labels: .npz files, and what Python hands over."""

import zipfile
from collections.abc import Sized
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.source import (
    MAX_BYTES,
    MAX_CLASSES,
    MAX_SAMPLES,
    DataOptions,
    Kind,
    Reading,
    Source,
    check_size,
    labels_of,
)
from subbit.sw.errors import DataError, quote
from subbit.sw.loading import loading
from subbit.sw.npy import Npy

__all__ = ["NpzFiles", "arrays_of"]

PAIR, FOUR = ("x", "y"), ("x_train", "y_train", "x_test", "y_test")
RANKS = {"table": (2,), "series": (3,), "pictures": (3, 4), "class maps": (3, 4)}
KNOWN = {*PAIR, *FOUR, "classes"}
WANTED = "it needs the arrays x (samples) and y (labels), or x_train, y_train, x_test and y_test"
Named = dict[str, NDArray[Any]]


class NpzFiles(Kind):
    """``x`` and ``y``, or ``x_train``, ``y_train``, ``x_test``, ``y_test``, in a .npz file.

    ``x``: ``[n][columns]``; ``[n][height][width]`` of uint8; ``[n][length][channels]`` of others;
    ``[n][height][width][1 or 3]``, or torch's ``[n][1 or 3][height][width]``. ``y``: integers from
    0, or texts; of class maps integers ``[n][height][width]``; ``classes``, texts, may name the
    integers. ``held``: such arrays from Python, in
    the place of a file.
    """

    name = "npz"
    what = "a .npz file of arrays"
    family = "pictures"

    def __init__(self, held: Named | None = None) -> None:
        self.held = held

    def named(self, path: Path) -> Named:
        """The arrays of the file, or those that are held; raises DataError."""
        return checked(path, read_npz(path) if self.held is None else self.held)

    def is_it(self, path: Path) -> bool:
        """By the suffix."""
        return path.is_file() and path.suffix.lower() == ".npz"

    def parts(self, path: Path) -> tuple[str, ...]:
        """By the names of the arrays."""
        named = self.named(path)
        return ("all",) if "x" in named else ("train", "test")

    def look(self, path: Path, options: DataOptions) -> Reading:
        """``layout``: pictures, class maps, table or series; whether channels come ``first``."""
        named = self.named(path)
        x, y = (named[name if name in named else f"{name}_train"] for name in PAIR)
        sides = x.shape[1:]
        if y.ndim == 3 and x.ndim in (3, 4):
            first = x.ndim == 4 and sides[2] not in (1, 3)
            return {"layout": "class maps", "first": first}
        if x.ndim == 2:
            return {"layout": "table", "first": False}
        if x.ndim == 3:
            layout = "pictures" if x.dtype == np.uint8 else "series"
            return {"layout": layout, "first": False}
        if x.ndim == 4 and (sides[2] in (1, 3) or sides[0] in (1, 3)):
            return {"layout": "pictures", "first": sides[2] not in (1, 3)}
        raise DataError(
            f"{path}: the samples x have the shape {x.shape}; they are [n][columns], "
            "[n][height][width], [n][length][channels] or [n][height][width][1 or 3]"
        )

    def check(self, reading: Reading) -> None:
        """Layout and first."""
        sound = reading.keys() == {"layout", "first"} and type(reading["first"]) is bool
        if not sound or reading["layout"] not in RANKS:
            raise DataError("the network's 'reading' of arrays must have 'layout' and 'first'")

    def family_of(self, reading: Reading) -> str:
        """The layout."""
        return str(reading["layout"])

    def open(self, path: Path, part: str, reading: Reading) -> Source:
        """The arrays of a part."""
        named = self.named(path)
        pairs = [PAIR] if "x" in named else [FOUR[:2], FOUR[2:]]
        if part != "all" and len(pairs) == 2:
            pairs = [FOUR[:2] if part == "train" else FOUR[2:]]
        try:
            x = np.concatenate([named[name] for name, _ in pairs])
        except (ValueError, TypeError):
            raise DataError(
                f"{path}: x_train and x_test differ in shape; make both alike"
            ) from None
        labels, classes = label_array(path, named, [name for _, name in pairs])
        if len(x) != len(labels):
            raise DataError(f"{path}: {len(x)} samples x, but {len(labels)} labels y; they differ")
        images = shaped(path, x, reading)
        if labels.shape[1:] not in ((), images.shape[1:3]):
            raise DataError(
                f"{path}: samples x have {images.shape[1]}x{images.shape[2]} pixels, class maps "
                f"y {labels.shape[1]}x{labels.shape[2]}; give a class for each pixel"
            )
        white = 255 if images.dtype == np.uint8 else 1
        return Source(labels, classes, lambda places: images[places], lambda: images.data, white)

    def samples(self, path: Path, reading: Reading) -> tuple[list[str], NDArray[Any]]:
        """The array x, of which y need not be there."""
        named = read_npz(path)
        if "x" not in named:
            raise DataError(f"{path} has no array x of samples to classify")
        images = shaped(path, named["x"], reading)
        return [f"{path}:{row}" for row in range(len(images))], images


def arrays_of(data: Any) -> Named:
    """``(x, y)``, ``(x_train, y_train, x_test, y_test)``, a torch Dataset, or a pair of those for
    training and test, as arrays by the names of a .npz file; a sample of a torch Dataset is
    ``(x, y)``, and x becomes an array.

    Raises DataError for anything else.
    """
    if isinstance(data, tuple) and len(data) == 2 and all(map(is_dataset, data)):
        (x, y), (x2, y2) = map(stacked, data)
        return dict(zip(FOUR, (x, y, x2, y2), strict=True))
    if is_dataset(data):
        data = stacked(data)
    if isinstance(data, tuple) and len(data) in (2, 4):
        names = PAIR if len(data) == 2 else FOUR
        return {name: np.asarray(array) for name, array in zip(names, data, strict=True)}
    raise DataError(
        "data are a path, arrays (x, y) or (x_train, y_train, x_test, y_test), or a torch Dataset, "
        f"not {quote(type(data).__name__)}"
    )


def is_dataset(data: Any) -> bool:
    """Whether it looks like a torch Dataset of pairs, and is no array itself."""
    plain = isinstance(data, np.ndarray | list | tuple) or hasattr(data, "dtype")
    return not plain and isinstance(data, Sized) and hasattr(data, "__getitem__")


def stacked(data: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """All samples of a torch Dataset."""
    if not 1 <= len(data) <= MAX_SAMPLES:
        raise DataError(f"the Dataset has {len(data)} samples; 1 to {MAX_SAMPLES} are taken")
    rows, labels = list[NDArray[Any]](), list[Any]()
    for place in range(len(data)):
        try:
            x, y = data[place]
            rows.append(np.asarray(x))
            label = np.asarray(y)
            labels.append(label.item() if label.size == 1 else label)
        except Exception as error:
            raise DataError(
                f"sample {place} of the Dataset is no pair of an array and a label ({error})"
            ) from None
        if rows[-1].shape != rows[0].shape:
            raise DataError(
                f"sample {place} of the Dataset has the shape {rows[-1].shape}, the first "
                f"{rows[0].shape}; bring all to one"
            )
        if np.shape(labels[-1]) != np.shape(labels[0]):
            raise DataError(
                f"label {place} of the Dataset has the shape {np.shape(labels[-1])}, the first "
                f"{np.shape(labels[0])}; bring all to one"
            )
    return np.stack(rows), np.array(labels)


def read_npz(path: Path) -> Named:
    """The arrays of the known names in a .npz file; runs nothing in it. Raises DataError."""
    with loading(path, DataError, "damaged or no .npz file ({reason}); fetch it again", "the file"):
        if not path.is_file():
            raise DataError("not a file; name a .npz file")
        with zipfile.ZipFile(path) as archive:
            found, left = Named(), MAX_BYTES
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name not in KNOWN:
                    continue
                if name in found:
                    raise DataError(f"it holds two arrays {name}; keep one")
                with archive.open(entry) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise DataError(f"its arrays have more than {MAX_BYTES} bytes; take a part")
                found[name] = numbers(Npy(name, content, DataError))
            return found


def numbers(array: Npy) -> NDArray[Any]:
    """The array, if it is one of numbers or texts."""
    if array.dtype.kind not in "buifU" or array.dtype.itemsize == 0:
        raise DataError(
            f"the array {array.name} holds {quote(str(array.dtype))[1:-1]}, neither numbers nor "
            "texts; objects would run code and are not read"
        )
    found = array.array()
    if found.dtype.kind == "U":
        found.tolist()  # raises ValueError for what is no text
    return found


def checked(path: Path, named: Named) -> Named:
    """The arrays, if they are a data set's; raises DataError."""
    wanted = [names for names in (PAIR, FOUR) if all(name in named for name in names)]
    if not wanted:
        there = ", ".join(sorted(named)) or "none of them"
        raise DataError(f"{path}: {WANTED}; there are {there}")
    for name in (n for names in wanted for n in names):
        array = named[name]
        if name.startswith("x") and (array.ndim < 2 or array.dtype.kind not in "buif"):
            raise DataError(
                f"{path}: {name} has the shape {array.shape} of {array.dtype}; samples are numbers "
                "in at least two dimensions, the first counting them"
            )
        if not len(array):
            raise DataError(f"{path}: {name} is empty")
    return named


def label_array(
    path: Path, named: Named, names: list[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Labels from 0 and the names of the classes; raises DataError where they are none."""
    ys = [named[name] for name in names]
    for name, y in zip(names, ys, strict=True):
        if (y.ndim == 2 and y.shape[1] == 1) or (y.ndim == 3 and y.dtype.kind in "bui"):
            continue
        if y.ndim != 1 or y.dtype.kind not in "buiU":
            raise DataError(
                f"{path}: {name} has the shape {y.shape} of {y.dtype}; labels are one integer or "
                "text for each sample, or an integer for each pixel"
            )
    try:
        y = np.concatenate([y if y.ndim == 3 else y.reshape(-1) for y in ys])
    except ValueError:
        raise DataError(f"{path}: y_train and y_test differ in shape; make both alike") from None
    every = [named[name].reshape(-1) for name in ("y", "y_train", "y_test") if name in named]
    if y.dtype.kind == "U":
        texts = sorted({str(text) for part in every for text in part})
        return labels_of(path, [str(text) for text in y], tuple(texts))
    if int(y.min()) < 0 or int(y.max()) >= MAX_CLASSES:
        raise DataError(
            f"{path}: the labels go from {y.min()} to {y.max()}; classes are numbered from 0 to "
            f"at most {MAX_CLASSES - 1}"
        )
    count = max(int(part.max()) for part in every) + 1
    classes = tuple(map(str, range(count)))
    if "classes" in named:
        texts = [str(text) for text in named["classes"].reshape(-1)]
        if len(texts) < count or len(set(texts)) < len(texts):
            raise DataError(
                f"{path}: 'classes' names {len(set(texts))} classes, but the labels go up to "
                f"{count - 1}; name each class once"
            )
        classes = tuple(texts)
    return y.astype(np.int64), classes


def shaped(path: Path, x: NDArray[Any], reading: Reading) -> NDArray[Any]:
    """The samples as ``[n][height][width][channels]`` of uint8 or float64."""
    layout, rank = reading["layout"], RANKS
    if x.ndim not in rank[layout] or x.dtype.kind not in "buif":
        raise DataError(
            f"{path}: samples of {layout} cannot have the shape {x.shape} of {x.dtype}; name the "
            "data set that the network was trained on"
        )
    if layout == "table":
        x = x[:, None, None, :]
    elif layout == "series":
        x = x[:, :, None, :]
    elif x.ndim == 3:
        x = x[..., None]
    elif reading["first"]:
        x = np.moveaxis(x, 1, 3)
    check_size(path, len(x), x.shape[1:], x.dtype.itemsize)
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    check_size(path, len(x), x.shape[1:], 8)
    reals = x.astype(np.float64)
    if not np.isfinite(reals).all():
        sample = int(np.argwhere(~np.isfinite(reals))[0][0])
        raise DataError(f"{path}: sample {sample} holds NaN or infinite numbers; leave it out")
    return np.ascontiguousarray(reals)
