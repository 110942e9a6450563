"""The layers that a user's own model is made of, beside torch's own; see docs/use/own-models.md."""

from subbit.sw.ir import Padding
from subbit.sw.nn.codebook import CodebookEncoder
from subbit.sw.nn.encoders import PlainEncoder, TiledEncoder
from subbit.sw.nn.joins import AvgPool2d, Concat, GlobalAvgPool, Residual, Select
from subbit.sw.nn.layers import (
    BatchNorm,
    BinaryConv2d,
    BinaryLinear,
    CodebookConv2d,
    CodedConv2d,
    CodedLinear,
    DepthwiseConv2d,
    Flatten,
    MaxPool2d,
    PlanesEncoder,
    QuantActivation,
    QuantConv2d,
    QuantEncoder,
    QuantLinear,
    Range,
    Scale,
    SignActivation,
    TiledConv2d,
    TiledLinear,
)

__all__ = [
    "AvgPool2d",
    "BatchNorm",
    "BinaryConv2d",
    "BinaryLinear",
    "CodebookConv2d",
    "CodebookEncoder",
    "CodedConv2d",
    "CodedLinear",
    "Concat",
    "DepthwiseConv2d",
    "Flatten",
    "GlobalAvgPool",
    "MaxPool2d",
    "Padding",
    "PlainEncoder",
    "PlanesEncoder",
    "QuantActivation",
    "QuantConv2d",
    "QuantEncoder",
    "QuantLinear",
    "Range",
    "Residual",
    "Scale",
    "Select",
    "SignActivation",
    "TiledConv2d",
    "TiledEncoder",
    "TiledLinear",
]
