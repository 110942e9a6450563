"""Folders of images, one sub-folder a class."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.dataset import Dataset, Split, check_split
from subbit.sw.data.image import read_image
from subbit.sw.errors import DataError

__all__ = ["load_folder"]

SUFFIXES = {".png", ".jpg", ".jpeg"}
MAX_BYTES = 1 << 31


def load_folder(split: Split, folder: Path | None) -> Dataset:
    """Images from ``folder/<split>/<class>/*.png|jpg``, or ``folder/<class>/...`` if there are no
    splits.

    Classes are the sub-folders in alphabetical order. All images must have the first one's size and
    channels. Raises DataError where they do not, or where there are none.
    """
    check_split(split)
    if folder is None or not folder.is_dir():
        raise DataError(f"{folder} is not a folder; name one with a sub-folder of images per class")
    root = folder / split if (folder / split).is_dir() else folder
    classes = sorted(path.name for path in root.iterdir() if path.is_dir())
    paths = [(label, p) for label, name in enumerate(classes) for p in image_files(root / name)]
    if not paths:
        raise DataError(
            f"{root} has no images: put them in sub-folders, one a class, as PNG or JPEG"
        )
    images = stack([path for _, path in paths])
    return Dataset(images, np.array([label for label, _ in paths], np.int64), tuple(classes))


def image_files(folder: Path) -> list[Path]:
    """The image files in a folder, by name."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())


def stack(paths: list[Path]) -> NDArray[np.uint8]:
    """The images as one array."""
    first = pixels(paths[0], None)
    if first.size * len(paths) > MAX_BYTES:
        raise DataError(f"{len(paths)} images of shape {first.shape} exceed {MAX_BYTES} bytes")
    images = np.empty((len(paths), *first.shape), np.uint8)
    for index, path in enumerate(paths):
        image = pixels(path, first.shape[2])
        if image.shape != first.shape:
            raise DataError(f"{path} is {image.shape} but {paths[0]} is {first.shape}; scale them")
        images[index] = image
    return images


def pixels(path: Path, channels: int | None) -> NDArray[np.uint8]:
    """One image as ``[height][width][channels]``."""
    return np.rint(255 * read_image(path, channels)).astype(np.uint8)
