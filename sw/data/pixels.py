"""What pixels a network was made for, and whether a picture looks like them."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.preprocess import preprocess
from subbit.sw.errors import DataError, quote

__all__ = ["KNOWN", "Pixels", "measure_pixels", "pixels_of", "to_pixels"]

BINS = 16
# Of a thousand training images one may lie farther from their mean histogram than ``distance``.
WITHIN = 0.999
# Scaling up and down blurs: of digits enlarged by lines, 1 of 18 lies beyond 1, none beyond 1.25.
SLACK = 1.25
# In nineteen of twenty images the border is on one side of the inside, or the set is mixed.
AGREED = 0.95
LIGHT, DARK, MIXED = "light-on-dark", "dark-on-light", "mixed"
Images = NDArray[np.uint8]
Reals = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Pixels:
    """The pixels that a network takes: ``low`` is black and ``high`` white, 0 to 255.

    ``polarity``: whether what is shown is ``light-on-dark`` or ``dark-on-light``; else ``mixed``.
    ``histogram``: of the training images, the shares of pixels in 16 equal parts from low to high;
    ``distance``: how far the histogram of one of them lies from it at most, see ``apart``. Both are
    None where no training image has been seen.
    """

    low: int = 0
    high: int = 255
    polarity: str = MIXED
    histogram: tuple[float, ...] | None = None
    distance: float | None = None

    def to_json(self) -> dict[str, Any]:
        """What a network's metadata hold under ``pixels``."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def doubt(self, image: Images, inverted: bool = False) -> str | None:
        """Why the pixels ``[h][w][c]`` do not look like a training image; None if they do.

        ``inverted``: whether the picture has been inverted already, for the advice.
        """
        shown = self.brightness(image)
        if shown.min() == shown.max():
            return "it is one even tone, in which there is nothing to see"
        advice = "without --invert" if inverted else "with --invert"
        other = {LIGHT: DARK, DARK: LIGHT}.get(self.polarity)
        if other and side(shown) == other:
            return f"it looks {other}, the training images are {self.polarity}: try it {advice}"
        if self.histogram is None or self.distance is None:
            return None
        found = apart(histogram(shown[None]), np.array(self.histogram))[0]
        if found <= SLACK * self.distance:
            return None
        turned = apart(histogram(1 - shown[None]), np.array(self.histogram))[0]
        hint = (
            f"try it {advice}" if turned <= SLACK * self.distance else "see what the network sees"
        )
        return (
            f"its brightness is unlike that of the training images (their histograms are up to "
            f"{self.distance:.2f} apart, this one {found:.2f}): {hint}"
        )

    def brightness(self, images: Images) -> Reals:
        """The pixels as numbers from 0 (``low``) to 1 (``high``)."""
        return np.clip((images.astype(np.float64) - self.low) / (self.high - self.low), 0, 1)


def to_pixels(image: Reals, pixels: Pixels, invert: bool = False) -> Images:
    """A picture of brightness 0 to 1 in the network's range of pixels."""
    levels = 1 - image if invert else image
    return np.rint(pixels.low + levels * (pixels.high - pixels.low)).astype(np.uint8)


# The ranges of known data sets, for networks whose files say nothing of pixels.
KNOWN = {
    "digits": Pixels(0, 16, LIGHT),
    "mnist": Pixels(0, 255, LIGHT),
    "cifar10": Pixels(0, 255, MIXED),
}


def pixels_of(metadata: dict[str, Any], channels: int) -> Pixels:
    """What a network's metadata say of its pixels, or else what its data set's are.

    A data set's range counts only if the network's preprocessing tells its black from its white.
    Raises DataError where the metadata say something that cannot be.
    """
    said = metadata.get("pixels")
    if said is not None:
        return checked(said)
    dataset = metadata.get("dataset")
    row = dataset if isinstance(dataset, dict) else {}
    name = row.get("name")
    known = KNOWN.get(name, Pixels()) if isinstance(name, str) else Pixels()
    if "preprocess" in row and known.high < 255:
        scale = np.arange(known.low, known.high + 1, dtype=np.uint8)
        codes = preprocess(np.repeat(scale[:, None], channels, axis=1), row["preprocess"])
        if codes.min() == codes.max():
            return Pixels()
    return known


def checked(said: Any) -> Pixels:
    """The Pixels in a JSON value; raises DataError if it is none."""
    try:
        found = Pixels(**said)
        shares = found.histogram
        sound = type(found.low) is int and type(found.high) is int
        sound = sound and 0 <= found.low < found.high <= 255
        sound = sound and found.polarity in (LIGHT, DARK, MIXED)
        sound = sound and (shares is None) == (found.distance is None)
        if shares is not None:
            sound = sound and isinstance(shares, list) and len(shares) == BINS
            sound = sound and all(is_share(x) for x in (*shares, found.distance))
    except TypeError:
        sound = False
    if not sound:
        raise DataError(
            "the network's 'pixels' must be {'low': 0, 'high': 255, 'polarity': 'light-on-dark', "
            f"'histogram': [16 shares], 'distance': ...}}, not {quote(said)}; export it again"
        )
    return found


def is_share(value: Any) -> bool:
    """Whether a JSON value is a number from 0 to 1."""
    return type(value) in (int, float) and 0 <= value <= 1


def measure_pixels(images: Images, high: int = 255) -> Pixels:
    """The Pixels of a training set ``[n][h][w][c]`` in which ``high`` is white."""
    plain = Pixels(0, high)
    shown = plain.brightness(images)
    rows = histogram(shown)
    mean = rows.mean(axis=0).round(4)
    reach = float(np.quantile(apart(rows, mean), WITHIN))
    light = float(np.mean([side(image) == LIGHT for image in shown]))
    polarity = LIGHT if light >= AGREED else DARK if light <= 1 - AGREED else MIXED
    return Pixels(0, high, polarity, tuple(mean.tolist()), math.ceil(1e4 * reach) / 1e4)


def histogram(images: Reals) -> Reals:
    """For each image of brightness 0 to 1 the shares of its numbers in BINS equal parts."""
    bins = np.minimum((images * BINS).astype(np.int64), BINS - 1).reshape(len(images), -1)
    counts = np.stack([np.bincount(row, minlength=BINS) for row in bins])
    return counts / bins.shape[1]


def apart(rows: Reals, mean: Reals) -> Reals:
    """How far histograms are from one: by how much of the range a pixel has to be moved on average
    (the earth mover's distance).
    """
    found: Reals = np.abs(np.cumsum(rows - mean, axis=-1)).mean(axis=-1)
    return found


def side(image: Reals) -> str:
    """Whether the border of a picture ``[h][w][c]`` is darker than its inside, or lighter."""
    inside = image[1:-1, 1:-1]
    if not inside.size:
        return MIXED
    border = (image.sum() - inside.sum()) / (image.size - inside.size)
    return LIGHT if border < inside.mean() else DARK
