"""Activations of all layers as pictures: each channel of a tensor a small one, in rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from subbit.sw.atomic import write_atomic
from subbit.sw.ir.network import INPUT, Network
from subbit.sw.report.page import Part, page, render
from subbit.sw.report.pictures import as_grey, picture, png

__all__ = [
    "MOST_CHANNELS",
    "Activations",
    "activations_page",
    "mosaic",
    "tensor_rows",
    "write_pngs",
]

MOST_CHANNELS = 64  # of a map that are shown
MOST_NUMBERS = 1024  # of a vector
SIDE = 520  # of a picture on the page, in pixels at most
GAP = 96  # grey between channels
Tensor = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Activations:
    """What the layers of ``network`` make of the frame ``name``, ``[y][x][c]`` by tensor: by the
    golden model, and ``simulated`` those that are known. ``label``: the class.
    """

    network: Network
    name: str
    golden: Mapping[str, Tensor]
    simulated: Mapping[str, Tensor] = field(default_factory=dict)
    label: str = ""


def mosaic(tensor: Tensor, low: int, high: int) -> NDArray[np.uint8]:
    """A tensor ``[y][x][c]`` as pixels: the first channels in rows, each with a line around it; a
    vector as rows of numbers. ``low`` is black and ``high`` white.
    """
    height, width, channels = tensor.shape
    grey = as_grey(tensor, low, high)
    if (height, width) == (1, 1):
        return padded(grey.ravel()[:MOST_NUMBERS], min(channels, 32))
    shown = grey[:, :, :MOST_CHANNELS].transpose(2, 0, 1)
    across = ceil(sqrt(len(shown) * height / width))
    down = ceil(len(shown) / across)
    made = np.full((down * (height + 1) + 1, across * (width + 1) + 1), GAP, np.uint8)
    for place, channel in enumerate(shown):
        y, x = place // across * (height + 1) + 1, place % across * (width + 1) + 1
        made[y : y + height, x : x + width] = channel
    return made


def padded(numbers: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Numbers in rows of ``width``, filled up in grey."""
    rows = ceil(len(numbers) / width)
    made = np.full(rows * width, GAP, np.uint8)
    made[: len(numbers)] = numbers
    return made.reshape(rows, width)


def ends_of(network: Network, name: str, tensor: Tensor) -> tuple[int, int]:
    """The numbers that are black and white: those that a code can be, or that occur."""
    kind = network.types[name]
    if kind.is_code:
        return kind.low, kind.high
    return int(tensor.min()), int(tensor.max())


def shown_picture(pixels: NDArray[np.uint8], about: str) -> Markup:
    """Pixels as large as fits."""
    return picture(pixels, about, max(1, min(16, SIDE // max(pixels.shape))))


def tensor_rows(found: Activations) -> list[dict[str, Any]]:
    """Of each tensor its name, type and pictures, and how many elements differ in simulation."""
    rows = []
    for name, tensor in found.golden.items():
        low, high = ends_of(found.network, name, tensor)
        kind = "input" if name == INPUT else found.network.node(name).layer.kind
        about = f"{name}, {found.network.types[name]}, black {low}, white {high}"
        row: dict[str, Any] = {
            "name": name,
            "kind": kind,
            "about": f"{found.network.types[name]}; black is {low:,} and white {high:,}",
            "cut": tensor.shape[2] > MOST_CHANNELS and tensor.shape[:2] != (1, 1),
            "golden": shown_picture(mosaic(tensor, low, high), f"{about}, golden model"),
            "simulated": None,
            "differ": None,
        }
        if name in found.simulated:
            other = found.simulated[name]
            pixels = mosaic(other, low, high)
            row["simulated"] = shown_picture(pixels, f"{about}, in simulation")
            row["differ"] = int((other != tensor).sum())
        rows.append(row)
    return rows


def activations_page(found: Activations) -> str:
    """The activations as HTML, under the rules of subbit.sw.report.page.report_page."""
    values = {"rows": tensor_rows(found), "label": found.label, "beside": bool(found.simulated)}
    body = render("activations", values | {"most": MOST_CHANNELS})
    title = f"{found.name} in {found.network.name}"
    return page(title, [Part("activations", "Activations", body)])


def write_pngs(found: Activations, folder: Path) -> None:
    """Write each tensor's picture into a folder, as NAME.png; simulated ones as NAME-rtl.png."""
    for tensors, ending in ((found.golden, ""), (found.simulated, "-rtl")):
        for name, tensor in tensors.items():
            pixels = mosaic(tensor, *ends_of(found.network, name, found.golden[name]))
            write_atomic(folder / f"{name}{ending}.png", png(pixels))
