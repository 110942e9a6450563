"""Checkpoints of the papers' reference code: their tensors as codebook and tiled layers.

Sub-bit Neural Networks (ICCV 2021): a layer ``X`` has ``X.weight`` (out, in, 3, 3), latent, and
``X.binarize.patterns`` (2**tau, 9). Codeword = sign(pattern); a weight's kernel is the codeword
nearest to its latent kernel, times ``mean |latent|`` of the output. The code keeps the last sign of
a pattern within +-0.001 in a memory that no checkpoint holds.

Tiled Bit Networks (CIKM 2024): a layer ``X`` has ``X.weight`` and ``X.scores`` of one shape.
``tile[j] = +1 where the sum of scores[j] over the p repeats is > 0, else -1``; ``alpha[i] = mean
|weight|`` (or |scores|) of repeat i, or of the layer. p and lambda are settings that no file holds.

Every layer has beside it the weights that the authors' code computes, see ``authors``.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from subbit.sw.errors import NetworkError, quote
from subbit.sw.importers.papers.authors import codebook_weights, tiled_weights
from subbit.sw.importers.papers.layer import (
    ALPHA_BITS,
    SCORES,
    PaperLayer,
    of_tile,
    take,
    unlike_layer,
)
from subbit.sw.importers.papers.packed import packed_tile
from subbit.sw.importers.papers.settings import DEFAULT_MIN_SIZE, Repeats, TileSettings
from subbit.sw.importers.papers.state import State
from subbit.sw.ir import CodebookWeights

__all__ = [
    "DEAD_ZONE",
    "DEFAULT_MIN_SIZE",
    "PaperLayer",
    "codebook_layers",
    "left_out",
    "packed_tile",
    "tiled_layers",
]

DEAD_ZONE = 1e-3
CELLS = 9
PATTERNS = ".binarize.patterns"


def codebook_layers(state: State, memory: dict[str, Tensor] | None = None) -> list[PaperLayer]:
    """All codebook layers of a Sub-bit Neural Networks checkpoint, in its order.

    ``memory``: signs (2**tau, 9) of patterns by layer name, from the live module, for patterns
    within the dead zone of +-0.001; without it their own sign counts, which a note says. Raises
    NetworkError where there is none, or where a layer's tensors do not fit.
    """
    names = [key.removesuffix(PATTERNS) for key in state if key.endswith(PATTERNS)]
    if not names:
        raise NetworkError(
            f"no tensor ends in {PATTERNS}; name a checkpoint of the Sub-bit Neural Networks code"
        )
    return [codebook_layer(name, state, (memory or {}).get(name)) for name in names]


def codebook_layer(name: str, state: State, memory: Tensor | None) -> PaperLayer:
    """The layer ``name`` by the module's docstring."""
    patterns = state[f"{name}{PATTERNS}"].double()
    latent = take(state, f"{name}.weight").double()
    count = patterns.shape[0] if patterns.ndim == 2 else 0
    if latent.shape[2:] != (3, 3) or patterns.shape[1:] != (CELLS,) or count & (count - 1):
        raise NetworkError(
            f"layer {quote(name)} has weights {tuple(latent.shape)} and patterns "
            f"{tuple(patterns.shape)}; they must be (out, in, 3, 3) and (2**tau, 9)"
        )
    words, notes = signs_of(patterns, memory)
    kernels = latent.reshape(-1, CELLS)
    # The nearest of kernels of one length is the one with the greatest inner product.
    indices = (kernels @ words.T).argmax(1).reshape(latent.shape[:2])
    bits = (words > 0).to(torch.uint8).reshape(-1, 3, 3)
    weights = CodebookWeights(bits.numpy(), indices.numpy())
    factors = latent.abs().flatten(1).mean(1).numpy()
    used = (f"{name}.weight", f"{name}{PATTERNS}")
    authors = codebook_weights(latent, words)
    if authors.open:
        notes.append(
            f"{authors.open // CELLS} of {len(kernels)} kernels lie as near to a second codeword, "
            "as far as floats tell"
        )
    return PaperLayer(name, weights, factors, used, authors, notes=notes)


def signs_of(patterns: Tensor, memory: Tensor | None) -> tuple[Tensor, list[str]]:
    """The codewords as +-1, and a note on those that the checkpoint does not decide."""
    sure = patterns.abs() >= DEAD_ZONE
    signs = torch.where(patterns >= 0, 1.0, -1.0).double()
    if memory is not None:
        if memory.shape != patterns.shape:
            raise NetworkError(f"the memory has the shape {tuple(memory.shape)}, its patterns not")
        return torch.where(sure, signs, torch.where(memory >= 0, 1.0, -1.0).double()), []
    open_ = int((~sure).sum())
    note = (
        f"{open_} of {patterns.numel()} codeword bits lie within +-{DEAD_ZONE}, where the code "
        "keeps an older sign that is not in the file; their own sign was taken"
    )
    return signs, [note] if open_ else []


def tiled_layers(
    state: State,
    repeats: Repeats | TileSettings,
    min_size: int | None = None,
    alpha: str = "weight",
    alpha_bits: int = ALPHA_BITS,
) -> list[PaperLayer]:
    """The tiled layers of a Tiled Bit Networks checkpoint, in its order, but for those of which a
    Network has none (see unlike_layer), which left_out names.

    ``repeats``: p of all layers of at least ``min_size`` weights (lambda; the authors' 64,000 by
    default), or a list for all layers, or by name; or settings that say all. ``alpha``: whether
    magnitudes come from ``weight`` or ``scores``. Where p does not divide the outputs, factors
    become integers of ``alpha_bits`` bits, and the error is in the layer. Raises NetworkError.
    """
    if not 1 <= alpha_bits <= 15:
        raise NetworkError(f"alphas have 1 to 15 bits, not {alpha_bits}")
    settings = repeats
    if not isinstance(settings, TileSettings):
        settings = TileSettings(settings, min_size, alpha)
    names = [key.removesuffix(SCORES) for key in state if key.endswith(SCORES)]
    if not names:
        raise NetworkError(
            f"no tensor ends in {SCORES}; name a checkpoint of the Tiled Bit Networks code"
        )
    sizes = {name: state[f"{name}{SCORES}"].numel() for name in names}
    counts = settings.by_layer(sizes)
    return [
        tiled_layer(name, state, counts[name], settings, alpha_bits)
        for name in names
        if unlike_layer(tuple(state[f"{name}{SCORES}"].shape)) is None
    ]


def tiled_layer(
    name: str, state: State, repeats: int, settings: TileSettings, alpha_bits: int
) -> PaperLayer:
    """The layer ``name`` by the module's docstring."""
    raw, source = take(state, f"{name}{SCORES}"), take(state, f"{name}.{settings.alpha}")
    scores, magnitudes = raw.double(), source.double()
    if magnitudes.shape != scores.shape:
        raise NetworkError(
            f"layer {quote(name)} has scores {tuple(scores.shape)} and weights "
            f"{tuple(magnitudes.shape)}; they must be alike"
        )
    tile = (scores.reshape(repeats, -1).sum(0) > 0).to(torch.uint8).numpy()
    alphas = magnitudes.abs().reshape(repeats, -1).mean(1).numpy()
    if settings.single:
        alphas = np.full(repeats, float(magnitudes.abs().mean()))
    used = tuple(dict.fromkeys((f"{name}{SCORES}", f"{name}.weight")))
    weights, factors, error = of_tile(name, tuple(scores.shape), tile, alphas, alpha_bits)
    authors = tiled_weights(raw, source, repeats, settings.single)
    notes = []
    if authors.open:
        notes.append(
            f"{authors.open // repeats} of {tile.size} sums of scores lie within the rounding of "
            "the authors' floats; the sign of the exact sum was taken"
        )
    return PaperLayer(name, weights, factors, used, authors, error, notes, repeats)


REASONS = (
    ("downsample.1.weight", "a full-precision convolution"),
    (".move", "a real bias on a real-valued path"),
    ("prelu", "a real slope on a real-valued path"),
    ("fc.weight", "a full-precision classifier"),
    ("conv1.weight", "a full-precision convolution"),
    (
        "bn",
        "a normalisation whose result joins a real-valued path, or a ReLU that is not quantised",
    ),
    (".bias", "a real bias"),
)


def left_out(
    state: State, layers: list[PaperLayer], shapes: Mapping[str, tuple[int, ...]] | None = None
) -> dict[str, str]:
    """The tensors that no layer was made of, each with the reason why a Network cannot have it.

    ``shapes``: those of packed layers.
    """
    used = {name for layer in layers for name in layer.used}
    odd = {
        key.removesuffix(SCORES): unlike_layer(tuple(state[key].shape))
        for key in state
        if key.endswith(SCORES)
    }
    odd |= {name: unlike_layer(shape) for name, shape in (shapes or {}).items()}
    found = {}
    for name in state:
        if name in used or name.endswith("num_batches_tracked"):
            continue
        layer = name.rpartition(".alphas.")[0] or name.rpartition(".")[0]
        reason = next((text for part, text in REASONS if part in name), "real numbers")
        found[name] = odd.get(layer) or reason
    return found
