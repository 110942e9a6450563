"""The block-RAM lookup engine: codebook convolutions by tables in block RAM."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import ClassVar

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.lookup.block_lookup import FILLS, BlockLookupUnit
from subbit.hw.lookup.dot9_tables import MAX_COUNTED_TAU
from subbit.sw.errors import PlanError
from subbit.sw.ir.network import Network
from subbit.sw.ir.weights import KERNEL_BITS, CodebookWeights
from subbit.sw.lower.engines.codebook import codebook_layer, engine_settings, looked_up, window_of
from subbit.sw.lower.engines.engine import COMMON, Engine, EngineStage, Setting, is_masked
from subbit.sw.lower.stages.order import order_units
from subbit.sw.lower.stages.stage import divisors

__all__ = ["BlockLookupEngine"]

WORD = 36  # bits of a word of block RAM
FEW = 4  # words up to which a buffer beside block RAMs full of tables is of lookup tables


class BlockLookupEngine(Engine):
    """Looks the dot products of whole windows with all codewords up, some channels at a time.

    For codebook convolutions of 3x3. ``simd / 9`` block RAMs, each with the tables of ``pixels``
    pixels; those of ``dot9`` channels are filled at once, ``fill`` with counts of carry chains,
    ``logic``, or of tables in ``block`` RAM. It gives one output at a time: ``pe`` 1. With
    ``output_pixels`` above 1 all outputs of ``pixels`` wait in registers. Cycles per ``pixels``:
    ``max(channels * 2**tau / dot9, outputs * channels * 9 / simd)``; see BlockLookupUnit.
    """

    name: ClassVar[str] = "block_lookup"
    settings: ClassVar[Mapping[str, Setting]] = {
        **COMMON,
        "dot9": Setting(1),
        "fill": Setting("logic", FILLS),
    }

    def check(self, stage: EngineStage, network: Network) -> None:
        """Raise PlanError where a setting does not fit the layer."""
        self.unit(stage, network)

    def unit(self, stage: EngineStage, network: Network) -> BlockLookupUnit:
        """The engine that the settings describe."""
        settings = engine_settings(stage, network)
        if stage.simd % KERNEL_BITS or stage.pe != 1:
            raise PlanError(
                f"engine {self.name!r} looks up whole kernels for one output: simd a multiple of "
                f"{KERNEL_BITS} and pe=1, not simd={stage.simd} and pe={stage.pe}"
            )
        ports = stage.simd // KERNEL_BITS
        return BlockLookupUnit(**settings, pixels=stage.pixels, ports=ports, fill=stage.fill)

    def variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """Any number of block RAMs and of pixels that share a word, with as many Dot9 units as keep
        the readers busy, in the window's way, too: it brings that many channels at a time.
        """
        weights = looked_up(stage, network)
        if weights is None:
            return
        layer, x = stage.layer(network), stage.input(network)
        cin, row = weights.shape[1], stage.dots(network).width
        masked = is_masked(layer, x)
        if masked and cin % 2:
            return
        entry = (KERNEL_BITS * ((1 << x.bits) - 1)).bit_length()
        countable = x.bits == 1 and (weights.tau <= MAX_COUNTED_TAU or masked)
        fills = ("logic", "block") if countable else ("logic",)
        for ports, pixels in product(divisors(cin)[1:], divisors(row)):
            if pixels * entry <= WORD or pixels == 1:
                dot9 = filled_at_once(stage, network, weights, ports, pixels)
                for fill in fills:
                    yield self.on(
                        stage,
                        fill=fill,
                        pe=1,
                        simd=KERNEL_BITS * ports,
                        pixels=pixels,
                        dot9=dot9,
                    )

    def least_cycles(self, stage: EngineStage, network: Network) -> int:
        """Exactly those of the engine."""
        _, weights = codebook_layer(stage, network)
        y, (cout, cin) = stage.dots(network), weights.shape[:2]
        groups, turns = y.height * y.width // stage.pixels, cin * KERNEL_BITS // stage.simd
        return groups * max((cin << weights.tau) // stage.dot9, cout * turns)

    def units(
        self, stage: EngineStage, network: Network, limits: SizeLimits
    ) -> list[tuple[str, Unit]]:
        """A window, the engine, and the pixels it gives put in their order."""
        engine = self.unit(stage, network)
        buffers = "block" if engine.cin // stage.dot9 > FEW else "auto"
        window = window_of(stage, network, stage.dot9, buffers)
        cycles = engine.interval_cycles // engine.vectors
        order = order_units(
            *(engine.o, engine.pixels, engine.cout, engine.vectors, cycles, FEW + 1),
            output_pixels=stage.output_pixels,
        )
        return [("window", window), (self.name, engine), *order]


def filled_at_once(
    stage: EngineStage, network: Network, weights: CodebookWeights, ports: int, pixels: int
) -> int:
    """The least number of channels that keeps the readers of so many ports busy."""
    x, row, outputs = stage.input(network), stage.dots(network).width, weights.shape[0]
    stride = codebook_layer(stage, network)[0].window.strides[1]
    wanted = max(1 << weights.tau, (x.width + 2) * stride * pixels // row)
    return next(n for n in divisors(ports) if n == ports or ports * wanted <= n * outputs)
