"""Weights in pictures: the kernels of codebooks, tiles, plain bits, and thresholds."""

from collections.abc import Iterator
from math import isqrt, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network, Node
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.weights import BinaryWeights, CodebookWeights, TiledWeights, Weights
from subbit.sw.report.pictures import bit_picture
from subbit.sw.report.subject import Subject
from subbit.sw.report.svg import drawing, element, runs_path, text

__all__ = ["MOST_BITS", "MOST_LAYERS", "MOST_SHARE", "section"]

MOST_BITS = 1 << 14  # of plain weights or a tile that a picture shows
MOST_SHARE = 1 << 19  # of all pictures together
MOST_LAYERS = 200
CELL, GAP = 7, 12
BINS, CHART, TALL = 48, 480, 90


def section(subject: Subject) -> dict[str, Any]:
    """``layers``: of each that has weights or thresholds its pictures, and a line on each."""
    found: list[dict[str, Any]] = []
    shown = 0
    for node in subject.network.nodes:
        if len(found) >= MOST_LAYERS or shown > MOST_SHARE:
            break
        figures = list(figures_of(subject.network, node))
        if figures:
            found.append({"name": node.name, "figures": figures})
            shown += sum(len(figure["shape"]) for figure in figures)
    return {"layers": found, "cut": shown > MOST_SHARE or len(found) >= MOST_LAYERS}


def figures_of(network: Network, node: Node) -> Iterator[dict[str, Any]]:
    """The pictures of a layer: of each plane of its weights, and of its thresholds."""
    weights = getattr(node.layer, "weights", None)
    if isinstance(weights, Weights):
        branches = branches_of(weights)
        for number, (scale, plane) in enumerate(branches):
            name = f"Plane {number}, which counts {scale}: " if len(branches) > 1 else ""
            if isinstance(plane, CodebookWeights):
                yield codebook(node, name, plane)
            elif isinstance(plane, TiledWeights):
                yield tile(node, name, plane)
            elif isinstance(plane, BinaryWeights):
                yield plain(node, name, plane)
    if isinstance(node.layer, Threshold):
        yield thresholds(network, node, node.layer)


def codebook(node: Node, name: str, weights: CodebookWeights) -> dict[str, Any]:
    """All kernels of a codebook, the most used one first, each with how often it is used."""
    uses = np.bincount(weights.indices.ravel(), minlength=len(weights.codewords))
    order = np.argsort(-uses, kind="stable").tolist()
    kh, kw = weights.codewords.shape[1:]
    wide, tall = max(CELL * kw, 30) + GAP, CELL * kh + 14 + GAP
    across = min(len(order), 16)
    parts = []
    for place, index in enumerate(order):
        x, y = place % across * wide, place // across * tall
        rows, columns = np.nonzero(weights.codewords[index])
        runs = [
            (x + CELL * int(c), y + CELL * int(r), CELL) for r, c in zip(rows, columns, strict=True)
        ]
        frame = element("rect", x=x, y=y, width=CELL * kw, height=CELL * kh, class_="bits")
        parts += [frame, element("path", d=runs_path(runs, CELL), class_="ones")]
        parts.append(text(x, y + CELL * kh + 11, f"{uses[index]:,}", class_="small"))
    used = int((uses > 0).sum())
    line = (
        f"{name}{len(order)} kernels of {kh}x{kw}, {used} of them in use; below each, how many of "
        f"the {weights.indices.size:,} pairs of output and input use it. Filled squares are +1."
    )
    size = wide * across, tall * -(-len(order) // across)
    return {"shape": drawing(*size, f"Codebook of {node.name}", line, *parts), "line": line}


def tile(node: Node, name: str, weights: TiledWeights) -> dict[str, Any]:
    """The tile, row by row in the layer's own rows where these fit, and how often it repeats."""
    bits, width = weights.tile.ravel(), row_width(weights.tile.size, weights.row_length)
    line = f"{name}a tile of {bits.size:,} bits, {weights.repeats} times"
    if weights.scaled:
        line += f", with scales from {weights.scales.min()} to {weights.scales.max()}"
    return bits_figure(f"Tile of {node.name}", bits, width, line)


def plain(node: Node, name: str, weights: BinaryWeights) -> dict[str, Any]:
    """Plain weights, a row for each output."""
    bits = weights.bits.ravel()
    line = f"{name}{bits.size:,} weights, {bits.mean():.1%} of them +1; a row for each output"
    if weights.row_length > MOST_BITS:
        line = line.replace("; a row for each output", "")
    return bits_figure(f"Weights of {node.name}", bits, weights.row_length, line)


def row_width(size: int, row: int) -> int:
    """Bits in a row of the picture: a row of weights where whole ones fit, else nearly a square."""
    if size % row == 0:
        return row
    return next(w for w in range(isqrt(size), 0, -1) if size % w == 0) if size > 64 else size


def bits_figure(title: str, bits: NDArray[np.uint8], width: int, line: str) -> dict[str, Any]:
    """A picture of bits in rows; of very many the first ones."""
    width = min(width, MOST_BITS)
    rows = max(1, min(len(bits) // width, MOST_BITS // width))
    shown = bits[: rows * width].reshape(rows, width)
    if shown.size < bits.size:
        line += f"; the first {shown.size:,} are shown"
    return {"shape": bit_picture(shown, f"{title}: {line}", 2 if width <= 320 else 1), "line": line}


def thresholds(network: Network, node: Node, layer: Threshold) -> dict[str, Any]:
    """How many thresholds lie where in the range of the numbers that they are compared with."""
    low, high = network.types[node.inputs[0]].value_range
    numbers = np.clip(layer.thresholds.ravel(), low, high + 1)
    counts, _ = np.histogram(numbers, BINS, (low, high + 1))
    most, step = max(int(counts.max()), 1), CHART / BINS
    bars = [
        element(
            "rect",
            x=step * place + 0.5,
            y=TALL * (1 - int(count) / most),
            width=step - 1,
            height=TALL * int(count) / most,
            class_="bar",
        )
        for place, count in enumerate(counts)
        if count
    ]
    outside = int(((layer.thresholds <= low) | (layer.thresholds > high)).sum())
    falling = int((layer.rising == 0).sum())
    line = (
        f"{prod(layer.thresholds.shape):,} thresholds of {len(layer.thresholds):,} channels, at "
        f"{layer.thresholds.min():,} to {layer.thresholds.max():,}; the numbers range from {low:,} "
        f"to {high:,}"
    )
    line += f"; {falling:,} channels fall" if falling else ""
    line += f"; {outside:,} thresholds are always or never reached" if outside else ""
    ends = [
        text(0, TALL + 14, f"{low:,}", class_="small"),
        text(CHART, TALL + 14, f"{high:,}", text_anchor="end", class_="small"),
    ]
    title = f"Thresholds of {node.name}"
    return {"shape": drawing(CHART, TALL + 20, title, line, *bars, *ends), "line": line}
