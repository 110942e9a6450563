"""A binary network as a sub-bit one, fitted and trained on: what ``subbit compress`` does."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.compress.shrink import DEFAULT_MIN_SIZE, refit, shrink
from subbit.sw.data.dataset import stratified
from subbit.sw.errors import DifferentError, NetworkError
from subbit.sw.evaluate import Frames, load_frames
from subbit.sw.ir import Network
from subbit.sw.shares import sampled

if TYPE_CHECKING:
    from torch.nn import Sequential

    from subbit.sw.compress.finetune import Training

__all__ = ["Compressed", "agreement_text", "compress_network"]

FITTED_ON, COMPARED = 200, 200
Told = Callable[[str, int, int], object]


@dataclass(frozen=True, eq=False)
class Compressed:
    """The sub-bit network, and what ``subbit compress --json`` prints but for the file's name."""

    network: Network
    report: dict[str, Any]


def compress_network(
    network: Network,
    *,
    tau: int | None = None,
    repeats: int | None = None,
    min_size: int = DEFAULT_MIN_SIZE,
    data: Path | None = None,
    images: int = FITTED_ON,
    train_images: int | None = None,
    limit: int | None = None,
    seed: int = 1,
    training: "Training | None" = None,
    even_if_different: bool = False,
    progress: Told | None = None,
) -> Compressed:
    """Cluster the 3x3 kernels of a binary network (``tau``), fit tiles to its other layers of at
    least ``min_size`` weights (``repeats``), or both; see shrink.

    With the data set's folder ``data``, or for digits, thresholds are fitted again on ``images``
    training images, then all is trained on by ``training`` if there are any, on all training images
    or ``train_images`` of them; after each step accuracy is measured, on all test images or
    ``limit`` of them. Any part is drawn from ``seed``, of every class its share. ``progress`` gets
    a phase, what is done of it, and its whole. What was trained is compared with the network made
    of it, every activation and class of those training images. Raises NetworkError, DataError, and
    ToolError where torch is missing; DifferentError where an activation or a class differs, unless
    ``even_if_different``.
    """
    small, rows = shrink(network, tau, repeats, min_size)
    report: dict[str, Any] = {
        "network": network.name,
        "seed": seed,
        "weights": network.weight_count,
        "weight_bits": {"before": network.weight_bits, "after": small.weight_bits},
        "bits_per_weight": round(small.weight_bits / network.weight_count, 4),
        "layers": [asdict(row) for row in rows],
        "training": asdict(training) if training is not None else None,
        "accuracy": {},
        "agreement": None,
    }
    if data is None and network.dataset.get("name") != "digits":
        if training is not None:
            raise NetworkError("training needs the training images; name their folder with --data")
        return Compressed(small, report)
    test = load_frames(network, data, limit, seed=seed)
    if test.labels.ndim != 1:
        raise NetworkError(
            f"network {network.name!r} gives a class for each pixel; compress it without data"
        )
    train = load_frames(network, data, split="train")
    order = np.random.default_rng(seed).permutation(len(train.labels))
    told = progress or (lambda name, done, total: None)

    def measure(name: str, found: Network) -> None:
        """Add the number of right classes."""
        row = counted(found, test, lambda *done: told(name, *done))
        drawn = sampled(row["correct"], row["images"], test.population, seed)
        report["accuracy"][name] = {**row, **drawn}

    measure("before", network)
    measure("compressed", small)
    codes = train.codes[drawn_of(train, order, images, seed)].astype(np.int64)
    small = refit(network, small, codes, lambda *done: told("fitting", *done))
    measure("fitted", small)
    if training is not None:
        from subbit.sw.compress.finetune import from_module, trained_module

        chosen = drawn_of(train, order, train_images, seed)
        module = trained_module(
            *(small, train.codes[chosen], train.labels[chosen], training),
            lambda done, total, loss: told("training", done, total),
        )
        small = from_module(small, module)
        report["agreement"] = agreement_of(module, small, train.codes[chosen[:COMPARED]])
        measure("trained", small)
        if not (report["agreement"]["agrees"] or even_if_different):
            raise DifferentError(
                f"{network.name} differs from what was trained: {agreement_text(report)}; take it "
                "as it is with even_if_different (--even-if-different)",
                small,
                report,
            )
    return Compressed(small, report)


def drawn_of(
    train: Frames, order: NDArray[np.int64], count: int | None, seed: int
) -> NDArray[np.int64]:
    """The places in ``order`` of ``count`` training images, of every class its share."""
    if count is None or count >= len(order):
        return order
    return order[np.isin(order, stratified(train.labels, count, seed))]


def counted(network: Network, frames: Frames, told: Callable[[int, int], object]) -> dict[str, int]:
    """How many of the frames the network gets right."""
    from subbit.sw.golden import predict

    total = len(frames.labels)
    classes = predict(network, frames.codes, progress=lambda done: told(done, total)).classes
    return {"correct": int((classes == frames.labels).sum()), "images": total}


def agreement_of(module: "Sequential", network: Network, codes: NDArray[Any]) -> dict[str, Any]:
    """What a comparison of a trained module with its network found, as JSON values."""
    from subbit.sw.compress.agree import compare

    found = compare(module, network, codes)
    return {
        "agrees": not (found.activations_apart or found.classes_apart),
        "images": found.images,
        "activations": found.activations,
        "activations_apart": found.activations_apart,
        "classes_apart": found.classes_apart,
    }


def agreement_text(report: dict[str, Any]) -> str:
    """The same in words."""
    row = report["agreement"]
    return (
        f"{row['activations_apart']} of {row['activations']} activations and "
        f"{row['classes_apart']} of {row['images']} classes differ from those of the trained module"
    )
