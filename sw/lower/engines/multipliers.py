"""The engine of multipliers: numbers of several bits, multiplied by the part's own multipliers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import ClassVar

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.dot.products import ProductsUnit
from subbit.hw.window.window import WindowUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.network import Network
from subbit.sw.ir.planes import branches_of
from subbit.sw.lower.engines.direct import (
    SETTINGS,
    check_window,
    group_cycles,
    replay_units,
    window_channels,
    window_units,
)
from subbit.sw.lower.engines.engine import Engine, EngineStage, Setting, is_masked
from subbit.sw.lower.engines.widths import (
    check_input_pixels,
    check_output_pixels,
    most_pixels,
    widened,
)
from subbit.sw.lower.stages.order import order_units
from subbit.sw.lower.stages.stage import check_divides, divisors

__all__ = ["MultipliersEngine"]

LEAST_BITS = 2  # of weights and inputs, for which it is tried
MOST_MULTIPLIERS = 256  # at once that are worth trying; an LFE5U-85F has 156
MOST_PACKED = 4  # outputs of a multiplier that are worth trying
OWN = ("pe", "simd", "pixels", "weights", "window", "input_pixels", "output_pixels", "compare")


class MultipliersEngine(Engine):
    """Multiplies numbers as wholes, not bit by bit: ``pixels * pe / packed * simd`` multipliers.

    For weights of several bit planes. ``packed`` outputs share a multiplier, a divisor of ``pe``;
    the bits of inputs and weights bound it. The other settings are those of the direct engine.
    Cycles per ``pixels``: ``(outputs / pe) * (N / simd)``.
    """

    name: ClassVar[str] = "multipliers"
    settings: ClassVar[Mapping[str, Setting]] = {
        **{name: SETTINGS[name] for name in OWN},
        "packed": Setting(1, least=1, most=MOST_PACKED),
    }

    def check(self, stage: EngineStage, network: Network) -> None:
        """Raise PlanError where the layer is another one, or a setting does not fit it."""
        weights, planes = stage.layer(network).weights, branches_of(stage.layer(network).weights)
        if len(planes) < LEAST_BITS:
            raise PlanError(
                f"engine {self.name!r} is for weights of several bits, not for {weights.encoding} "
                "ones; take 'direct'"
            )
        check_window(stage, network)
        check_output_pixels(stage, network)
        check_divides("pe", stage.pe, stage.group_outputs(network), "the outputs of a group")
        check_divides("simd", stage.simd, weights.row_length, "the weights of one output")
        check_divides("packed", self.value(stage, "packed"), stage.pe, "the outputs at once")
        check_input_pixels(stage, network, window_channels(stage, network))

    def is_worth_trying(self, stage: EngineStage, network: Network) -> bool:
        """Whether weights and inputs have several bits."""
        planes = branches_of(stage.layer(network).weights)
        return min(len(planes), stage.input(network).bits) >= LEAST_BITS

    def variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """Foldings, pixels of a row at once, outputs of a multiplier, and where weights live."""
        row = stage.dots(network).width
        yield from self.tried(stage, network, [n for n in most_pixels(stage, network) if n <= row])

    def wide_variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """The same with whole rows at once, and widths of both ends that keep up."""
        for found in self.tried(stage, network, most_pixels(stage, network)):
            channels, cycles = window_channels(found, network), group_cycles(found, network)
            yield from widened(replace(found, compare="logic"), network, channels, cycles)

    def tried(
        self, stage: EngineStage, network: Network, at_once: list[int]
    ) -> Iterator[EngineStage]:
        """Each of the settings within MOST_MULTIPLIERS, for those numbers of pixels."""
        if not self.is_worth_trying(stage, network):
            return
        pes, simds = divisors(stage.group_outputs(network)), stage.simds(network)
        for pe, simd, pixels in product(pes, simds, at_once):
            for packed in (n for n in divisors(pe) if n <= MOST_PACKED):
                if pixels * pe // packed * simd > MOST_MULTIPLIERS:
                    continue
                for memory in ("block", "logic"):
                    folding = {"pe": pe, "simd": simd, "pixels": pixels, "weights": memory}
                    more = {"packed": packed} if packed > 1 else {}
                    yield self.on(stage, **folding, **more)

    def least_cycles(self, stage: EngineStage, network: Network) -> int:
        """Exactly those of the engine; at best a beat of ``output_pixels`` leaves in a cycle."""
        y = stage.dots(network)
        leaving = stage.pixels // stage.output_pixels
        return y.height * y.width // stage.pixels * max(group_cycles(stage, network), leaving)

    def units(
        self, stage: EngineStage, network: Network, limits: SizeLimits
    ) -> list[tuple[str, Unit]]:
        """A window (or a replay buffer), the engine, and the pixels it gives put in their order."""
        self.check(stage, network)
        layer, x, y = stage.layer(network), stage.input(network), stage.dots(network)
        folds = stage.group_outputs(network) // stage.pe
        if isinstance(layer, Conv2d):
            feed = window_units(stage, network, layer, folds)
        else:
            feed = replay_units(stage, x, folds)
        window = feed[0][1] if len(feed) == 1 and isinstance(feed[0][1], WindowUnit) else None
        engine = ProductsUnit(
            weights=layer.weights,
            encoding=x.encoding,
            bits=x.bits,
            masked=is_masked(layer, x),
            pe=stage.pe,
            simd=stage.simd,
            pixels=stage.pixels,
            packed=self.value(stage, "packed"),
            vectors=y.height * y.width // stage.pixels,
            post=stage.post(network),
            memory=stage.weights,
            payload_delay=2 if window and window.holds else 0,
            limits=limits,
            span=None if x.is_code else x.value_range,
            known=stage.compare == "logic",
        )
        if window and engine.i_payload_delay:
            feed = [("window", replace(window, payload_delay=engine.i_payload_delay))]
        order = order_units(
            *(engine.o, stage.pixels, engine.passes, engine.vectors),
            group_cycles(stage, network),
            output_pixels=stage.output_pixels,
        )
        return [*feed, (self.name, engine), *order]
