"""Importing a file of any kind, and comparing the result with its source."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.cifar10 import CLASSES
from subbit.sw.data.load import DATASETS, load_dataset
from subbit.sw.data.pixels import measure_pixels, pixels_of
from subbit.sw.data.preprocess import preprocess
from subbit.sw.errors import DataError, DifferentError, NetworkError, quote
from subbit.sw.importers.agree import Tensors, compare
from subbit.sw.importers.exact.mark import End, Mark
from subbit.sw.importers.exact.op import Refusal
from subbit.sw.importers.report import import_report, verdict
from subbit.sw.ir import Network, save_network
from subbit.sw.shares import sampled

__all__ = [
    "ImportResult",
    "Imported",
    "check_import",
    "import_file",
    "import_network",
    "require_agreement",
]

BY_SHAPE = {(28, 28, 1): "mnist", (32, 32, 3): "cifar10", (8, 8, 1): "digits"}
NOISE = 20
MEASURED = 5000
BATCH = 100
FIXED = "; or take such paths in fixed point, with --fixed BITS (fixed=BITS)"
Images = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ImportResult:
    """A network, and how to run its source on images for comparison.

    ``source(batch)`` gives a function from images ``[n][h][w][c]``, at most ``batch``, to the
    source's tensors, and the batch that it takes. ``marks`` name tensors that are to agree, ``end``
    the last one. ``said``: the source's operations in words, by the names in ``folded``.
    """

    network: Network
    marks: tuple[Mark, ...]
    source: Callable[[int], tuple[Callable[[Images], Tensors], int]]
    end: End
    folded: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    said: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Imported:
    """A network, and what ``subbit import --json`` prints but for ``out``."""

    network: Network
    report: dict[str, Any]


def require_agreement(network: Network, report: dict[str, Any]) -> None:
    """Raise DifferentError where a class or a number of the network differs from its source."""
    if report["agreement"] is None or report["agreement"]["agrees"]:
        return
    raise DifferentError(
        f"{network.name} differs from its source: {verdict(report['agreement'])}; take it as it is "
        "with even_if_different (--even-if-different)",
        network,
        report,
    )


def import_network(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    data: Path | None = None,
    *,
    images: int | None = None,
    seed: int = 1,
    even_if_different: bool = False,
    progress: Callable[[int, int], object] | None = None,
    **source: Any,
) -> Imported:
    """The network in ``path`` and its comparison with its source, written to ``out`` if that is
    given: import_file, which takes what is in ``source``, then check_import, which takes the rest.
    What the images of ``data``, or of digits, look like is noted for pictures.

    Raises what they raise, and DifferentError where a class or a number differs from the source:
    nothing is written then unless ``even_if_different``.
    """
    result = import_file(path, **source)
    result = replace(result, network=with_pixels(result.network, data))
    report = check_import(result, data, images=images, seed=seed, progress=progress)
    if not even_if_different:
        require_agreement(result.network, report)
    if out is not None:
        save_network(result.network, out)
    return Imported(result.network, report)


def import_file(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    description: str | os.PathLike[str] | None = None,
    span: tuple[float, float] = (0.0, 1.0),
    dataset: str | None = None,
    layout: str | None = None,
    fixed: int | None = None,
) -> ImportResult:
    """The network in ``path``: ONNX, or integer arrays that ``description`` (JSON) describes.

    ``span``: what the source's input is for pixels 0 and 255. ``layout``: of an ONNX graph's
    images, ``channels-first`` or ``channels-last``; by default what the graph does with them tells.
    ``dataset``: name of the data set for the network's metadata; by default one of the input's
    shape. ``fixed``: of an ONNX graph, the bits of paths that no integers stand for exactly.

    Raises NetworkError, DataError or ToolError, naming what is wrong and where.
    """
    path = Path(path)
    if dataset is not None and dataset not in DATASETS:
        raise DataError(f"unknown data set {quote(dataset)}; known are {', '.join(DATASETS)}")
    if path.suffix == ".onnx":
        if description is not None:
            raise NetworkError(f"{path}: an ONNX file needs no description; leave it out")
        return from_onnx(path, name, span, dataset, layout, fixed)
    if path.suffix in (".npz", ".safetensors"):
        if fixed is not None:
            raise NetworkError(
                f"{path}: arrays are integers already, without --fixed; a requantise row brings "
                "them to another scale"
            )
        if layout is not None:
            raise NetworkError(f"{path}: a layout is for ONNX graphs; arrays are described")
        if description is None:
            raise NetworkError(
                f"{path}: arrays alone are no network; say what they are with --description"
            )
        return from_arrays(path, Path(description), name, dataset)
    raise NetworkError(
        f"{path}: {path.suffix or 'without a suffix'} is no kind of file that can be imported; "
        "name an .onnx file, or an .npz or .safetensors file with --description"
    )


def from_onnx(
    path: Path,
    name: str | None,
    span: tuple[float, float],
    dataset: str | None,
    layout: str | None = None,
    fixed: int | None = None,
) -> ImportResult:
    """An ONNX or QONNX file."""
    from subbit.sw.importers.onnx.importer import import_onnx

    try:
        found = import_onnx(path, low=span[0], high=span[1], name=name, layout=layout, fixed=fixed)
    except Refusal as error:
        raise NetworkError(f"{error}{FIXED if error.fixed and fixed is None else ''}") from None
    network, remarks = with_dataset(found.network, dataset)

    def source(batch: int) -> tuple[Callable[[Images], Tensors], int]:
        """The graph in qonnx's executor."""
        from subbit.sw.importers.onnx.executor import QonnxExecutor

        wanted = {found.end.output, *(mark.source for mark in found.marks)}
        executor = QonnxExecutor(found.graph, batch, wanted)
        reals = pixel_values(found.low, found.high)
        inputs = input_order(found.graph.shape, found.order)
        return lambda images: executor.run(inputs(reals[images])), executor.batch

    return ImportResult(network, found.marks, source, found.end, found.folded, found.notes, remarks)


def from_arrays(
    path: Path, description: Path, name: str | None, dataset: str | None
) -> ImportResult:
    """Integer arrays by a description."""
    from subbit.sw.importers.arrays.described import describe
    from subbit.sw.importers.arrays.formulas import evaluate_description
    from subbit.sw.importers.arrays.rows import read_arrays, read_description

    arrays, rows = read_arrays(path), read_description(description)
    if name is not None:
        rows["name"] = name
    try:
        found = describe(arrays, rows)
        network, remarks = with_preprocess(found.network, dataset)
    except NetworkError as error:
        raise NetworkError(f"{path} by {description}: {error}") from None

    def run(images: Images) -> Tensors:
        """The description's formulas."""
        codes = preprocess(images, network.metadata["dataset"]["preprocess"])
        return evaluate_description(arrays, rows, codes.astype(np.int64))

    marks = tuple(mark_of(node.name, found.known[node.name]) for node in network.nodes)
    end = end_of(network, marks)
    return ImportResult(network, marks, lambda batch: (run, batch), end, remarks=remarks)


def end_of(network: Network, marks: tuple[Mark, ...]) -> End:
    """Where a description ends: in a class, or in numbers."""
    last = network.nodes[-1]
    if last.layer.kind != "argmax":
        return End(last.name, "numbers", marks[-1])
    (logits,) = last.inputs
    return End(last.name, "class", next(mark for mark in marks if mark.name == logits))


def mark_of(name: str, known: Any) -> Mark:
    """The mark that compares a layer with the description's formulas."""
    kind = known.kind
    index = np.arange(kind.elements) if known.order is None else known.order
    scale = np.full(kind.channels, known.scale, object)
    row = known.row or name
    return Mark(row, row, name, kind, scale, known.offset, index)


def with_preprocess(network: Network, dataset: str | None) -> tuple[Network, tuple[str, ...]]:
    """The network with data set and preprocessing in the metadata, the top bits by default."""
    row = dict(network.dataset)
    bits = network.input_type.bits
    row.setdefault("preprocess", {"bits": bits, "shift": 8 - bits})
    metadata = {**network.metadata, "dataset": row}
    named = Network(network.name, network.input_type, network.nodes, metadata)
    if dataset is None and "name" in row:
        return named, ()
    return with_dataset(named, dataset)


def pixel_values(low: Fraction, high: Fraction) -> NDArray[np.float32]:
    """The source's input for each of the 256 pixel values, rounded once."""
    return np.array([float(low + (high - low) * p / 255) for p in range(256)]).astype(np.float32)


def input_order(
    shape: tuple[int, ...], order: NDArray[np.int64]
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """From ``[n][h][w][c]`` to the source's input of ``shape``, a batch of any size. ``order``: for
    each element of the source its place in an image.
    """
    places = order.reshape(-1)

    def turned(images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The images as the source takes them."""
        rows = images.reshape(len(images), -1)[:, places]
        return np.ascontiguousarray(rows.reshape(len(images), *shape[1:]))

    return turned


def with_dataset(network: Network, dataset: str | None) -> tuple[Network, tuple[str, ...]]:
    """The network with its data set and classes in the metadata, and a remark if it was guessed."""
    shape = network.input_type.shape
    name = dataset or BY_SHAPE.get(shape)
    if name is None:
        return network, ("no data set is known for this input; name one with --dataset",)
    row = {**network.dataset, "name": name}
    metadata = {**network.metadata, "dataset": row}
    metadata.setdefault("pixels", pixels_of(metadata, shape[2]).to_json())
    count = network.types[network.nodes[-1].inputs[0]].channels
    if "classes" in metadata:
        count = 0
    if count == 10 and name in ("mnist", "digits"):
        metadata["classes"] = [str(digit) for digit in range(10)]
    if count == 10 and shape == (32, 32, 3):
        metadata["classes"] = list(CLASSES)
    guessed = f"data set: {name}, by the input's shape; name another with --dataset"
    named = Network(network.name, network.input_type, network.nodes, metadata)
    return named, () if dataset else (guessed,)


def with_pixels(network: Network, data: Path | None) -> Network:
    """The network with what the training images of its data set look like in the metadata, or its
    test images where only those are there; unchanged where there are none, or of other pixels.
    """
    name = network.dataset.get("name")
    pixels = pixels_of(network.metadata, network.input_type.channels)
    if name not in DATASETS or (data is None and name != "digits") or pixels.histogram:
        return network
    try:
        whole = load_dataset(name, "train", data)
    except DataError:
        whole = load_dataset(name, "test", data)
    if whole.images.shape[1:] != network.input_type.shape or whole.white != pixels.high:
        return network
    shown = whole.at(whole.draw(MEASURED))
    metadata = {**network.metadata, "pixels": measure_pixels(shown.images, shown.white).to_json()}
    return Network(network.name, network.input_type, network.nodes, metadata)


def check_import(
    result: ImportResult,
    data: Path | None = None,
    *,
    images: int | None = None,
    seed: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> dict[str, Any]:
    """The report of an import: import_report, compared with the source on the test images in
    ``data``, or on noise drawn from ``seed``.

    ``images``: how many; 0 for none, by default all in ``data`` or 20 of noise. Raises DataError
    where the images cannot be read, NetworkError where the source cannot be executed.
    """
    agreement, remarks = None, list(result.remarks)
    if images != 0:
        frames, labels, text, population = test_images(
            *(result.network, data, images, seed), named=not result.remarks
        )
        remarks.append(f"compared on {text}")
        run, batch = result.source(min(BATCH, len(frames)))
        total = len(frames)
        tell = None if progress is None else lambda done: progress(done, total)
        agreement = compare(
            result.network, result.marks, run, result.end, frames, labels, batch, tell
        )
    report = import_report(result.network, result.folded, result.notes, agreement)
    if agreement is not None and agreement.correct is not None:
        report["agreement"] |= sampled(agreement.correct, agreement.images, population, seed)
    return {**report, "remarks": remarks}


def sees_digits(network: Network) -> bool:
    """Whether the pixels of digits, 0 to 16, make more than half of all codes of the input."""
    pixels = np.arange(256, dtype=np.uint8)[:, None].repeat(network.input_type.channels, axis=1)
    codes = preprocess(pixels, network.dataset["preprocess"])
    return 2 * len(np.unique(codes[:17])) > len(np.unique(codes))


def test_images(
    network: Network, data: Path | None, count: int | None, seed: int, *, named: bool
) -> tuple[Images, NDArray[np.int64] | None, str, int]:
    """Images ``[n][h][w][c]``, their labels where there are some, what they are, and of how many
    they were drawn. ``named``: whether someone named the data set; digits that were guessed and
    would hardly be seen are not taken.
    """
    dataset = network.dataset
    digits = dataset.get("name") == "digits" and (named or sees_digits(network))
    if data is None and not digits:
        shape = (count or NOISE, *network.input_type.shape)
        noise = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
        return noise, None, f"{len(noise)} images of noise, seed {seed}", len(noise)
    if "name" not in dataset:
        raise DataError(f"the data set in {data} has no name; name it with --dataset")
    whole = load_dataset(dataset["name"], "test", data)
    found = whole.at(whole.draw(count, seed))
    if found.images.shape[1:] != network.input_type.shape:
        raise DataError(
            f"data set {dataset['name']!r} has images of shape {found.images.shape[1:]}, the "
            f"network takes {network.input_type.shape}; name another with --dataset"
        )
    text = f"{len(found)} test images of {dataset['name']}"
    if len(found) < len(whole):
        text += f", drawn from {len(whole)} by class with seed {seed}"
    return found.images, found.labels, text, len(whole)
