"""Convolutions and linear layers, on the engine that the plan names."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from subbit.hw.contract.limits import MEASURED, SizeLimits
from subbit.hw.contract.unit import Unit
from subbit.hw.dot.popcount import PORTABLE
from subbit.sw.errors import PlanError
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.network import Network, Node
from subbit.sw.lower.engines.engine import Engine, EngineStage
from subbit.sw.lower.engines.table import all_engines, engine_of
from subbit.sw.lower.stages.stage import check_setting, unknown_setting

__all__ = ["DotStage"]


@dataclass(frozen=True)
class DotStage(EngineStage):
    """A convolution or linear layer, with the threshold or affine layer behind it.

    ``engine``: what computes it, a name in the table of engines. The other settings are that
    engine's: sw/lower/engines has a file for each, which says what they mean there and how many
    cycles a frame takes. A setting that the engine does not have must stay at its default.
    """

    @classmethod
    def absorbs(cls, network: Network, node: Node, follower: Node) -> bool:
        """A threshold or affine layer right behind the dot products belongs to their engine."""
        dot = isinstance(node.layer, Conv2d | Linear)
        return dot and isinstance(follower.layer, Threshold | Affine)

    @classmethod
    def default(cls, network: Network, layers: tuple[str, ...], lanes: int) -> "DotStage":
        """One output at a time; a kernel (of the least channels that fit) or a few inputs at a
        time.
        """
        stage = cls(layers=layers)
        return replace(stage, simd=stage.simds(network)[0])

    @property
    def chosen(self) -> Engine:
        """The stage's engine; raises PlanError where there is none of that name."""
        return engine_of(self.engine)

    def variants(self, network: Network) -> Iterator[EngineStage]:
        """Those of every engine that can compute the layer."""
        for engine in all_engines():
            yield from engine.variants(self, network)

    def wide_variants(self, network: Network) -> Iterator[EngineStage]:
        """Likewise; see Engine."""
        for engine in all_engines():
            yield from engine.wide_variants(self, network)

    def least_cycles(self, network: Network) -> int:
        """The engine's."""
        return self.chosen.least_cycles(self, network)

    def units(self, network: Network, limits: SizeLimits = MEASURED) -> list[tuple[str, Unit]]:
        """The engine's: mostly a window, the circuit, and its outputs put in their order."""
        self.refuse_foreign()
        return self.chosen.units(self, network, limits)

    def with_popcount(self, form: str) -> Self:
        """The stage with counters of that form, if its engine has counters."""
        return replace(self, popcount=form) if "popcount" in self.chosen.settings else self

    def quickly_made(self) -> Self:
        """With portable counters, but zero padding told as beside those of a vendor's cells."""
        portable = self.with_popcount(PORTABLE)
        tells = "blanks" in self.chosen.settings and portable.blanks == "auto"
        return replace(portable, blanks="sums") if tells else portable

    @property
    def is_wires(self) -> bool:
        """What the engine says."""
        return self.chosen.is_wires

    @property
    def reorders(self) -> bool:
        """Whether it computes more pixels at once than leave at once."""
        return self.pixels > self.output_pixels

    def notes(self, network: Network) -> list[str]:
        """What other weights would gain, on any engine."""
        return [note for engine in all_engines() for note in engine.notes(self, network)]

    def refuse_foreign(self) -> None:
        """Raise PlanError where a setting is changed that the engine does not have."""
        engine, own = self.chosen, dict(self.own)
        shared = {name: (getattr(self, name), at) for name, at in self.shared_settings().items()}
        changed = [name for name, (value, default) in shared.items() if value != default]
        for name in [*changed, *own]:
            if name != "engine" and name not in engine.settings:
                leave = f"; leave it at {shared[name][1]!r}" if name in shared else ""
                raise PlanError(
                    f"engine {self.engine!r} has no setting {name!r}, only "
                    f"{', '.join(engine.settings)}{leave}"
                )

    def to_json(self) -> dict[str, Any]:
        """The row of the plan's file, the engine's own settings last."""
        row = super().to_json()
        own = dict(row.pop("own"))
        return row | own

    @classmethod
    def from_json(cls, row: dict[str, Any], layers: tuple[str, ...]) -> Self:
        """See Stage; what a setting may be is what the engine says."""
        settings = {key: value for key, value in row.items() if key != "layers"}
        engine = engine_of(settings.get("engine", cls.engine))
        known = [field.name for field in fields(cls) if field.name not in ("layers", "own")]
        more = [key for key in engine.settings if key not in known]
        for key, value in settings.items():
            if key in engine.settings:
                engine.settings[key].check(key, value)
            elif key not in known:
                raise unknown_setting(key, [*known, *more])
            elif key == "fifo":
                check_setting(key, value)
        own = tuple((key, value) for key, value in settings.items() if key not in known)
        stage = cls(layers, **{k: v for k, v in settings.items() if k in known}, own=own)
        stage.refuse_foreign()
        return stage
