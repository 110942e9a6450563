"""Checkpoints of the papers' reference code: their tensors as codebook and tiled layers.

Sub-bit Neural Networks (ICCV 2021): a layer ``X`` has ``X.weight`` (out, in, 3, 3), latent, and
``X.binarize.patterns`` (2**tau, 9). Codeword = sign(pattern); a weight's kernel is the codeword
nearest to its latent kernel, times ``mean |latent|`` of the output. The code keeps the last sign of
a pattern within +-0.001 in a memory that no checkpoint holds.

Tiled Bit Networks (CIKM 2024): a layer ``X`` has ``X.weight`` and ``X.scores`` of one shape.
``tile[j] = +1 where the sum of scores[j] over the p repeats is > 0, else -1``; ``alpha[i] = mean
|weight|`` (or |scores|) of repeat i. p and the least size lambda are settings that no file holds.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subbit.sw.errors import NetworkError, quote
from subbit.sw.importers.papers.state import State
from subbit.sw.ir import BinaryWeights, CodebookWeights, TiledWeights, Weights

__all__ = ["DEAD_ZONE", "PaperLayer", "codebook_layers", "left_out", "packed_tile", "tiled_layers"]

DEAD_ZONE = 1e-3
CELLS = 9
PATTERNS = ".binarize.patterns"
SCORES = ".scores"
DEFAULT_MIN_SIZE = 64_000
ALPHA_BITS = 8
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PaperLayer:
    """One layer of a checkpoint: output o's weights are ``factors[o] * weights.dense()[o]``.

    ``used``: the tensors that it was made of. ``error``: the greatest relative error of a repeat's
    factor, 0 unless tiles cross outputs. ``notes``: what the checkpoint leaves open.
    """

    name: str
    weights: Weights
    factors: Reals
    used: tuple[str, ...]
    error: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def bits_per_weight(self) -> float:
        """Bits stored for each weight."""
        return self.weights.stored_bits / self.weights.count


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
    return PaperLayer(name, weights, factors, used, notes=notes)


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
    repeats: int,
    min_size: int = DEFAULT_MIN_SIZE,
    alpha: str = "weight",
    alpha_bits: int = ALPHA_BITS,
) -> list[PaperLayer]:
    """All layers of a Tiled Bit Networks checkpoint, in its order.

    ``repeats``: p; layers of fewer than ``min_size`` weights (lambda) have one. ``alpha``: whether
    magnitudes come from ``weight`` or ``scores``. Where p does not divide the outputs, factors
    become integers of ``alpha_bits`` bits, and the error is in the layer. Raises NetworkError.
    """
    if repeats < 1 or alpha not in ("weight", "scores") or not 1 <= alpha_bits <= 15:
        raise NetworkError("p is 1 or more, alpha 'weight' or 'scores', with 1 to 15 bits")
    names = [key.removesuffix(SCORES) for key in state if key.endswith(SCORES)]
    if not names:
        raise NetworkError(
            f"no tensor ends in {SCORES}; name a checkpoint of the Tiled Bit Networks code"
        )
    return [
        tiled_layer(
            name,
            state,
            repeats if take(state, f"{name}{SCORES}").numel() >= min_size else 1,
            alpha,
            alpha_bits,
        )
        for name in names
    ]


def tiled_layer(name: str, state: State, repeats: int, alpha: str, alpha_bits: int) -> PaperLayer:
    """The layer ``name`` by the module's docstring."""
    scores = take(state, f"{name}{SCORES}").double()
    magnitudes = take(state, f"{name}.{alpha}").double()
    if scores.numel() % repeats or magnitudes.shape != scores.shape:
        raise NetworkError(
            f"layer {quote(name)} has scores {tuple(scores.shape)} and weights "
            f"{tuple(magnitudes.shape)}; they must be alike, and p = {repeats} must divide them"
        )
    tile = (scores.reshape(repeats, -1).sum(0) > 0).to(torch.uint8).numpy()
    alphas = magnitudes.abs().reshape(repeats, -1).mean(1).numpy()
    used = tuple(dict.fromkeys((f"{name}{SCORES}", f"{name}.weight")))
    shape = tuple(scores.shape)
    weights, factors, error = of_tile(shape, tile, alphas, alpha_bits)
    return PaperLayer(name, weights, factors, used, error)


def of_tile(
    shape: tuple[int, ...], tile: NDArray[np.uint8], alphas: Reals, alpha_bits: int
) -> tuple[Weights, Reals, float]:
    """Weights, the factor of every output, and the greatest relative error of a factor."""
    repeats, outputs = len(alphas), shape[0]
    if len(shape) == 3:
        raise NetworkError(f"a 1-D convolution of shape {shape}; use 2-D ones or linear layers")
    if repeats == 1:
        return BinaryWeights(tile.reshape(shape)), np.full(outputs, alphas[0]), 0.0
    if outputs % repeats == 0:
        ones = np.ones(repeats, np.int64)
        return TiledWeights(shape, tile, ones), np.repeat(alphas, outputs // repeats), 0.0
    step = alphas.max() / ((1 << alpha_bits) - 1) or 1.0
    scales = np.maximum(np.rint(alphas / step), 1).astype(np.int64)
    error = float((np.abs(scales * step - alphas) / np.maximum(alphas, 1e-30)).max())
    return TiledWeights(shape, tile, scales), np.full(outputs, step), error


def packed_tile(
    name: str,
    packed: NDArray[np.uint8],
    alphas: list[float],
    shape: tuple[int, ...],
    order: str = "big",
    alpha_bits: int = ALPHA_BITS,
) -> PaperLayer:
    """A layer of a packed inference checkpoint: uint8, eight weights a byte, and its alphas.

    ``order``: whether the first weight of a byte is its highest bit (``big``, as on a
    microcontroller) or the lowest (``little``, as the GPU code unpacks). Bit 1 is +1.
    """
    if order not in ("big", "little"):
        raise NetworkError(f"the order of bits is 'big' or 'little', not {quote(order)}")
    size = int(np.prod(shape)) // max(len(alphas), 1)
    octets = np.asarray(packed, np.uint8).reshape(-1)
    tile = np.unpackbits(octets, bitorder="big" if order == "big" else "little")
    if not alphas or int(np.prod(shape)) % len(alphas) or not size <= len(tile) < size + 8:
        raise NetworkError(
            f"layer {quote(name)}: {len(tile)} bits and {len(alphas)} repeats are no tile of "
            f"{shape}"
        )
    numbers = np.asarray(alphas, np.float64)
    weights, factors, error = of_tile(shape, tile[:size], numbers, alpha_bits)
    return PaperLayer(name, weights, factors, (name,), error)


def take(state: State, name: str) -> Tensor:
    """The tensor of that name; raises NetworkError if there is none."""
    if name not in state:
        raise NetworkError(f"the tensor {quote(name)} is missing; name a whole checkpoint")
    return state[name]


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
)


def left_out(state: State, layers: list[PaperLayer]) -> dict[str, str]:
    """The tensors that no layer was made of, each with the reason why a Network cannot have it."""
    used = {name for layer in layers for name in layer.used}
    found = {}
    for name in state:
        if name in used or name.endswith("num_batches_tracked"):
            continue
        reason = next((text for part, text in REASONS if part in name), "real numbers")
        found[name] = reason
    return found
