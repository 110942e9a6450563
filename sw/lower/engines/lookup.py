"""The lookup engine: codebook convolutions by tables in registers."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.lookup.lookup import LookupUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.network import Network
from subbit.sw.ir.weights import KERNEL_BITS
from subbit.sw.lower.engines.codebook import codebook_layer, engine_settings, looked_up, window_of
from subbit.sw.lower.engines.engine import COMMON, Engine, EngineStage, Setting, is_masked
from subbit.sw.lower.stages.stage import divisors

__all__ = ["LookupEngine"]


class LookupEngine(Engine):
    """Looks the dot products of a channel's window with all codewords up, for every output.

    For codebook convolutions of 3x3. ``pe``: read ports of the table, a divisor of the outputs;
    ``dot9``: codewords whose dot products are computed at once, to fill it. It takes one channel of
    one pixel at a time: ``simd`` 9, ``pixels`` 1. Several pixels would need a table and read ports
    for each: nothing but the indices would be shared. Cycles per pixel:
    ``channels * max(2**tau / dot9, outputs / pe)``; see LookupUnit.
    """

    name: ClassVar[str] = "lookup"
    settings: ClassVar[Mapping[str, Setting]] = {**COMMON, "dot9": Setting(1)}

    def check(self, stage: EngineStage, network: Network) -> None:
        """Raise PlanError where a setting does not fit the layer."""
        self.unit(stage, network)

    def unit(self, stage: EngineStage, network: Network) -> LookupUnit:
        """The engine that the settings describe."""
        settings = engine_settings(stage, network)
        if not tells_padding(stage, network):
            raise PlanError(
                f"engine {self.name!r} tells zeros around bipolar codes by the middle of 3x3 "
                "kernels, which has to be inside the map; take 'direct' or 'block_lookup'"
            )
        if stage.simd != KERNEL_BITS or stage.pixels != 1:
            raise PlanError(
                f"engine {self.name!r} takes one channel of one pixel at a time: "
                f"simd={KERNEL_BITS} and pixels=1, not simd={stage.simd} and pixels={stage.pixels}"
            )
        return LookupUnit(**settings, lanes=stage.pe)

    def variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """Any number of read ports, with as many Dot9 units as keep them busy."""
        weights = looked_up(stage, network)
        if weights is None or not tells_padding(stage, network):
            return
        codes, outputs = 1 << weights.tau, weights.shape[0]
        for pe in divisors(outputs):
            filled = (n for n in divisors(codes) if codes <= n * outputs // pe or n == codes)
            yield self.on(stage, pe=pe, simd=KERNEL_BITS, pixels=1, dot9=next(filled))

    def least_cycles(self, stage: EngineStage, network: Network) -> int:
        """Exactly those of the engine."""
        _, weights = codebook_layer(stage, network)
        y, (cout, cin) = stage.dots(network), weights.shape[:2]
        return y.height * y.width * cin * max((1 << weights.tau) // stage.dot9, cout // stage.pe)

    def units(
        self, stage: EngineStage, network: Network, limits: SizeLimits
    ) -> list[tuple[str, Unit]]:
        """A window of one channel at a time, and the engine."""
        unit = self.unit(stage, network)
        return [("window", window_of(stage, network, 1)), (self.name, unit)]


def tells_padding(stage: EngineStage, network: Network) -> bool:
    """Whether the middle of each window tells how much of it is padding, where that has a mask."""
    layer, _ = codebook_layer(stage, network)
    window = layer.window
    if not is_masked(layer, stage.input(network)):
        return True
    gaps = (*window.dilations, *window.dilations)
    inside = all(pad <= gap for pad, gap in zip(window.pads, gaps, strict=True))
    return window.kernel == (3, 3) and inside
