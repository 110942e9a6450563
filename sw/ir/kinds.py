"""The one table of layer kinds: where each one's network, golden and cycle rule and component are.

Entries are import paths, so that reading a network needs neither torch nor Amaranth.
docs/extend/adding-a-layer.md walks through adding one.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from subbit.sw.errors import NetworkError
from subbit.sw.hints import near

if TYPE_CHECKING:
    from subbit.sw.ir.layer import Layer

__all__ = ["KINDS", "LayerKind", "layer_from_parts", "layer_kind", "register"]

# What other frameworks call layers that one of ours does the work of.
SYNONYMS = {
    "activation": "threshold",
    "adaptiveavgpool2d": "globalavgpool",
    "averagepool": "avgpool2d",
    "batchnorm2d": "threshold",
    "channelshuffle": "select",
    "concatenate": "concat",
    "constantpad2d": "pad",
    "dense": "linear",
    "gemm": "linear",
    "globalaveragepool": "globalavgpool",
    "hardtanh": "threshold",
    "interpolate": "upsample",
    "matmul": "linear",
    "leakyrelu": "requantise",
    "prelu": "requantise",
    "pixelshuffle": "depthtospace",
    "quant": "threshold",
    "relu": "threshold",
    "reshape": "flatten",
    "resize": "upsample",
    "sigmoid": "threshold",
    "sign": "threshold",
    "slice": "select",
    "softmax": "argmax",
    "split": "select",
    "zeropad2d": "pad",
}


@dataclass(frozen=True)
class LayerKind:
    """Where the parts of a layer kind are, each as ``module:name``.

    ``rule``: its Layer class. ``golden``: ``f(layer, input_types, *inputs) -> tensor`` (torch).
    ``stage``: its Stage class, which turns it into units with their cycles and components; empty
    where it needs no hardware.
    """

    rule: str
    golden: str
    stage: str = ""

    def load(self, part: str) -> Any:
        """The object that the part (``rule``, ``golden`` or ``stage``) names."""
        module, _, name = getattr(self, part).partition(":")
        return getattr(import_module(module), name)


KINDS: dict[str, LayerKind] = {}


def register(name: str, kind: LayerKind) -> None:
    """Add a layer kind; raises ValueError if the name is taken."""
    if name in KINDS:
        raise ValueError(f"layer kind {name!r} is registered already")
    KINDS[name] = kind


def layer_kind(name: str) -> LayerKind:
    """The kind of that name; raises NetworkError, naming one spelt alike, if there is none."""
    if name in KINDS:
        return KINDS[name]
    names = {kind: kind for kind in KINDS} | SYNONYMS
    found = near(name, names)
    if found is None:
        raise NetworkError(
            f"unsupported layer {name[:64]!r}; the supported ones are {', '.join(KINDS)}"
        )
    raise NetworkError(
        f"unsupported layer {name[:64]!r}; the nearest supported one is {names[found]!r}"
    )


def layer_from_parts(kind: str, attributes: dict[str, Any], tensors: dict[str, Any]) -> "Layer":
    """The layer of that kind from its attributes and arrays; raises NetworkError."""
    layer: Layer = layer_kind(kind).load("rule").from_parts(attributes, tensors)
    return layer


for _name, _class, _stage in [
    ("conv2d", "Conv2d", "dot:DotStage"),
    ("linear", "Linear", "dot:DotStage"),
    ("maxpool2d", "MaxPool2d", "maxpool2d:MaxPoolStage"),
    ("threshold", "Threshold", "threshold:ThresholdStage"),
    ("affine", "Affine", "affine:AffineStage"),
    ("add", "Add", "add:AddStage"),
    ("concat", "Concat", "concat:ConcatStage"),
    ("avgpool2d", "AvgPool2d", "avgpool2d:AvgPoolStage"),
    ("globalavgpool", "GlobalAvgPool", "globalavgpool:GlobalAvgPoolStage"),
    ("depthwiseconv2d", "DepthwiseConv2d", "depthwiseconv2d:DepthwiseStage"),
    ("select", "Select", "select:SelectStage"),
    ("upsample", "Upsample", "upsample:UpsampleStage"),
    ("pad", "Pad", "pad:PadStage"),
    ("requantise", "Requantise", "requantise:RequantiseStage"),
    ("depthtospace", "DepthToSpace", "depthtospace:DepthToSpaceStage"),
    ("argmax", "Argmax", "argmax:ArgmaxStage"),
    ("flatten", "Flatten", ""),
]:
    register(
        _name,
        LayerKind(
            rule=f"subbit.sw.ir.layers.{_name}:{_class}",
            golden=f"subbit.sw.golden.{_name}:evaluate",
            stage=_stage and f"subbit.sw.lower.stages.{_stage}",
        ),
    )
