"""A float torch network with our layers in the places of its own: the graph of post-training
quantisation.

Before every layer with weights stands a quantiser of what it reads, and before every addition one
of each summand, of one grid. The ranges come from the float network on calibration data.
"""

import copy
import operator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from subbit.sw.errors import NetworkError
from subbit.sw.importers.torch.tracing import evaluating
from subbit.sw.ir import Padding
from subbit.sw.nn import layers
from subbit.sw.nn.activations import MAX_BITS
from subbit.sw.nn.scaled import ScaledEncoder

__all__ = ["FloatGraph", "Quantised", "quantised_graph"]

DOTS = (nn.Conv2d, nn.Linear)
MOVES = (nn.Flatten, nn.Dropout, nn.Dropout2d, nn.Identity, nn.MaxPool2d)
MOVING = {torch.flatten, "flatten", "view", "reshape", torch.reshape, nn.functional.dropout}
MEANS = (nn.AvgPool2d, nn.AdaptiveAvgPool2d)
AVERAGING = {
    *(nn.functional.avg_pool2d, nn.functional.adaptive_avg_pool2d, torch.mean, "mean"),
}
ADDITIONS = {operator.add, torch.add, "add", operator.iadd}
# Summands and means have so many bits more than other activations.
MORE_BITS = 2
KEPT = 1 << 16
CANDIDATES = 20


@dataclass(frozen=True, eq=False)
class Quantised:
    """The module with our layers, and the encoders of its layers by name, in their order."""

    module: fx.GraphModule
    encoders: dict[str, ScaledEncoder]


class Quantiser(nn.Module):
    """Real numbers to the integers of codes: of 0 to ``reach``, or of both signs if ``signed``."""

    def __init__(self, reach: float, bits: int, *, signed: bool) -> None:
        super().__init__()
        kind = layers.Range.HARD_TANH if signed else layers.Range.UNSIGNED
        self.scale = layers.Scale(1.0, 1.0 / reach)
        self.activation = layers.QuantActivation(bits, kind)
        self.gain = reach / ((1 << bits) - 1)

    def forward(self, x: Tensor) -> Tensor:
        """The integers; 1 stands for ``gain``."""
        codes: Tensor = self.activation(self.scale(x))
        return codes


class FloatGraph(fx.Interpreter):
    """The float network's graph; running it on calibration data keeps samples of what each node
    gives.
    """

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.samples: dict[str, Tensor] = {}
        self.moments: dict[str, tuple[Tensor, Tensor]] = {}

    def run_node(self, n: fx.Node) -> Any:
        """See fx.Interpreter."""
        result = super().run_node(n)
        if isinstance(result, Tensor) and result.is_floating_point():
            flat = result.detach().flatten()
            self.samples[n.name] = flat[:: max(len(flat) // KEPT, 1)]
            if result.ndim > 1:
                rows = result.detach().transpose(0, 1).flatten(1)
                self.moments[n.name] = rows.mean(1), rows.var(1, correction=0)
        return result


def quantised_graph(
    module: nn.Module, reals: Tensor, unit: float, weight_bits: int, activation_bits: int
) -> Quantised:
    """``module`` with its layers of ``weight_bits`` and what they read of ``activation_bits``.

    ``reals``: calibration data, what the float module takes; ``unit``: the real number that 1 of an
    input code stands for. Raises NetworkError for what cannot be quantised, naming it.
    """
    twin = copy.deepcopy(module).eval()
    try:
        graph = fx.symbolic_trace(twin)
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise NetworkError(
            f"torch.fx cannot trace {type(module).__name__} ({text}); take control flow out of its "
            "forward"
        ) from None
    seen = FloatGraph(graph)
    with evaluating(graph), torch.no_grad():
        seen.run(reals)
    surgeon = Surgeon(graph, seen, unit, weight_bits, activation_bits)
    surgeon.operate()
    return Quantised(graph, surgeon.encoders)


@dataclass
class Surgeon:
    """Puts our layers and quantisers into a graph."""

    graph: fx.GraphModule
    seen: FloatGraph
    unit: float
    weight_bits: int
    activation_bits: int
    encoders: dict[str, ScaledEncoder] = field(default_factory=dict)
    quantisers: dict[str, fx.Node] = field(default_factory=dict)

    def operate(self) -> None:
        """All of it."""
        for node in list(self.graph.graph.nodes):
            part = self.part(node)
            if isinstance(part, DOTS):
                self.replace_dot(node, part)
            elif node.target in ADDITIONS and self.adds_two(node):
                self.replace_sum(node)
            elif isinstance(part, MEANS) or node.target in AVERAGING:
                given = node.args[0]
                assert isinstance(given, fx.Node)
                node.args = (self.quantiser(given, self.sum_bits), *node.args[1:])
                self.scale_behind(node)
        self.scale_input()
        self.graph.graph.lint()
        self.graph.recompile()

    @property
    def sum_bits(self) -> int:
        """The bits of summands."""
        return min(self.activation_bits + MORE_BITS, MAX_BITS)

    def part(self, node: fx.Node) -> nn.Module | None:
        """The module that a node calls."""
        found = node.op == "call_module"
        return self.graph.get_submodule(str(node.target)) if found else None

    def is_move(self, node: fx.Node) -> bool:
        """Whether a node hands codes on as they are."""
        return isinstance(self.part(node), MOVES) or node.target in MOVING

    def source(self, node: fx.Node) -> fx.Node:
        """What is behind nodes that only move numbers."""
        while self.is_move(node) and isinstance(node.args[0], fx.Node):
            node = node.args[0]
        return node

    def adds_two(self, node: fx.Node) -> bool:
        """Whether it adds two tensors."""
        return len(node.args) == 2 and all(isinstance(a, fx.Node) for a in node.args)

    def replace_dot(self, node: fx.Node, part: nn.Conv2d | nn.Linear) -> None:
        """A layer with weights."""
        (given,) = node.args
        assert isinstance(given, fx.Node)
        gain = self.unit
        if self.source(given).op != "placeholder":
            node.args = (self.quantiser(given, self.activation_bits),)
            gain = self.gain_of(node.args[0])
        encoder = ScaledEncoder(part.weight, bits=self.weight_bits, gain=gain)
        self.encoders[str(node.target)] = encoder
        made = coded(str(node.target), part, encoder)
        norm = self.norm_behind(node)
        if part.bias is not None and norm is not None and norm.running_mean is not None:
            norm.running_mean -= part.bias.detach()
        elif part.bias is not None:
            made = nn.Sequential(made, self.bias(node, part.bias.detach()))
        self.put(str(node.target), made)

    def norm_behind(self, node: fx.Node) -> _BatchNorm | None:
        """The BatchNorm that alone reads a node."""
        parts = [self.part(user) for user in node.users]
        found = parts[0] if len(parts) == 1 else None
        return found if isinstance(found, _BatchNorm) else None

    def bias(self, node: fx.Node, bias: Tensor) -> nn.Module:
        """A norm that adds the bias and, in training too, changes nothing else."""
        mean, variance = self.seen.moments[node.name]
        norm = layers.BatchNorm(len(bias))
        norm.running_mean = mean - bias
        norm.running_var = variance.clone()
        norm.weight.data.copy_((variance + norm.eps).sqrt())
        norm.bias.data.copy_(mean)
        return norm

    def quantiser(self, given: fx.Node, bits: int, reach: float | None = None) -> fx.Node:
        """The node that quantises ``given``, made at its first use."""
        key = f"{given.name}_{bits}_{reach}"
        if key not in self.quantisers:
            numbers = self.seen.samples[given.name]
            signed = bool((numbers < 0).any()) or reach is not None
            far = best_reach(numbers, bits, signed) if reach is None else reach
            name = f"quantiser{len(self.quantisers) + 1}"
            self.graph.add_module(name, Quantiser(far, bits, signed=signed))
            with self.graph.graph.inserting_after(given):
                self.quantisers[key] = self.graph.graph.call_module(name, (given,))
        return self.quantisers[key]

    def gain_of(self, node: Any) -> float:
        """What 1 of a quantiser's integers stands for."""
        part = self.part(node)
        assert isinstance(part, Quantiser)
        return part.gain

    def replace_sum(self, node: fx.Node) -> None:
        """An addition: both summands on one grid, and the sum's real number behind it."""
        given = [arg for arg in node.args if isinstance(arg, fx.Node)]
        reach = max(float(self.seen.samples[a.name].abs().max()) for a in given) or 1.0
        node.args = tuple(self.quantiser(a, self.sum_bits, reach) for a in given)
        self.scale_behind(node)

    def scale_behind(self, node: fx.Node) -> None:
        """The real numbers behind a node that sums a quantiser's integers."""
        name = f"scale_{node.name}"
        self.graph.add_module(name, layers.Scale(1.0, self.gain_of(node.args[0])))
        with self.graph.graph.inserting_after(node):
            scaled = self.graph.graph.call_module(name, (node,))
        node.replace_all_uses_with(scaled)
        scaled.args = (node,)
        self.seen.samples[scaled.name] = self.seen.samples[node.name]
        if node.name in self.seen.moments:
            self.seen.moments[scaled.name] = self.seen.moments[node.name]

    def scale_input(self) -> None:
        """The input's codes as real numbers for what is no layer with weights."""
        (start,) = [node for node in self.graph.graph.nodes if node.op == "placeholder"]
        users = [user for user in start.users if not self.leads_to_dots(user)]
        if users:
            self.graph.add_module("input_scale", layers.Scale(1.0, self.unit))
            with self.graph.graph.inserting_after(start):
                scaled = self.graph.graph.call_module("input_scale", (start,))
            for user in users:
                user.replace_input_with(start, scaled)

    def leads_to_dots(self, node: fx.Node) -> bool:
        """Whether all that a node gives ends in layers with weights."""
        if str(node.target) in self.encoders:
            return True
        return self.is_move(node) and all(self.leads_to_dots(user) for user in node.users)

    def put(self, target: str, made: nn.Module) -> None:
        """Put a module in the place of another."""
        parent, _, name = target.rpartition(".")
        setattr(self.graph.get_submodule(parent), name, made)


def coded(name: str, part: nn.Conv2d | nn.Linear, encoder: ScaledEncoder) -> nn.Module:
    """Our layer with the geometry of torch's."""
    if isinstance(part, nn.Linear):
        return layers.CodedLinear(encoder)
    kernel, stride = part.kernel_size, part.stride
    pads = part.padding if isinstance(part.padding, tuple) else (part.padding,) * 2
    half = tuple(side // 2 for side in kernel)
    odd = kernel[0] == kernel[1] and kernel[0] % 2 and stride[0] == stride[1]
    padded = pads in (half, ("same", "same")) and stride[0] in (1, 2)
    bare = pads in ((0, 0), ("valid", "valid"))
    if not odd or not (padded or bare) or part.dilation != (1, 1) or part.padding_mode != "zeros":
        raise NetworkError(
            f"layer {name!r} is a convolution of kernel {kernel}, stride {stride}, padding "
            f"{part.padding}; odd square kernels, one stride, and no padding or half the kernel "
            "become hardware"
        )
    padding = Padding.NONE if bare and not (padded and kernel == (1, 1)) else Padding.ZERO
    made = layers.CodedConv2d(
        encoder, stride=stride[0], padding=Padding.NONE if kernel == (1, 1) else padding
    )
    if part.groups == 1:
        return made
    if part.groups != part.in_channels or part.out_channels != part.in_channels:
        raise NetworkError(
            f"layer {name!r} has {part.groups} groups; use one, or one for each channel"
        )
    deep = layers.DepthwiseConv2d(part.in_channels, kernel[0], stride=stride[0], padding=padding)
    deep.encoder = encoder
    return deep


def best_reach(numbers: Tensor, bits: int, signed: bool) -> float:
    """The end of the range, of CANDIDATES, with the least squared error."""
    whole, top = float(numbers.abs().max()) or 1.0, (1 << bits) - 1
    best, least = whole, float("inf")
    for share in torch.linspace(0.15, 1.0, CANDIDATES).tolist():
        reach = share * whole
        low = -reach if signed else 0.0
        inside = (numbers.clamp(low, reach) - low) * (top / (reach - low))
        found = (inside + 0.5).floor() * ((reach - low) / top) + low
        error = float((numbers - found).square().sum())
        if error < least:
            best, least = reach, error
    return best
