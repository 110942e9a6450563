"""The base of every stage: one row of a Plan, which turns one or more layers into units."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any, ClassVar, Self, TypeVar

from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.streams.shapes import beat_sizes
from subbit.sw.errors import PlanError, quote
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network, Node
from subbit.sw.ir.types import TensorType

__all__ = [
    "MOST",
    "Stage",
    "check_beats",
    "check_divides",
    "check_pixels",
    "check_setting",
    "combinations",
    "divisors",
    "pixel_counts",
    "unknown_setting",
]

MOST = 1 << 20  # of any setting that is a number


def divisors(number: int) -> list[int]:
    """All divisors, ascending."""
    return [d for d in range(1, number + 1) if number % d == 0]


@dataclass(frozen=True)
class Stage(ABC):
    """How ``layers`` (names of nodes in a row) are computed: the fields of a subclass are its
    settings.

    A setting is an integer or one of the words in ``choices``; all of them stand in the plan's
    file. ``fifo`` is the depth of the FIFO behind the stage, 0 for none.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    layers: tuple[str, ...]
    fifo: int = 0

    @classmethod
    def absorbs(cls, network: Network, node: Node, follower: Node) -> bool:
        """Whether a stage that ends in ``node`` computes ``follower`` too."""
        return False

    @classmethod
    @abstractmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> Self:
        """The smallest stage for these layers, behind a stage that gives ``lanes`` lanes."""

    @abstractmethod
    def units(self, network: Network, limits: SizeLimits = MEASURED) -> list[tuple[str, Unit]]:
        """The units, in order, each with the suffix of its name; raises PlanError where a setting
        is wrong. ``limits``: what counts as large on the part that the plan is for.
        """

    def with_popcount(self, form: str) -> Self:
        """The stage with XNOR-popcounts of that form; itself where it has none."""
        return self

    def quickly_made(self) -> Self:
        """The stage as the planner's first estimate makes it: with portable counters, since finding
        the compressor trees of others takes long.
        """
        return self.with_popcount(PORTABLE)

    @property
    def is_wires(self) -> bool:
        """Whether its weights are wires, so that other ones need a new build."""
        return False

    @property
    def reorders(self) -> bool:
        """Whether it computes several pixels at once and puts them in order behind."""
        return False

    def post(self, network: Network) -> Threshold | Affine | None:
        """The threshold or affine layer that the stage has taken in behind its first layer."""
        layer = network.node(self.layers[1]).layer if len(self.layers) > 1 else None
        assert layer is None or isinstance(layer, Threshold | Affine)
        return layer

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """The settings that the planner may choose, each with the values worth trying."""
        return {}

    def wide_axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """As ``axes``, with beats of several pixels and rows too, where the stage takes such."""
        return self.axes(network)

    def variants(self, network: Network) -> "Iterator[Stage]":
        """Every stage for these layers that the planner may choose: all combinations of ``axes``.

        Some of them may not fit the network: ``units`` then raises PlanError.
        """
        yield from combinations(self, self.axes(network))

    def wide_variants(self, network: Network) -> "Iterator[Stage]":
        """The same with beats of several pixels and rows, too."""
        yield from combinations(self, self.wide_axes(network))

    def least_cycles(self, network: Network) -> int:
        """A lower bound of the cycles that a frame takes, from a formula, without any units."""
        return 0

    def notes(self, network: Network) -> list[str]:
        """What another network of the same shape would gain, in words for a report."""
        return []

    def to_json(self) -> dict[str, Any]:
        """The row of the plan's file."""
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"layers": list(self.layers), **{k: v for k, v in row.items() if k != "layers"}}

    @classmethod
    def from_json(cls, row: dict[str, Any], layers: tuple[str, ...]) -> Self:
        """The stage that a row describes; raises PlanError naming the setting that is wrong."""
        settings = {key: value for key, value in row.items() if key != "layers"}
        known = [field.name for field in fields(cls) if field.name != "layers"]
        for key, value in settings.items():
            if key not in known:
                raise unknown_setting(key, known)
            check_setting(key, value, cls.choices.get(key, ()))
        try:
            return cls(layers=layers, **settings)
        except TypeError:
            missing = [
                key for key in ("pe", "simd", "lanes") if key in known and key not in settings
            ]
            raise PlanError(f"the settings {', '.join(missing)} are missing") from None


AnyStage = TypeVar("AnyStage", bound=Stage)


def combinations(stage: AnyStage, axes: Mapping[str, Sequence[int | str]]) -> Iterator[AnyStage]:
    """The stage with every combination of the settings in ``axes``."""
    for values in product(*axes.values()):
        chosen: dict[str, Any] = dict(zip(axes, values, strict=True))
        yield replace(stage, **chosen)


def unknown_setting(name: str, known: Iterable[str]) -> PlanError:
    """The error for a setting that a stage does not have."""
    return PlanError(f"unknown setting {quote(name)}; this stage has {', '.join(known)}")


def check_setting(
    name: str, value: object, words: Sequence[str] = (), least: int = 0, most: int = MOST
) -> None:
    """Raise PlanError unless the value is one of ``words``, or without these an integer from
    ``least`` to ``most``.
    """
    if words and value not in words:
        raise PlanError(f"setting {name!r} must be one of {', '.join(words)}, not {quote(value)}")
    if not words and (type(value) is not int or not least <= value <= most):
        raise PlanError(
            f"setting {name!r} must be an integer from {least} to {most}, not {quote(value)}"
        )


def check_beats(lanes: int, sizes: Sequence[int], x: TensorType) -> None:
    """Raise PlanError unless ``lanes`` is one of the ``sizes`` of a beat of ``x``, listing them."""
    if lanes not in sizes:
        raise PlanError(
            f"lanes={lanes} does not fit {x.height}x{x.width} pixels of {x.channels} channels; it "
            f"may be {', '.join(map(str, sizes))}"
        )


def check_divides(name: str, value: int, whole: int, what: str) -> None:
    """Raise PlanError unless ``value`` divides ``whole``, listing what would."""
    if value < 1 or whole % value:
        fitting = ", ".join(map(str, divisors(whole)))
        raise PlanError(f"{name}={value} does not divide {what}, {whole}; it may be {fitting}")


def pixel_counts(tensor: TensorType) -> list[int]:
    """How many whole pixels of the tensor a beat may hold, ascending: some of a row, as many as
    divide it, or whole rows, as many as divide the frame.
    """
    return [size // tensor.channels for size in beat_sizes(tensor) if size >= tensor.channels]


def check_pixels(name: str, value: int, tensor: TensorType, what: str) -> None:
    """Raise PlanError, listing what would do, unless a beat of the tensor may hold ``value`` whole
    pixels; ``what``: the pixels of a row.
    """
    if value not in (counts := pixel_counts(tensor)):
        fitting = ", ".join(map(str, counts))
        raise PlanError(
            f"{name}={value} does not divide {what}, {tensor.width}; it may be {fitting}"
        )
