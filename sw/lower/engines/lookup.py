"""Codebook convolutions on the two engines that look dot products up."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from subbit.hw.contract.unit import Unit
from subbit.hw.lookup.block_lookup import BlockLookupUnit
from subbit.hw.lookup.dot9_tables import MAX_COUNTED_TAU
from subbit.hw.lookup.lookup import LookupUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import KERNEL_BITS, CodebookWeights
from subbit.sw.lower.stages.order import order_units
from subbit.sw.lower.stages.stage import check_divides, divisors

if TYPE_CHECKING:
    from subbit.sw.lower.stages.dot import DotStage

__all__ = ["BLOCK", "LOOKUP", "lookup_cycles", "lookup_units", "lookup_variants"]

LOOKUP, BLOCK = "lookup", "block_lookup"
WORD = 36  # bits of a word of block RAM
FEW = 4  # words up to which a buffer beside block RAMs full of tables is of lookup tables


def codebook_layer(stage: "DotStage", network: Network) -> tuple[Conv2d, CodebookWeights]:
    """The layer and its weights; raises PlanError where they cannot be looked up."""
    layer = stage.layer(network)
    weights = layer.weights
    if not isinstance(layer, Conv2d) or not isinstance(weights, CodebookWeights):
        found = f"{layer.kind} with {weights.encoding} weights"
        raise PlanError(f"engine {stage.engine!r} is for codebook convolutions, not for a {found}")
    return layer, weights


def lookup_engine(stage: "DotStage", network: Network) -> LookupUnit | BlockLookupUnit:
    """The engine that a stage's settings describe; raises PlanError where they do not fit."""
    layer, weights = codebook_layer(stage, network)
    node = network.node(stage.layers[0])
    x, y = network.types[node.inputs[0]], network.types[node.name]
    post = network.node(stage.layers[1]).layer if len(stage.layers) > 1 else None
    assert post is None or isinstance(post, Threshold | Affine)
    masked = is_zero_padded(layer, x)
    check_divides("pixels", stage.pixels, y.width, "the output pixels of a row")
    check_divides("simd", stage.simd, weights.row_length, "the weights of one output")
    given = (weights, x.encoding, x.bits, masked, y.height * y.width // stage.pixels, post)
    settings = (stage.weights, stage.popcount)
    if stage.engine == LOOKUP:
        if stage.simd != KERNEL_BITS or stage.pixels != 1:
            raise PlanError(
                f"engine {LOOKUP!r} takes one channel of one pixel at a time: simd={KERNEL_BITS} "
                f"and pixels=1, not simd={stage.simd} and pixels={stage.pixels}"
            )
        return LookupUnit(*given, *settings, lanes=stage.pe, dot9=stage.dot9)
    if stage.simd % KERNEL_BITS or stage.pe != 1:
        raise PlanError(
            f"engine {BLOCK!r} looks up whole kernels for one output: simd a multiple of "
            f"{KERNEL_BITS} and pe=1, not simd={stage.simd} and pe={stage.pe}"
        )
    ports = stage.simd // KERNEL_BITS
    shape: dict[str, Any] = {"pixels": stage.pixels, "ports": ports, "dot9": stage.dot9}
    return BlockLookupUnit(*given, *settings, **shape, fill=stage.fill)


def lookup_cycles(stage: "DotStage", network: Network) -> int:
    """Cycles a frame that the engine takes."""
    _, weights = codebook_layer(stage, network)
    y, (cout, cin) = network.types[stage.layers[0]], weights.shape[:2]
    if stage.engine == LOOKUP:
        return y.height * y.width * cin * max((1 << weights.tau) // stage.dot9, cout // stage.pe)
    groups, turns = y.height * y.width // stage.pixels, cin * KERNEL_BITS // stage.simd
    return groups * max((cin << weights.tau) // stage.dot9, cout * turns)


def lookup_variants(stage: "DotStage", network: Network) -> Iterator["DotStage"]:
    """The stage on the engines that look up, with as many Dot9 units as keep the readers busy, in
    the window's way, too: it brings that many channels at a time.
    """
    layer, weights = stage.layer(network), stage.layer(network).weights
    if not isinstance(layer, Conv2d) or not isinstance(weights, CodebookWeights):
        return
    if weights.codewords[0].size != KERNEL_BITS:
        return
    x = network.types[network.node(stage.layers[0]).inputs[0]]
    row, (cout, cin) = network.types[stage.layers[0]].width, weights.shape[:2]
    for pe in divisors(cout):
        dot9 = next(
            n
            for n in divisors(1 << weights.tau)
            if 1 << weights.tau <= n * cout // pe or n == 1 << weights.tau
        )
        yield replace(stage, engine=LOOKUP, pe=pe, simd=KERNEL_BITS, pixels=1, dot9=dot9)
    if is_zero_padded(layer, x) and cin % 2:
        return
    entry = (KERNEL_BITS * ((1 << x.bits) - 1)).bit_length()
    countable = x.bits == 1 and (weights.tau <= MAX_COUNTED_TAU or is_zero_padded(layer, x))
    for ports, pixels in product(divisors(cin)[1:], divisors(row)):
        if pixels * entry <= WORD or pixels == 1:
            wanted = max(1 << weights.tau, (x.width + 2) * layer.stride * pixels // row)
            filled = (n for n in divisors(ports) if n == ports or ports * wanted <= n * cout)
            shape: dict[str, Any] = {
                "pe": 1,
                "simd": KERNEL_BITS * ports,
                "pixels": pixels,
                "dot9": next(filled),
            }
            for fill in ("logic", "block") if countable else ("logic",):
                yield replace(stage, engine=BLOCK, fill=fill, **shape)


def is_zero_padded(layer: Conv2d | Linear, x: TensorType) -> bool:
    """Whether zeros surround bipolar codes."""
    zero = isinstance(layer, Conv2d) and layer.padding is Padding.ZERO
    return zero and x.encoding is Encoding.BIPOLAR


def lookup_units(stage: "DotStage", network: Network) -> list[tuple[str, Unit]]:
    """A window, the engine, and the pixels it gives put in their order."""
    engine = lookup_engine(stage, network)
    layer, _ = codebook_layer(stage, network)
    channels = 1 if isinstance(engine, LookupUnit) else stage.dot9
    blocks = isinstance(engine, BlockLookupUnit) and engine.cin // channels > FEW
    window = WindowUnit(
        input=network.types[network.node(stage.layers[0]).inputs[0]],
        kernel=layer.kernel,
        stride=layer.stride,
        padding=layer.padding,
        channels=channels,
        folds=1,
        memory=stage.window,
        pixels=stage.pixels,
        buffers="block" if blocks else "auto",
    )
    units: list[tuple[str, Unit]] = [("window", window), (stage.engine, engine)]
    if not isinstance(engine, BlockLookupUnit):
        return units
    cycles = engine.interval_cycles // engine.vectors
    order = order_units(engine.o, engine.pixels, engine.cout, engine.vectors, cycles, FEW + 1)
    return units + order
