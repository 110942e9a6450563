"""Files as the frames that a network takes, and what there is to doubt of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.description import Description
from subbit.sw.data.image import read_image, scale_image
from subbit.sw.data.kinds import find_kind
from subbit.sw.data.pixels import pixels_of, to_pixels
from subbit.sw.data.preprocess import preprocess
from subbit.sw.data.source import Kind
from subbit.sw.errors import DataError
from subbit.sw.ir import Network

__all__ = ["Picture", "preprocessing", "read_pictures"]

# A picture whose sides are in another proportion by more than this is squeezed visibly.
SQUEEZED = 1.25


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture file, or another sample, the ``codes`` ``[h][w][c]`` that the network makes of it,
    and ``warnings`` where it looks unlike the images that the network was trained on.
    """

    path: Path
    codes: NDArray[np.uint8]
    warnings: tuple[str, ...]


def read_pictures(
    network: Network, paths: Sequence[Path], invert: bool = False
) -> tuple[Picture, ...]:
    """The pictures, or other samples, in ``paths`` as ``network`` takes them.

    Pictures are scaled to its input, and black to white become the range of pixels that its
    metadata say (see docs/use/install.md), white to black with ``invert``; then its preprocessing
    follows. Of a network that was trained on other data the files are such: a recording each, or
    tables, series and arrays, of which every row is a sample of the name ``FILE:ROW``. Raises
    DataError where a file is none.
    """
    description = Description.from_json(network.dataset)
    if description is None:
        return tuple(read_picture(network, Path(path), invert) for path in paths)
    kind, found = find_kind(description.kind), list[Picture]()
    pictures = kind.family_of(description.reading) == "pictures"
    for path in map(Path, paths):
        if pictures and not kind.is_it(path):
            found.append(read_picture(network, path, invert))
        else:
            found += read_samples(network, kind, description, path)
    return tuple(found)


def read_samples(
    network: Network, kind: Kind, description: Description, path: Path
) -> list[Picture]:
    """The samples in a file that is no picture."""
    if not path.is_file():
        raise DataError(f"there is no file {path}; check the path")
    names, samples = kind.samples(path, description.reading)
    codes = preprocess(samples, preprocessing(network))
    if codes.shape[1:] != network.input_type.shape:
        raise DataError(
            f"{path} has samples of {samples.shape[1:]}, which become codes of {codes.shape[1:]}; "
            f"network {network.name!r} takes {network.input_type.shape}"
        )
    check_codes(network, codes)
    return [Picture(Path(name), row, ()) for name, row in zip(names, codes, strict=True)]


def read_picture(network: Network, path: Path, invert: bool) -> Picture:
    """One of read_pictures."""
    x = network.input_type
    spec = preprocessing(network)
    channels = sample_channels(spec, x.channels)
    pixels = pixels_of(network.metadata, channels)
    image = read_image(path, channels)
    made = to_pixels(scale_image(image, x.height, x.width), pixels, invert)
    codes = preprocess(made, spec)
    check_codes(network, codes)
    doubts = (squeezed(image, x.height, x.width), pixels.doubt(made, invert))
    return Picture(path, codes, tuple(doubt for doubt in doubts if doubt))


def sample_channels(spec: dict[str, Any], channels: int) -> int:
    """Channels of a picture that become so many of codes."""
    rows = spec.get("thermometer")
    return len(rows) if isinstance(rows, list) else channels


def check_codes(network: Network, codes: NDArray[np.uint8]) -> None:
    """Raise DataError where codes are more than the network takes."""
    high = network.input_type.high
    if int(codes.max()) > high:
        raise DataError(
            f"the preprocessing of network {network.name!r} gives codes up to {codes.max()}, but "
            f"it takes at most {high}; export it again"
        )


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
