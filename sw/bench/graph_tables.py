"""The tables of what random graphs are made of. A new operator needs one row."""

from functools import partial

from subbit.sw.bench import graph_layers as layers
from subbit.sw.bench import graph_parts as parts
from subbit.sw.bench import graph_steps as steps
from subbit.sw.bench.graph_parts import Row, each, with_constant

__all__ = ["BETWEEN", "LAYERS", "POOLS", "QUANTISERS", "STARTS"]

STARTS: dict[str, Row] = {
    "pixels": parts.as_pixels,
    "few bits": parts.few_bits,
    "signs": parts.signs_of_pixels,
    "centred": parts.centred,
    "linear": parts.linear_pixels,
}
LAYERS: dict[str, Row] = {
    "conv": parts.convolution,
    "second conv": parts.convolution,
    "dense": parts.dense,
    **{
        f"{kind} window": layers.window(kind)
        for kind in ("dilated", "even", "large", "oblong", "uneven", "auto", "Pad", "whole")
    },
    "groups": layers.grouped,
    "branches": layers.branches,
    "QLinearConv": layers.qlinear_conv,
    "QLinearMatMul": layers.qlinear_matmul,
}
BETWEEN: dict[str, Row] = {
    "norm": parts.norm,
    **{f"x {kind} c": with_constant(kind, True) for kind in ("Add", "Sub", "Mul", "Div")},
    **{f"c {kind} x": with_constant(kind, False) for kind in ("Add", "Sub", "Mul")},
    **{kind: each(kind) for kind in ("Neg", "Relu", "Tanh", "Sigmoid", "Identity", "Abs")},
    "LeakyRelu": each("LeakyRelu", alpha=0.25),
    "LeakyRelu falling": each("LeakyRelu", alpha=-0.5),
    "HardSigmoid": each("HardSigmoid", alpha=0.25, beta=0.5),
    "HardSwish": each("HardSwish", after=14),
    "Mish": each("Mish", after=18),
    "swish": steps.swish,
    "Dropout": each("Dropout", after=12),
    "Cast": each("Cast", to=1),
    "Clip": parts.clip,
    "Min": steps.limited("Min"),
    "Max": steps.limited("Max"),
    "PRelu": parts.prelu(0.0),
    "PRelu falling": parts.prelu(-1.0),
    "Transpose": parts.there_and_back,
    "last channel": steps.last_channel,
}
QUANTISERS: dict[str, Row] = {
    "Quant": parts.few_codes,
    "BipolarQuant": parts.one_bit,
    "linear": parts.linear_codes,
    "output_dtype": steps.of_type,
    "thresholds": steps.multithreshold(False),
    "thresholds of channels": steps.multithreshold(True),
    "Sign": steps.sign,
    **{kind: steps.rounded(kind) for kind in ("Round", "Floor", "Ceil")},
    "comparison": steps.compared,
    "Where": steps.chosen,
    "And": steps.in_window,
    "straight through": steps.straight_through,
}
POOLS: dict[str, Row] = {
    "none": lambda g, draw, t: t,
    "MaxPool": parts.max_pool,
    "AveragePool": partial(parts.mean_of, whole=False),
    "GlobalAveragePool": partial(parts.mean_of, whole=True),
    "sums": layers.averaged,
}
