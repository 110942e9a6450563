"""Network: the typed graph with integer parameters, its rules and its file."""

from subbit.sw.ir.file import load_network, save_network
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.argmax import Argmax
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.concat import Concat
from subbit.sw.ir.layers.conv2d import Conv2d, Padding
from subbit.sw.ir.layers.depthtospace import DepthToSpace
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.ir.layers.globalavgpool import GlobalAvgPool
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.layers.pad import Pad
from subbit.sw.ir.layers.requantise import Requantise
from subbit.sw.ir.layers.select import Select
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.layers.upsample import Upsample
from subbit.sw.ir.network import INPUT, Network, Node
from subbit.sw.ir.planes import PlanesWeights
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import BinaryWeights, CodebookWeights, TiledWeights, Weights

__all__ = [
    "INPUT",
    "Add",
    "Affine",
    "Argmax",
    "AvgPool2d",
    "BinaryWeights",
    "CodebookWeights",
    "Concat",
    "Conv2d",
    "DepthToSpace",
    "DepthwiseConv2d",
    "Encoding",
    "Flatten",
    "GlobalAvgPool",
    "Layer",
    "Linear",
    "MaxPool2d",
    "Network",
    "Node",
    "Pad",
    "Padding",
    "PlanesWeights",
    "Requantise",
    "Select",
    "TensorType",
    "Threshold",
    "TiledWeights",
    "Upsample",
    "Weights",
    "load_network",
    "save_network",
]
