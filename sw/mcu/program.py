"""A network as the steps of a C program: where each tensor is, and which call computes it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

import numpy as np

from subbit.sw.errors import NetworkError
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.layers.add import Add
from subbit.sw.ir.layers.affine import Affine
from subbit.sw.ir.layers.argmax import Argmax
from subbit.sw.ir.layers.avgpool2d import AvgPool2d
from subbit.sw.ir.layers.concat import Concat
from subbit.sw.ir.layers.conv2d import Conv2d
from subbit.sw.ir.layers.convolution import Convolution
from subbit.sw.ir.layers.depthtospace import DepthToSpace
from subbit.sw.ir.layers.depthwiseconv2d import DepthwiseConv2d
from subbit.sw.ir.layers.flatten import Flatten
from subbit.sw.ir.layers.globalavgpool import GlobalAvgPool
from subbit.sw.ir.layers.linear import Linear
from subbit.sw.ir.layers.maxpool2d import MaxPool2d
from subbit.sw.ir.layers.pad import Pad
from subbit.sw.ir.layers.pooling import Pooling
from subbit.sw.ir.layers.requantise import Requantise
from subbit.sw.ir.layers.select import Select
from subbit.sw.ir.layers.threshold import Threshold
from subbit.sw.ir.layers.upsample import Upsample
from subbit.sw.ir.network import INPUT, Network, Node
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.types import TensorType
from subbit.sw.ir.weights import CodebookWeights, Weights
from subbit.sw.ir.window import Window
from subbit.sw.mcu.arrays import Constants, bytes_of_integers, pack_bits, width_bytes
from subbit.sw.mcu.lines import greatest_numbers, lines_in_c
from subbit.sw.mcu.memory import Lifetimes
from subbit.sw.mcu.tensors import Step, Tensor
from subbit.sw.mcu.weights import order_of, weights_in_c
from subbit.sw.mcu.windows import groups_of, moving, window_in_c

__all__ = ["Program"]

MAX_SIDE = (1 << 15) - 1
SUM_BITS = 31  # magnitudes below 2**31 are summed in int32_t


@dataclass
class Program:
    """The steps of a network, its constants, and how much memory they take.

    ``sum_bits``: 32 or 64, of the sums. ``scratch_sums`` and ``scratch_bytes``: the greatest that
    one layer's sums and patches take.
    """

    network: Network
    constants: Constants = field(default_factory=Constants)
    steps: list[Step] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    scratch_sums: int = 0
    scratch_bytes: int = 0

    def __post_init__(self) -> None:
        self.fused = dict(fusible(self.network))
        kind = self.network.input_type
        self.tensors[INPUT] = self.new(INPUT, kind, kind.bits)
        target = self.tensors[INPUT]
        self.step(f"subbit_pack({target.place}, codes, 0, {{{INPUT}}})", (), target)
        for node in self.network.nodes:
            if node.name not in self.tensors:
                self.lower(node)

    @property
    def output_name(self) -> str:
        """The tensor that the program gives: of a classifier the logits, and of a network that ends
        in the argmax of a map the class of each pixel.
        """
        last = self.network.nodes[-1]
        return last.inputs[0] if self.ends_in_class(last) else last.name

    def ends_in_class(self, node: Node) -> bool:
        """Whether the node is the last, and makes the class of a frame."""
        is_last = node is self.network.nodes[-1] and isinstance(node.layer, Argmax)
        return is_last and self.network.output_type.elements == 1

    @property
    def output(self) -> Tensor:
        """Where that is."""
        return self.tensors[self.output_name]

    @property
    def is_classifier(self) -> bool:
        """Whether the output is a vector, whose greatest element is the class."""
        return (self.output.type.height, self.output.type.width) == (1, 1)

    @property
    def sum_bits(self) -> int:
        """Of the type of sums: wide enough for every integer and every partial sum."""
        magnitudes = [1]
        for node in self.network.nodes:
            types = [self.network.types[name] for name in (*node.inputs, node.name)]
            magnitudes += [max(abs(t.low), abs(t.high) + 1) for t in types]
            layer = node.layer
            if isinstance(layer, Convolution | Linear):
                magnitudes.append(2 * layer.weights.reach << types[0].bits)
            if isinstance(layer, Add):
                rows = zip(types, layer.shifts, strict=False)
                magnitudes += [max(map(abs, t.value_range)) << shift for t, shift in rows]
            if isinstance(layer, Affine):
                magnitudes.append(int(np.abs(layer.offset).max()) + magnitudes[-1])
                most = max(map(abs, types[0].value_range))
                magnitudes.append(int(np.abs(layer.scale).max()) * most)
            if isinstance(layer, Requantise):
                magnitudes += greatest_numbers(layer, types[0])
        return 32 if max(magnitudes).bit_length() <= SUM_BITS else 64

    def placed(self) -> tuple[dict[str, int], int]:
        """Each buffer's place in the program's memory, and the size of that."""
        lifetimes = Lifetimes(self.sizes)
        for number, step in enumerate(self.steps):
            for name in (*step.reads, step.writes):
                lifetimes.use(name, number)
        lifetimes.use(self.output.buffer, len(self.steps))
        return lifetimes.place()

    def new(self, name: str, kind: TensorType, planes: int) -> Tensor:
        """A tensor with a buffer of its own."""
        tensor = Tensor(name, kind, planes)
        self.sizes[name] = tensor.bytes
        return tensor

    def step(self, call: str, reads: tuple[Tensor, ...], writes: Tensor) -> None:
        """Add a call. ``{buffer}`` in it stands for the buffer's place."""
        self.steps.append(Step(call, tuple(t.buffer for t in reads), writes.buffer))

    def lower(self, node: Node) -> None:
        """Add the steps of a node, and of the thresholds that are part of it."""
        rule = RULES.get(type(node.layer))
        if rule is None:
            known = ", ".join(kind.kind for kind in RULES)
            raise NetworkError(
                f"{node.name}: there is no C for layers of kind {node.layer.kind!r}; there is for "
                f"{known}"
            )
        types = [self.network.types[name] for name in (*node.inputs, node.name)]
        if any(max(t.height, t.width) > MAX_SIDE for t in types):
            raise NetworkError(f"{node.name}: the C of maps has sides of at most {MAX_SIDE}")
        rule(self, node)

    def result(self, node: Node) -> Tensor:
        """A new tensor for the node's output: codes as planes, integers as numbers."""
        kind = self.network.types[node.name]
        tensor = self.new(node.name, kind, kind.bits if kind.is_code else 0)
        self.tensors[node.name] = tensor
        return tensor

    def as_planes(self, name: str) -> Tensor:
        """A tensor as bit planes; integers get a copy in two's complement."""
        tensor = self.tensors[name]
        if tensor.planes:
            return tensor
        planes = self.new(f"{tensor.buffer}_planes", tensor.type, tensor.type.bits)
        call = f"subbit_pack({planes.place}, {{{tensor.buffer}}}, {tensor.number_bytes}, "
        self.step(f"{call}{{{planes.buffer}}})", (tensor,), planes)
        return planes


def fusible(network: Network) -> dict[str, Node]:
    """Dot products whose only reader is a threshold, which then is part of them."""
    readers: dict[str, list[Node]] = {}
    for node in network.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    dots = [n.name for n in network.nodes if isinstance(n.layer, Convolution | Linear)]
    only = {name: readers[name][0] for name in dots if len(readers.get(name, [])) == 1}
    return {name: node for name, node in only.items() if isinstance(node.layer, Threshold)}


def thresholds(program: Program, node: Node) -> str:
    """A constant ``subbit_thresholds`` of a node; returns its address."""
    layer, kind = node.layer, program.network.types[node.inputs[0]]
    assert isinstance(layer, Threshold)
    # Beyond the integers that come, one limit does as well as another.
    limits = np.clip(layer.thresholds, kind.low, kind.high + 1)
    width = width_bytes(kind.low, kind.high + 1)
    constants = program.constants
    numbers = constants.add(f"{node.name}_limits", bytes_of_integers(limits, width))
    rising = constants.add(f"{node.name}_rising", pack_bits(layer.rising[None]))
    constants.lines.append(
        f"static const subbit_thresholds {node.name}_thresholds = "
        f"{{{width}, {layer.levels}, {numbers}, {rising}}};"
    )
    return f"&{node.name}_thresholds"


def lower_dot(program: Program, node: Node) -> None:
    """A convolution or a linear layer, with the thresholds behind it."""
    layer = node.layer
    assert isinstance(layer, Convolution | Linear)
    x = program.as_planes(node.inputs[0])
    target = program.fused.get(node.name, node)
    y = program.result(target)
    program.tensors[node.name] = y
    limits = thresholds(program, target) if target is not node else "NULL"
    if isinstance(layer, Linear):
        window, groups = "{1, 1, 1, 1, 1, 1, 0, 0, 0, 0}", 1
    else:
        window, groups = window_in_c(layer, x.type), groups_of(layer)
    name, constants = node.name, program.constants
    planes = weights_in_c(layer.weights, f"{name}_w", constants)
    rows = ",\n".join(f"  {plane}" for plane in planes)
    order = order_of(layer.weights)
    constants.lines.append(
        f"static const subbit_weights {name}_weights[{len(planes)}] = {{\n{rows}}};\n"
        f"static const subbit_dot {name}_dot = {{\n  {x.map},\n  {y.map},\n  {window},\n"
        f"  {groups}, {order}, {len(planes)}, {name}_weights, {limits}}};"
    )
    reserve(program, layer.weights, x, groups, y.type.channels)
    program.step(f"subbit_dots(&{name}_dot, {{{x.buffer}}}, {{{y.buffer}}}, scratch)", (x,), y)


def reserve(program: Program, weights: Weights, x: Tensor, groups: int, outputs: int) -> None:
    """Make the scratch memory large enough for a layer."""
    own = outputs // groups
    entries = [
        1 << plane.tau for _, plane in branches_of(weights) if isinstance(plane, CodebookWeights)
    ]
    channels, positions = x.type.channels // groups, prod(weights.shape[2:])
    bits = channels * positions
    if order_of(weights) == "SUBBIT_BY_CHANNEL_IN_BYTES":
        bits = channels * ((positions + 7) // 8 * 8)
    program.scratch_sums = max(program.scratch_sums, own + max(entries, default=0), 2 * own)
    program.scratch_bytes = max(program.scratch_bytes, (x.planes + 1) * ((bits + 7) // 8))


def lower_threshold(program: Program, node: Node) -> None:
    """Thresholds that stand alone."""
    x, y = program.tensors[node.inputs[0]], program.result(node)
    limits = thresholds(program, node)
    maps = f"{x.place}, {{{x.buffer}}}, {y.place}, {limits}"
    program.step(f"subbit_threshold({maps}, {{{y.buffer}}})", (x,), y)


def lower_affine(program: Program, node: Node) -> None:
    """A scale and an offset of each channel."""
    layer = node.layer
    assert isinstance(layer, Affine)
    x, y = program.tensors[node.inputs[0]], program.result(node)
    both = np.concatenate([layer.scale, layer.offset])
    width = width_bytes(int(both.min()), int(both.max()))
    names = [
        program.constants.add(f"{node.name}_{name}", bytes_of_integers(numbers, width))
        for name, numbers in (("scale", layer.scale), ("offset", layer.offset))
    ]
    maps = f"{x.place}, {{{x.buffer}}}, {y.place}, {', '.join(names)}, {width}"
    program.step(f"subbit_affine({maps}, {{{y.buffer}}})", (x,), y)


def lower_requantise(program: Program, node: Node) -> None:
    """Lines through the numbers of each channel."""
    layer = node.layer
    assert isinstance(layer, Requantise)
    x, y = program.tensors[node.inputs[0]], program.result(node)
    lines = lines_in_c(layer, node.name, x.type, y.type, program.constants)
    maps = f"{x.place}, {{{x.buffer}}}, {y.place}, {lines}"
    program.step(f"subbit_requantise({maps}, {{{y.buffer}}})", (x,), y)


def lower_add(program: Program, node: Node) -> None:
    """The sum of two tensors."""
    layer = node.layer
    assert isinstance(layer, Add)
    a, b = (program.tensors[name] for name in node.inputs)
    y = program.result(node)
    rows = zip((a, b), layer.shifts, strict=True)
    terms = ", ".join(f"{t.place}, {{{t.buffer}}}, {shift}" for t, shift in rows)
    program.step(f"subbit_add({terms}, {y.place}, {{{y.buffer}}})", (a, b), y)


def lower_pool(program: Program, node: Node) -> None:
    """Pooling over windows, or over the whole map."""
    x, layer = program.tensors[node.inputs[0]], node.layer
    y = program.result(node)
    window = Window((x.type.height, x.type.width), (1, 1))
    if isinstance(layer, Pooling):
        window = layer.window
    greatest = isinstance(layer, MaxPool2d)
    place = f"&(const subbit_window){moving(window)}"
    bits = greatest and x.planes == 1
    maps = f"{x.place}, {{{x.buffer}}}, {place}, {'' if bits else f'{greatest:d}, '}"
    name = "subbit_pool_bits" if bits else "subbit_pool"
    program.step(f"{name}({maps}{y.place}, {{{y.buffer}}})", (x,), y)


def lower_flatten(program: Program, node: Node) -> None:
    """The map as a vector: what is there already, where pixels take whole bytes."""
    x, kind = program.tensors[node.inputs[0]], program.network.types[node.name]
    one = (x.type.height, x.type.width) == (1, 1)
    if not x.planes or one or x.type.channels % 8 == 0:
        program.tensors[node.name] = Tensor(x.buffer, kind, x.planes)
        return
    y = program.result(node)
    call = f"subbit_flatten({x.place}, {{{x.buffer}}}, {{{y.buffer}}})"
    program.step(call, (x,), y)


def lower_argmax(program: Program, node: Node) -> None:
    """The class of each pixel; of a frame, at the end, it is found in the logits."""
    x = program.tensors[node.inputs[0]]
    if program.ends_in_class(node):
        program.tensors[node.name] = x
        return
    y = program.result(node)
    maps = f"{x.place}, {{{x.buffer}}}, {y.place}, {{{y.buffer}}}"
    program.step(f"subbit_argmax({maps})", (x,), y)


def lower_concat(program: Program, node: Node) -> None:
    """The channels of several maps: a call for each."""
    y, first = program.result(node), 0
    for name in node.inputs:
        x = program.tensors[name]
        maps = f"{x.place}, {{{x.buffer}}}, {first}, {y.place}, {{{y.buffer}}}"
        program.step(f"subbit_concat({maps})", (x,), y)
        first += x.type.channels


def lower_select(program: Program, node: Node) -> None:
    """Channels by their numbers."""
    layer = node.layer
    assert isinstance(layer, Select)
    x, y = program.tensors[node.inputs[0]], program.result(node)
    width = width_bytes(0, int(layer.channels.max()))
    numbers = bytes_of_integers(layer.channels, width)
    channels = program.constants.add(f"{node.name}_channels", numbers)
    maps = f"{x.place}, {{{x.buffer}}}, {y.place}, {channels}, {width}, {{{y.buffer}}}"
    program.step(f"subbit_select({maps})", (x,), y)


def lower_upsample(program: Program, node: Node) -> None:
    """Each pixel as a block of equal ones."""
    layer = node.layer
    assert isinstance(layer, Upsample)
    x, y = program.tensors[node.inputs[0]], program.result(node)
    factors = f"{layer.rows}, {layer.columns}"
    maps = f"{x.place}, {{{x.buffer}}}, {factors}, {y.place}, {{{y.buffer}}}"
    program.step(f"subbit_upsample({maps})", (x,), y)


def lower_blocks(program: Program, node: Node) -> None:
    """The channels of each pixel as a block of pixels."""
    layer = node.layer
    assert isinstance(layer, DepthToSpace)
    x, y = program.tensors[node.inputs[0]], program.result(node)
    factors = f"{layer.rows}, {layer.columns}"
    maps = f"{x.place}, {{{x.buffer}}}, {factors}, {y.place}, {{{y.buffer}}}"
    program.step(f"subbit_depth_to_space({maps})", (x,), y)


def lower_pad(program: Program, node: Node) -> None:
    """A border around a map."""
    layer = node.layer
    assert isinstance(layer, Pad)
    x, y = program.tensors[node.inputs[0]], program.result(node)
    border = f"{layer.above}, {layer.left}, (subbit_sum)INT64_C({layer.value})"
    maps = f"{x.place}, {{{x.buffer}}}, {border}, {y.place}, {{{y.buffer}}}"
    program.step(f"subbit_pad({maps})", (x,), y)


RULES: dict[type[Layer], Callable[[Program, Node], None]] = {
    Conv2d: lower_dot,
    Linear: lower_dot,
    DepthwiseConv2d: lower_dot,
    Threshold: lower_threshold,
    Affine: lower_affine,
    Requantise: lower_requantise,
    Add: lower_add,
    MaxPool2d: lower_pool,
    AvgPool2d: lower_pool,
    GlobalAvgPool: lower_pool,
    Flatten: lower_flatten,
    Argmax: lower_argmax,
    Concat: lower_concat,
    Select: lower_select,
    Upsample: lower_upsample,
    DepthToSpace: lower_blocks,
    Pad: lower_pad,
}
