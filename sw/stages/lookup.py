"""Codebook convolutions on the two engines that look dot products up."""

from typing import TYPE_CHECKING

from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network
from subbit.sw.ir.types import Encoding
from subbit.sw.ir.weights import CodebookWeights
from subbit.sw.stages.stage import check_divides
from subbit.sw.units.block_lookup import BlockLookup
from subbit.sw.units.codebook_engine import KERNEL
from subbit.sw.units.deal import Deal
from subbit.sw.units.lookup import Lookup
from subbit.sw.units.replay import Replay
from subbit.sw.units.unit import Lanes, Unit
from subbit.sw.units.width import Downsize, Upsize
from subbit.sw.units.window import Window

if TYPE_CHECKING:
    from subbit.sw.stages.dot import DotStage

__all__ = ["BLOCK", "LOOKUP", "lookup_cycles", "lookup_units", "order_units"]

LOOKUP, BLOCK = "lookup", "block_lookup"
FEW = 4  # words up to which a buffer beside block RAMs full of tables is of lookup tables


def codebook_layer(stage: "DotStage", network: Network) -> tuple[Conv2d, CodebookWeights]:
    """The layer and its weights; raises PlanError where they cannot be looked up."""
    layer = stage.layer(network)
    weights = layer.weights
    if not isinstance(layer, Conv2d) or not isinstance(weights, CodebookWeights):
        found = f"{layer.kind} with {weights.encoding} weights"
        raise PlanError(f"engine {stage.engine!r} is for codebook convolutions, not for a {found}")
    return layer, weights


def lookup_engine(stage: "DotStage", network: Network) -> Lookup | BlockLookup:
    """The engine that a stage's settings describe; raises PlanError where they do not fit."""
    layer, weights = codebook_layer(stage, network)
    node = network.node(stage.layers[0])
    x, y = network.types[node.inputs[0]], network.types[node.name]
    post = network.node(stage.layers[1]).layer if len(stage.layers) > 1 else None
    assert post is None or isinstance(post, Threshold | Affine)
    masked = layer.padding is Padding.ZERO and x.encoding is Encoding.BIPOLAR
    check_divides("pixels", stage.pixels, y.width, "the output pixels of a row")
    check_divides("simd", stage.simd, weights.row_length, "the weights of one output")
    given = (weights, x.encoding, x.bits, masked, y.height * y.width // stage.pixels, post)
    settings = (stage.weights, stage.popcount)
    if stage.engine == LOOKUP:
        if stage.simd != KERNEL or stage.pixels != 1:
            raise PlanError(
                f"engine {LOOKUP!r} takes one channel of one pixel at a time: simd={KERNEL} and "
                f"pixels=1, not simd={stage.simd} and pixels={stage.pixels}"
            )
        return Lookup(*given, *settings, lanes=stage.pe, dot9=stage.dot9)
    if stage.simd % KERNEL or stage.pe != 1:
        raise PlanError(
            f"engine {BLOCK!r} looks up whole kernels for one output: simd a multiple of {KERNEL} "
            f"and pe=1, not simd={stage.simd} and pe={stage.pe}"
        )
    ports = stage.simd // KERNEL
    return BlockLookup(*given, *settings, pixels=stage.pixels, ports=ports, dot9=stage.dot9)


def lookup_cycles(stage: "DotStage", network: Network) -> int:
    """Cycles a frame that the engine takes."""
    return lookup_engine(stage, network).interval_cycles


def lookup_units(stage: "DotStage", network: Network) -> list[tuple[str, Unit]]:
    """A window, the engine, and the pixels it gives put in their order."""
    engine = lookup_engine(stage, network)
    layer, _ = codebook_layer(stage, network)
    channels = 1 if isinstance(engine, Lookup) else stage.dot9
    blocks = isinstance(engine, BlockLookup) and engine.cin // channels > FEW
    window = Window(
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
    return units + (order_units(engine) if isinstance(engine, BlockLookup) else [])


def order_units(engine: BlockLookup) -> list[tuple[str, Unit]]:
    """What turns an output of several pixels after the other into a pixel after the other.

    As many outputs leave at once as keep up with the engine.
    """
    pixels, cout, groups = engine.pixels, engine.cout, engine.vectors
    if pixels == 1:
        return []
    if cout == 1:
        return [("split", Downsize(engine.o, pixels, groups))]
    wanted = engine.interval_cycles // groups
    lanes = next(n for n in range(1, cout + 1) if cout % n == 0 and cout // n * pixels <= wanted)
    units: list[tuple[str, Unit]] = []
    if lanes > 1:
        units.append(("join", Upsize(engine.o, lanes, groups * cout)))
    words = cout // lanes
    memory = "block" if words > FEW else "auto"
    wide = Lanes(pixels * lanes, engine.o.bits, engine.o.signed)
    pixel = Lanes(lanes, engine.o.bits, engine.o.signed)
    units.append(("gather", Replay(wide, words, pixels, groups, memory)))
    return [*units, ("deal", Deal(pixel, pixels, words, groups))]
