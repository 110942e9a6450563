"""The layout of a torch module's images."""

import operator
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from subbit.sw.importers.exact.layout import Use, channels_last
from subbit.sw.nn import joins, layers

__all__ = ["layout_of"]

# What torch calls the operators of ONNX that tell a layout, or that make other shapes.
SAID = (
    ("Conv", (nn.Conv1d, nn.Conv2d, layers.CodedConv2d, functional.conv2d)),
    ("ConvTranspose", (nn.ConvTranspose1d, nn.ConvTranspose2d)),
    ("MaxPool", (nn.MaxPool1d, nn.MaxPool2d, layers.MaxPool2d, functional.max_pool2d)),
    ("AveragePool", (nn.AvgPool1d, nn.AvgPool2d, joins.AvgPool2d, functional.avg_pool2d)),
    ("GlobalAveragePool", (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, joins.GlobalAvgPool)),
    ("GlobalAveragePool", (functional.adaptive_avg_pool2d,)),
    ("GlobalMaxPool", (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d)),
    ("GlobalMaxPool", (functional.adaptive_max_pool2d,)),
    ("BatchNormalization", (nn.BatchNorm2d,)),
    ("Reshape", (nn.Flatten, nn.Linear, layers.Flatten, layers.CodedLinear, torch.flatten)),
    ("Reshape", (torch.reshape, "view", "reshape", "flatten", torch.matmul, operator.matmul)),
    ("Reshape", ("size", getattr, "mean", torch.mean, "squeeze", "unsqueeze")),
)


def layout_of(root: nn.Module, graph: fx.Graph) -> bool | None:
    """Whether the input's channels are its last side, by what reads it; None where nothing
    tells.
    """
    uses, source = [], ""
    for node in graph.nodes:
        if node.op == "placeholder":
            source = source or node.name
            continue
        target: Any = node.target
        if node.op == "call_module":
            target = root.get_submodule(str(target))
        for read in node.all_input_nodes:
            uses.append(Use(said(target), read.name, node.name, order_of(node)))
    return channels_last(source, uses)


def said(target: Any) -> str:
    """What ONNX calls a module, a function or a method."""
    for kind, things in SAID:
        for thing in things:
            same = isinstance(target, thing) if isinstance(thing, type) else target == thing
            if same:
                return kind
    return ""


def order_of(node: fx.Node) -> tuple[int, ...]:
    """The order of sides of a permute; nothing for other nodes."""
    if node.target not in ("permute", torch.permute):
        return ()
    order = node.args[1] if isinstance(node.args[1], tuple | list) else node.args[1:]
    return tuple(int(str(side)) for side in order)
