"""Picture files as the frames that a network takes, and what there is to doubt of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.image import read_image, scale_image
from subbit.sw.data.pixels import pixels_of, to_pixels
from subbit.sw.data.preprocess import preprocess
from subbit.sw.errors import DataError
from subbit.sw.ir import Network

__all__ = ["Picture", "preprocessing", "read_pictures"]

# A picture whose sides are in another proportion by more than this is squeezed visibly.
SQUEEZED = 1.25


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture file, the ``codes`` ``[h][w][c]`` that the network makes of it, and ``warnings``
    where it looks unlike the images that the network was trained on.
    """

    path: Path
    codes: NDArray[np.uint8]
    warnings: tuple[str, ...]


def read_pictures(
    network: Network, paths: Sequence[Path], invert: bool = False
) -> tuple[Picture, ...]:
    """The pictures in ``paths`` as ``network`` takes them.

    They are scaled to its input, and black to white become the range of pixels that its metadata
    say (see docs/use/install.md), white to black with ``invert``; then its preprocessing follows.
    Raises DataError where a file is no picture.
    """
    return tuple(read_picture(network, Path(path), invert) for path in paths)


def read_picture(network: Network, path: Path, invert: bool) -> Picture:
    """One of read_pictures."""
    x = network.input_type
    spec = preprocessing(network)
    pixels = pixels_of(network.metadata, x.channels)
    image = read_image(path, x.channels)
    made = to_pixels(scale_image(image, x.height, x.width), pixels, invert)
    codes = preprocess(made, spec)
    if int(codes.max()) > x.high:
        raise DataError(
            f"the preprocessing of network {network.name!r} gives codes up to {codes.max()}, but "
            f"it takes at most {x.high}; export it again"
        )
    doubts = (squeezed(image, x.height, x.width), pixels.doubt(made, invert))
    return Picture(path, codes, tuple(doubt for doubt in doubts if doubt))


def squeezed(image: NDArray[Any], height: int, width: int) -> str | None:
    """What to say of a picture whose sides are in another proportion than the network's input."""
    tall, wide = image.shape[0] * width, image.shape[1] * height
    if max(tall, wide) <= SQUEEZED * min(tall, wide):
        return None
    return (
        f"its {image.shape[1]}x{image.shape[0]} pixels are squeezed to {width}x{height}; "
        "cut it to that proportion"
    )


def preprocessing(network: Network) -> dict[str, Any]:
    """What the network's metadata says, or the top bits of a pixel where it says nothing."""
    dataset = network.metadata.get("dataset")
    spec = dataset.get("preprocess") if isinstance(dataset, dict) else None
    if isinstance(spec, dict):
        return spec
    bits: int = network.input_type.bits
    return {"bits": bits, "shift": 8 - bits}
