"""Random ONNX and QONNX graphs: a graph is its seed, so that each can be made again."""

from dataclasses import dataclass, replace

import numpy as np

from subbit.sw.bench.graph_ends import ENDS
from subbit.sw.bench.graph_maker import GraphMaker
from subbit.sw.bench.graph_parts import Draw, Row, Tensor, convolution, flatten, linear_layer
from subbit.sw.bench.graph_tables import BETWEEN, LAYERS, POOLS, QUANTISERS, STARTS

__all__ = ["RandomGraph", "random_graph"]

OPSETS = (9, 10, 11, 12, 13, 13, 13, 15, 17, 18, 20, 21, 21)
DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general", "")
# Such inputs are of no data set that subbit knows: nothing is loaded for them.
SIDE = 8
# Steps that may follow the last layer: its numbers are not quantised any more.
LINEAR = (
    "norm",
    "x Add c",
    "x Sub c",
    "x Mul c",
    "x Div c",
    "c Add x",
    "c Sub x",
    "c Mul x",
    "Neg",
)


@dataclass(frozen=True, eq=False)
class RandomGraph:
    """A graph, the name of its ``output``, the rows that it is made of, and whether its input has
    its channels last.
    """

    maker: GraphMaker
    output: str
    rows: tuple[str, ...]
    last: bool = False


class Drawing:
    """A graph on its way: every row that is drawn is applied and noted."""

    def __init__(self, maker: GraphMaker, draw: Draw, start: Tensor) -> None:
        self.maker, self.draw, self.last = maker, draw, start
        self.rows: list[str] = []

    def one_of(self, table: dict[str, Row], *names: str) -> None:
        """Draw a row of a table, of the named ones or of all, and apply it."""
        name = str(self.draw.choice(names or tuple(table)))
        self.rows.append(name)
        self.last = table[name](self.maker, self.draw, self.last)

    def turn(self) -> None:
        """The channels of the last map in front of its sides."""
        x = self.maker.node("Transpose", self.last.x, perm=[0, 3, 1, 2])
        self.last = replace(self.last, x=x)
        self.rows.append("channels last")

    def block(self) -> None:
        """A layer, what stands between it and its quantiser, the quantiser, and a pooling."""
        self.one_of(LAYERS)
        for _ in range(int(self.draw.integers(4))):
            self.one_of(BETWEEN)
        if self.draw.random() < 0.15:
            self.one_of(POOLS, "MaxPool")
        self.one_of(QUANTISERS)
        self.one_of(POOLS)

    def logits(self) -> None:
        """The last layer: a vector of classes, means of maps, a map, or a single number."""
        way, classes = self.draw.random(), int(self.draw.integers(2, 7))
        if way < 0.15 and self.last.side:
            self.last = convolution(self.maker, self.draw, self.last)
            if self.last.side in (1, 2, 4, 8):
                x = self.maker.node("GlobalAveragePool", self.last.x)
                self.last = flatten(self.maker, self.draw, replace(self.last, x=x, side=1))
            self.rows.append("map")
            return
        self.last = flatten(self.maker, self.draw, self.last)
        self.last = linear_layer(self.maker, self.draw, self.last, 1 if way > 0.98 else classes)


def random_graph(seed: int, batch: int = 1) -> RandomGraph:
    """The graph of a seed, for inputs of so many images at a time: all else is the same."""
    draw = np.random.default_rng(seed)
    opset = int(draw.choice(OPSETS))
    domain = str(draw.choice(DOMAINS, p=[0.6, 0.15, 0.15, 0.1]))
    vector, last = draw.random() < 0.2, draw.random() < 0.15
    channels, side = int(draw.integers(3, 25) if vector else draw.choice([2, 3, 4, 5])), SIDE
    last = last and not vector
    sides = () if vector else (side, side)
    shape = (batch, *sides, channels) if last else (batch, channels, *sides)
    maker = GraphMaker(*shape, opset=opset)
    maker.domain, maker.plain = domain, "ai.onnx" if draw.random() < 0.1 else ""
    maker.as_nodes = draw.random() < 0.1
    drawing = Drawing(maker, draw, Tensor("x", channels, 0 if vector else side))
    if last and draw.random() < 0.5:
        drawing.turn()
        drawing.one_of(STARTS)
    else:
        drawing.one_of(STARTS)
        if last:
            drawing.turn()
    for _ in range(int(draw.integers(4))):
        drawing.block()
    drawing.logits()
    for _ in range(int(draw.choice(4, p=[0.4, 0.3, 0.2, 0.1]))):
        drawing.one_of(BETWEEN, *LINEAR)
    drawing.one_of(ENDS)
    rows = (f"opset {opset}", domain, *drawing.rows)
    return RandomGraph(maker, drawing.last.x, rows, last)
