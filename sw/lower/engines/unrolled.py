"""The unrolled engine: weights are wires, and all outputs of a pixel are computed at once."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import Any, ClassVar

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.unrolled.folded import FoldedUnit
from subbit.hw.unrolled.rough import distinct_rows
from subbit.hw.unrolled.unrolled import UnrolledUnit
from subbit.hw.window.border import Border, border_of
from subbit.hw.window.window import WindowUnit
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.network import Network
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.weights import Weights
from subbit.sw.lower.engines.engine import (
    COMMON,
    Engine,
    EngineStage,
    Setting,
    groups_of,
    is_masked,
    refuse_groups,
)
from subbit.sw.lower.engines.widths import (
    check_input_pixels,
    check_output_pixels,
    most_pixels,
    widened,
)
from subbit.sw.lower.stages.order import order_units
from subbit.sw.lower.stages.stage import check_divides, divisors

__all__ = ["MOST_SIGNS", "UnrolledEngine"]

MOST_FOLD = 8  # cycles; inputs have up to as many bits
MOST_SIGNS = 1 << 17  # of a layer's distinct rows, up to which its adders are found in a minute


class UnrolledEngine(Engine):
    """Computes all outputs of ``pixels`` output pixels at once, with weights that are wires.

    For layers of any encoding whose distinct rows have up to MOST_SIGNS weights, times their bit
    planes. ``pixels``: output pixels computed at once, some of a row or whole rows;
    ``output_pixels`` of them leave in a beat, ``input_pixels`` come in one. ``window``: where its
    lines live. ``popcount``: the adders' form, ``portable`` or the fabric for whose carry chains
    they are built. ``fold``: cycles that they take, a divisor of an input's bits, some of which go
    through the same adders in each. Cycles per ``pixels``: ``fold``; see UnrolledUnit and
    FoldedUnit.
    """

    name: ClassVar[str] = "unrolled"
    is_wires: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Setting]] = {
        name: COMMON[name]
        for name in ("pixels", "window", "popcount", "input_pixels", "output_pixels")
    } | {"fold": Setting(1, least=1, most=MOST_FOLD)}

    def variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """None: where an output pixel a cycle is not wanted, other engines take less."""
        yield from ()

    def wide_variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """Any number of pixels, in as many cycles as divide the bits of an input, and widths of
        both ends that keep up, of layers that are not too large.
        """
        if weight_signs(stage, network) > MOST_SIGNS or groups_of(stage, network) > 1:
            return
        channels = stage.input(network).channels
        folds = [fold for fold in divisors(stage.input(network).bits) if fold <= MOST_FOLD]
        for pixels, fold in product(most_pixels(stage, network), folds):
            own = {"fold": fold} if fold > 1 else {}
            yield from widened(self.on(stage, pixels=pixels, **own), network, channels, fold)

    def least_cycles(self, stage: EngineStage, network: Network) -> int:
        """Exactly those of the engine; at best a beat of ``output_pixels`` leaves in a cycle."""
        y = stage.dots(network)
        size, fold = y.height * y.width, int(self.value(stage, "fold"))
        return max(size // stage.pixels * fold, size // stage.output_pixels)

    def check(self, stage: EngineStage, network: Network) -> None:
        """Raise PlanError where a setting does not fit the layer, or the layer is too large."""
        refuse_groups(stage, network)
        check_output_pixels(stage, network)
        check_input_pixels(stage, network, stage.input(network).channels)
        check_divides(
            "fold", self.value(stage, "fold"), stage.input(network).bits, "the bits of an input"
        )
        signs = weight_signs(stage, network)
        if signs > MOST_SIGNS:
            raise PlanError(
                f"engine {self.name!r} has adders for up to {MOST_SIGNS} signs of weights, and "
                f"layer {stage.layers[0]!r} has {signs}; take another engine"
            )

    def units(
        self, stage: EngineStage, network: Network, limits: SizeLimits
    ) -> list[tuple[str, Unit]]:
        """A window, the engine, and its pixels where fewer leave at once."""
        self.check(stage, network)
        layer, x, y = stage.layer(network), stage.input(network), stage.dots(network)
        vectors = y.height * y.width // stage.pixels
        border = border_around(stage, network)
        settings: dict[str, Any] = {
            "weights": layer.weights,
            "encoding": x.encoding,
            "bits": x.bits,
            "vectors": vectors,
            "post": stage.post(network),
            "pixels": stage.pixels,
            "form": stage.popcount,
            "span": None if x.is_code else x.value_range,
            "border": border,
        }
        fold = self.value(stage, "fold")
        unit = FoldedUnit(**settings, fold=fold) if fold > 1 else UnrolledUnit(**settings)
        order = order_units(
            unit.o, stage.pixels, 1, vectors, fold, output_pixels=stage.output_pixels
        )
        feed: list[tuple[str, Unit]] = []
        if isinstance(layer, Conv2d):
            window = WindowUnit.of(
                layer,
                x,
                padding=Padding.MINUS if border else layer.padding,
                channels=x.channels,
                folds=1,
                memory=stage.window,
                pixels=stage.pixels,
                input_pixels=stage.input_pixels,
            )
            feed = [("window", window)]
        return [*feed, (self.name, unit), *order]


def weight_signs(stage: EngineStage, network: Network) -> int:
    """Weights of the layer's distinct rows times their bit planes."""
    return signs_of(stage.layer(network).weights)


@lru_cache(maxsize=64)
def signs_of(weights: Weights) -> int:
    """The same of these weights."""
    rows = distinct_rows(weights.dense().reshape(weights.shape[0], -1))
    return rows * weights.row_length * len(branches_of(weights))


def border_around(stage: EngineStage, network: Network) -> Border | None:
    """Where windows lie beyond the edges of a tensor without a code for zero."""
    layer, x = stage.layer(network), stage.input(network)
    if not isinstance(layer, Conv2d) or not is_masked(layer, x):
        return None
    return border_of((x.height, x.width), layer.window, stage.pixels)
