"""What an engine of dot products says of itself, and the stage that it is chosen in."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from math import gcd
from typing import Any, ClassVar

from subbit.hw.contract.limits import SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.dot.popcount import FORMS, PORTABLE
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.network import Network
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import TiledWeights
from subbit.sw.lower.stages.stage import MOST, Stage, check_setting, divisors

__all__ = [
    "COMMON",
    "DIRECT",
    "Engine",
    "EngineStage",
    "Setting",
    "groups_of",
    "is_masked",
    "refuse_groups",
]

DIRECT = "direct"


@dataclass(frozen=True)
class Setting:
    """A setting of an engine: a key of its stage's row in a plan file.

    ``default``: where the row says nothing. ``choices``: the words that it may be; without any it
    is an integer from ``least`` to ``most``.
    """

    default: int | str
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = MOST

    def check(self, name: str, value: object) -> None:
        """Raise PlanError, naming the setting, where it cannot be that."""
        check_setting(name, value, self.choices, self.least, self.most)


COMMON: Mapping[str, Setting] = {
    "pe": Setting(1),
    "simd": Setting(1),
    "pixels": Setting(1),
    "weights": Setting("auto", ("auto", "block", "logic")),
    "window": Setting("auto", ("auto", "block", "distributed")),
    "popcount": Setting(PORTABLE, FORMS),
    "input_pixels": Setting(1),
    "output_pixels": Setting(1),
}
"""The settings that every engine so far has: ``pe`` outputs computed at once; ``simd`` inputs
consumed a cycle; output ``pixels`` computed at once; ``input_pixels`` that a window takes at once,
of which 1 may come in parts; ``output_pixels`` that leave at once, of which 1 may leave in parts;
where ``weights`` and the lines of a ``window`` live; the form of counters of matches, ``popcount``,
portable or of a fabric's cells. See sw/lower/engines/widths.py for the numbers of pixels.
"""


@dataclass(frozen=True)
class EngineStage(Stage):
    """The settings of a layer of dot products, of whatever engine, and that layer.

    Each field is a key of the plan's row, and each engine says which of them it has; the others
    stay at their defaults. ``own``: settings that are no fields, by name: those that one engine
    alone has may be declared by it and stand here.
    """

    engine: str = DIRECT
    pe: int = 1
    simd: int = 1
    pixels: int = 1
    weights: str = "auto"
    window: str = "auto"
    popcount: str = PORTABLE
    x_branches: int = 0
    w_branches: int = 0
    blanks: str = "auto"
    dot9: int = 1
    fill: str = "logic"
    input_pixels: int = 1
    output_pixels: int = 1
    compare: str = "carry"
    own: tuple[tuple[str, int | str], ...] = ()

    @classmethod
    def shared_settings(cls) -> dict[str, Any]:
        """The settings that are fields, each with its default."""
        return {f.name: f.default for f in fields(cls) if f.name not in ("layers", "fifo", "own")}

    def layer(self, network: Network) -> Conv2d | Linear:
        """The layer whose dot products the stage computes."""
        layer = network.node(self.layers[0]).layer
        if not isinstance(layer, Conv2d | Linear):
            raise PlanError(f"layer {self.layers[0]!r} is no convolution or linear layer")
        return layer

    def input(self, network: Network) -> TensorType:
        """The type of what the layer reads."""
        return network.types[network.node(self.layers[0]).inputs[0]]

    def dots(self, network: Network) -> TensorType:
        """The type of the dot products."""
        return network.types[self.layers[0]]

    def group_outputs(self, network: Network) -> int:
        """Outputs of the layer that read the same channels: all, but for convolutions in groups."""
        return self.layer(network).weights.shape[0] // groups_of(self, network)

    def simds(self, network: Network) -> list[int]:
        """The values of ``simd`` worth trying, ascending: whole kernels of some channels, or any
        divisor.
        """
        layer = self.layer(network)
        weights = layer.weights
        size = layer.window.size if isinstance(layer, Conv2d) else 1
        planes = [plane for _, plane in branches_of(weights)]
        tile = gcd(*(plane.tile.size for plane in planes if isinstance(plane, TiledWeights)))
        whole = [size * c for c in divisors(weights.row_length // size)]
        fitting = [simd for simd in whole if tile % simd == 0]
        return fitting or [simd for simd in divisors(weights.row_length) if tile % simd == 0]


class Engine(ABC):
    """One way to compute the dot products of a convolution or linear layer.

    ``name``: in plan files. ``settings``: all that it has, by key of the plan's row. ``is_wires``:
    whether weights are wires.
    """

    is_wires: ClassVar[bool] = False

    name: ClassVar[str]
    settings: ClassVar[Mapping[str, Setting]]

    def value(self, stage: EngineStage, name: str) -> Any:
        """A setting of the stage, in its fields or of the engine's own."""
        if name in stage.shared_settings():
            return getattr(stage, name)
        return dict(stage.own).get(name, self.settings[name].default)

    def on(self, stage: EngineStage, **settings: Any) -> EngineStage:
        """The stage on this engine with those settings, its own among them; what else this engine
        does not have goes back to its default.
        """
        fields = stage.shared_settings()
        reset = {name: default for name, default in fields.items() if name not in self.settings}
        own = tuple((name, value) for name, value in settings.items() if name not in fields)
        shared = {name: value for name, value in settings.items() if name in fields}
        return replace(stage, **{**reset, **shared, "engine": self.name}, own=own)

    @abstractmethod
    def check(self, stage: EngineStage, network: Network) -> None:
        """Raise PlanError where a setting does not fit the layer, or the layer not the engine."""

    @abstractmethod
    def variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """The stage with each of the settings of this engine that the planner may choose; none
        where the engine cannot compute the layer. Some may not fit: ``units`` then raises
        PlanError.
        """

    def wide_variants(self, stage: EngineStage, network: Network) -> Iterator[EngineStage]:
        """The same with beats of any width: of several pixels or rows, and so many at the input and
        the output that these do not bound the rate. Those of ``variants`` for an engine that has
        one pixel a beat.
        """
        yield from self.variants(stage, network)

    @abstractmethod
    def least_cycles(self, stage: EngineStage, network: Network) -> int:
        """A lower bound of the cycles that a frame takes, from a formula, without any units."""

    @abstractmethod
    def units(
        self, stage: EngineStage, network: Network, limits: SizeLimits
    ) -> list[tuple[str, Unit]]:
        """The units, in order, each with the suffix of its name; ``limits``: of the part. Raises
        PlanError where ``check`` does.
        """

    def notes(self, stage: EngineStage, network: Network) -> list[str]:
        """What other weights would gain on this engine, in words; mostly nothing."""
        return []


def groups_of(stage: EngineStage, network: Network) -> int:
    """Groups of the channels of the stage's layer."""
    layer = stage.layer(network)
    return layer.groups if isinstance(layer, Conv2d) else 1


def refuse_groups(stage: EngineStage, network: Network) -> None:
    """Raise PlanError where the layer is a convolution in groups, for which one engine is."""
    if (groups := groups_of(stage, network)) > 1:
        raise PlanError(
            f"engine {stage.engine!r} computes all outputs from all channels, and layer "
            f"{stage.layers[0]!r} has {groups} groups; take {DIRECT!r}"
        )


def is_masked(layer: Conv2d | Linear, x: TensorType) -> bool:
    """Whether zeros surround a tensor without a code for zero, so that windows carry a mask."""
    zero = isinstance(layer, Conv2d) and layer.padding is Padding.ZERO
    return zero and x.encoding is Encoding.BIPOLAR
