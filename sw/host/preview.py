"""What a network sees of a picture, for people: as text, or as one PNG for several pictures."""

import io
from collections.abc import Sequence
from colorsys import hsv_to_rgb
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from subbit.sw.atomic import advice, write_atomic
from subbit.sw.errors import DataError
from subbit.sw.host.pictures import Picture

__all__ = ["save_maps", "save_preview", "text_map", "text_preview"]

SHADES = " .:-=+*#%@"
COLUMNS = 28
TILE = 112
GAP = 4
ACROSS = 8
MOST = 64
LETTERS = ".123456789abcdefghijklmnopqrstuvwxyz"
GOLDEN = 0.618034  # of the circle of hues, so that no two neighbours are near


def text_preview(picture: Picture, top: int) -> str:
    """The picture's codes, 0 to ``top``, as lines of characters: the darker a code the emptier.

    A character is twice as high as it is wide, so that a row of pixels may be half a line.
    """
    grey = picture.codes.mean(axis=2) / top
    height, width = grey.shape
    columns = 2 * width if 2 * width <= COLUMNS else min(width, COLUMNS)
    rows = max(1, round(height * columns / width / 2))
    image = Image.fromarray(grey.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX)
    places = np.rint(np.asarray(image) * (len(SHADES) - 1)).astype(int)
    return "\n".join("".join(SHADES[place] for place in row) for row in places)


def save_preview(pictures: Sequence[Picture], top: int, path: Path) -> None:
    """Write the codes of the first MOST pictures, 0 to ``top``, side by side into a PNG.

    Raises DataError where the file cannot be written.
    """
    save_sheet([tile(picture.codes, top) for picture in pictures[:MOST]], path, "preview")


def save_maps(maps: Sequence[NDArray[np.int64]], path: Path) -> None:
    """Write the first MOST maps of classes ``[h][w]``, a colour a class, side by side into a PNG.

    Raises DataError where the file cannot be written, or there is no map.
    """
    if not maps:
        raise DataError("the network gives no map of classes; end it in the argmax of a map")
    tiles = [squares(colours(int(m.max()) + 1)[m]) for m in maps[:MOST]]
    save_sheet(tiles, path, "maps")


def colours(count: int) -> NDArray[np.uint8]:
    """As many colours of red, green and blue, far apart; class 0 is dark, as a background is."""
    rows = [(24, 24, 24)]
    for number in range(1, count):
        hue = number * GOLDEN % 1.0
        rgb = hsv_to_rgb(hue, 0.75 if number % 2 else 0.45, 0.95)
        rows.append((round(255 * rgb[0]), round(255 * rgb[1]), round(255 * rgb[2])))
    return np.array(rows, np.uint8)


def text_map(pixels: NDArray[np.int64]) -> str:
    """A map of classes ``[h][w]`` as lines of a character each, those of 36 classes; of large maps
    every so many-th pixel.
    """
    step = -(-max(pixels.shape) // COLUMNS)
    return "\n".join(
        "".join(LETTERS[place % len(LETTERS)] for place in row) for row in pixels[::step, ::step]
    )


def save_sheet(tiles: Sequence[NDArray[np.uint8]], path: Path, what: str) -> None:
    """Write pictures ``[h][w][3]`` side by side into a PNG; raises DataError."""
    height, width = (max(t.shape[axis] for t in tiles) for axis in (0, 1))
    across = min(ACROSS, len(tiles))
    down = -(-len(tiles) // across)
    sheet = np.full((down * (height + GAP) + GAP, across * (width + GAP) + GAP, 3), 128, np.uint8)
    for place, image in enumerate(tiles):
        row, column = divmod(place, across)
        y, x = GAP + row * (height + GAP), GAP + column * (width + GAP)
        sheet[y : y + image.shape[0], x : x + image.shape[1]] = image
    content = io.BytesIO()
    Image.fromarray(sheet).save(content, "PNG")
    try:
        write_atomic(path, content.getvalue())
    except OSError as error:
        raise DataError(
            f"cannot write the {what} to {path} ({error.strerror}); {advice(error)}"
        ) from None


def tile(codes: NDArray[np.uint8], top: int) -> NDArray[np.uint8]:
    """Codes ``[h][w][c]`` as pixels of red, green and blue, each enlarged to a square."""
    grey = np.rint(codes * (255 / top)).astype(np.uint8)
    colour = grey if grey.shape[2] == 3 else np.repeat(grey[..., :1], 3, axis=2)
    return squares(colour)


def squares(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture ``[h][w][3]``, each pixel enlarged to a square."""
    factor = max(1, TILE // max(colour.shape[:2]))
    return colour.repeat(factor, axis=0).repeat(factor, axis=1)
