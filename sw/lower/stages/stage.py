"""The base of every stage: one row of a Plan, which turns one or more layers into units."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any, ClassVar, Self

from subbit.hw.contract.unit import Unit
from subbit.sw.errors import PlanError, quote
from subbit.sw.ir.network import Network, Node

__all__ = ["Stage", "divisors"]


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
    def units(self, network: Network) -> list[tuple[str, Unit]]:
        """The units, in order, each with the suffix of its name; raises PlanError where a setting
        is wrong.
        """

    def with_popcount(self, form: str) -> Self:
        """The stage with XNOR-popcounts of that form; itself where it has none."""
        return self

    def axes(self, network: Network) -> dict[str, Sequence[int | str]]:
        """The settings that the planner may choose, each with the values worth trying."""
        return {}

    def variants(self, network: Network) -> "Iterator[Stage]":
        """Every stage for these layers that the planner may choose: all combinations of ``axes``.

        Some of them may not fit the network: ``units`` then raises PlanError.
        """
        axes = self.axes(network)
        for values in product(*axes.values()):
            chosen: dict[str, Any] = dict(zip(axes, values, strict=True))
            yield replace(self, **chosen)

    def least_cycles(self, network: Network) -> int:
        """A lower bound of the cycles that a frame takes, from a formula, without any units."""
        return 0

    def to_json(self) -> dict[str, Any]:
        """The row of the plan's file."""
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"layers": list(self.layers), **{k: v for k, v in row.items() if k != "layers"}}

    @classmethod
    def from_json(cls, row: dict[str, Any], layers: tuple[str, ...]) -> Self:
        """The stage that a row describes; raises PlanError naming the setting that is wrong."""
        settings = {key: value for key, value in row.items() if key != "layers"}
        known = {field.name: field for field in fields(cls) if field.name != "layers"}
        for key, value in settings.items():
            if key not in known:
                raise PlanError(f"unknown setting {quote(key)}; this stage has {', '.join(known)}")
            words = cls.choices.get(key)
            if words and value not in words:
                raise PlanError(
                    f"setting {key!r} must be one of {', '.join(words)}, not {quote(value)}"
                )
            if not words and (type(value) is not int or not 0 <= value <= 1 << 20):
                raise PlanError(
                    f"setting {key!r} must be an integer from 0 to {1 << 20}, not {quote(value)}"
                )
        try:
            return cls(layers=layers, **settings)
        except TypeError:
            missing = [
                key for key in ("pe", "simd", "lanes") if key in known and key not in settings
            ]
            raise PlanError(f"the settings {', '.join(missing)} are missing") from None


def check_divides(name: str, value: int, whole: int, what: str) -> None:
    """Raise PlanError unless ``value`` divides ``whole``, listing what would."""
    if value < 1 or whole % value:
        fitting = ", ".join(map(str, divisors(whole)))
        raise PlanError(f"{name}={value} does not divide {what}, {whole}; it may be {fitting}")
