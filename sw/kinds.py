"""The one table of layer kinds: where each one's network, golden and cycle rule and component are.

Entries are import paths, so that reading a network needs neither torch nor Amaranth.
docs/adding-a-layer.md walks through adding one.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from subbit.sw.errors import NetworkError
from subbit.sw.ir.layer import Layer

__all__ = ["KINDS", "LayerKind", "layer_kind", "register"]


@dataclass(frozen=True)
class LayerKind:
    """Where the four parts of a layer kind are, each as ``module:name``.

    ``rule``: its Layer class. ``golden``: ``f(layer, input_types, *inputs) -> tensor`` (torch).
    ``stage``: the Stage class that plans it and models its cycles, or empty where another layer's
    stage absorbs it or it needs no hardware. ``component``: ``f(stage) -> wiring.Component`` that
    builds the stage (Amaranth).
    """

    rule: str
    golden: str
    stage: str = ""
    component: str = ""

    def load(self, part: str) -> Any:
        """The object that the part (``rule``, ``golden``, ``stage`` or ``component``) names."""
        module, _, name = getattr(self, part).partition(":")
        return getattr(import_module(module), name)


KINDS: dict[str, LayerKind] = {}


def register(name: str, kind: LayerKind) -> None:
    """Add a layer kind; raises ValueError if the name is taken."""
    if name in KINDS:
        raise ValueError(f"layer kind {name!r} is registered already")
    KINDS[name] = kind


def layer_kind(name: str) -> LayerKind:
    """The kind of that name; raises NetworkError, naming the nearest one, if there is none."""
    if name in KINDS:
        return KINDS[name]
    from difflib import get_close_matches

    near = get_close_matches(str(name), KINDS, 1, 0.0)
    raise NetworkError(f"unsupported layer {name!r}; the nearest supported one is {near[0]!r}")


def layer_from_parts(kind: str, attributes: dict[str, Any], tensors: dict[str, Any]) -> Layer:
    """The layer of that kind from its attributes and arrays."""
    layer: Layer = layer_kind(kind).load("rule").from_parts(attributes, tensors)
    return layer


for _name, _class, _stage, _component in [
    ("conv2d", "Conv2d", "dot:DotStage", "dot:build"),
    ("linear", "Linear", "dot:DotStage", "dot:build"),
    ("maxpool2d", "MaxPool2d", "maxpool2d:MaxPoolStage", "maxpool2d:build"),
    ("threshold", "Threshold", "threshold:ThresholdStage", "threshold:build"),
    ("affine", "Affine", "affine:AffineStage", "affine:build"),
    ("argmax", "Argmax", "argmax:ArgmaxStage", "argmax:build"),
    ("flatten", "Flatten", "", ""),
]:
    register(
        _name,
        LayerKind(
            rule=f"subbit.sw.ir.layers.{_name}:{_class}",
            golden=f"subbit.sw.golden.{_name}:evaluate",
            stage=_stage and f"subbit.sw.stages.{_stage}",
            component=_component and f"subbit.hw.stages.{_component}",
        ),
    )
