"""Random graphs: the units compute what the golden model does, and nothing stands still."""

import random

import numpy as np
import pytest

from subbit.sw import golden
from subbit.sw.ir import (
    INPUT,
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    DepthToSpace,
    DepthwiseConv2d,
    Encoding,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Node,
    Pad,
    Padding,
    Select,
    TensorType,
    Upsample,
)
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.planner import default_plan
from tests.parts import binary, threshold


class Maker:
    """Adds layers to a graph, and remembers which tensors nobody reads yet."""

    def __init__(self, seed: int) -> None:
        self.chance, self.numbers = random.Random(seed), np.random.default_rng(seed)
        height, width, channels = (
            self.chance.choice(row) for row in ((3, 5, 6), (3, 4), (1, 2, 4))
        )
        encoding = self.chance.choice([Encoding.UNSIGNED, Encoding.BIPOLAR])
        x = TensorType.codes(height, width, channels, self.chance.randint(1, 3), encoding)
        self.nodes: list[Node] = []
        self.types, self.unread = {INPUT: x}, [INPUT]

    def add(self, layer: Layer, *sources: str) -> str:
        """One more layer."""
        name = f"n{len(self.nodes)}"
        self.types[name] = layer.infer(tuple(self.types[source] for source in sources))
        self.nodes.append(Node(name, layer, sources))
        self.unread = [tensor for tensor in self.unread if tensor not in sources] + [name]
        return name

    def grow(self) -> None:
        """A random layer on a random tensor."""
        chance, numbers = self.chance, self.numbers
        name = chance.choice(list(self.types) if chance.random() < 0.4 else self.unread)
        kind = self.types[name]
        some = numbers.integers(0, kind.channels, int(numbers.integers(1, 5)))
        options = [lambda: self.join(name), lambda: self.beside(name)]
        options.append(lambda: self.add(Select(some), name))
        if kind.elements < 60:
            up, border = chance.choice([(2, 2), (1, 2), (4, 1)]), chance.choice([0, 1, -2])
            options.append(lambda: self.add(Upsample(*up), name))
            options.append(lambda: self.add(Pad(1, 0, 0, 1, border), name))
        if kind.channels % 2 == 0:
            block = chance.choice([(2, 1), (1, 2)])
            options.append(lambda: self.add(DepthToSpace(*block), name))
        if kind.is_code:
            channels = kind.channels
            kernels = binary(numbers, channels, 1, 3, 3)
            options += [
                lambda: self.add(Conv2d(binary(numbers, 2, channels, 1, 1), 2), name),
                lambda: self.add(Conv2d(binary(numbers, 4, channels, 3, 3), 1, Padding.ZERO), name),
                lambda: self.add(DepthwiseConv2d(kernels, 1, Padding.ZERO), name),
            ]
        else:
            options += [lambda: self.code(name)] * 2
        if min(kind.height, kind.width) >= 2:
            pool = chance.choice([AvgPool2d(2), AvgPool2d(2, 1), MaxPool2d()])
            options.append(lambda: self.add(pool, name))
        chance.choice(options)()

    def join(self, name: str) -> str:
        """An addition with any tensor of the same shape, itself if there is no other."""
        shape = self.types[name].shape
        same = [other for other, kind in self.types.items() if kind.shape == shape]
        return self.add(Add(0, self.chance.randint(0, 2)), name, self.chance.choice(same))

    def beside(self, name: str) -> str:
        """A concatenation with one or two tensors of the same height and width."""
        sides = self.types[name].shape[:2]
        same = [other for other, kind in self.types.items() if kind.shape[:2] == sides]
        others = self.chance.choices(same, k=self.chance.randint(1, 2))
        return self.add(Concat(), name, *others)

    def code(self, name: str) -> str:
        """Codes of some bits."""
        kind = self.types[name]
        bits = self.chance.randint(1, 2)
        return self.add(threshold(self.numbers, kind.channels, max(1, kind.high // 2), bits), name)

    def end(self, name: str) -> str:
        """Two numbers from any tensor."""
        name = self.code(self.add(GlobalAvgPool(), name))
        return self.add(Linear(binary(self.numbers, 2, self.types[name].channels)), name)

    def network(self) -> Network:
        """The graph, all its ends added up."""
        ends = [self.end(name) for name in list(self.unread)]
        while len(ends) > 1:
            ends = [*ends[2:], self.add(Add(), *ends[:2])]
        return Network("random", self.types[INPUT], tuple(self.nodes))


def random_network(seed: int) -> Network:
    maker = Maker(seed)
    for _ in range(6 + seed % 7):
        maker.grow()
    return maker.network()


@pytest.mark.parametrize("seed", range(16))
def test_random_graphs(seed: int) -> None:
    network = random_network(seed)
    plan = default_plan(network, lut4=3000) if seed % 2 else smallest_plan(network)
    pipeline = Pipeline(network, plan)
    x = network.input_type
    codes = np.random.default_rng(seed).integers(x.low, x.high + 1, (2, *x.shape))
    values = golden.evaluate(network, codes)
    beats = pipeline.reference(codes.reshape(-1, pipeline.i.lanes))
    for step, found in zip(pipeline.steps, beats, strict=True):
        if step.tensor:
            wanted = np.asarray(values[step.tensor]).reshape(2, -1)
            np.testing.assert_array_equal(found.reshape(2, -1), wanted, err_msg=step.name)
    assert pipeline.latency_cycles >= 0


def test_they_fork_and_join() -> None:
    networks = [random_network(seed) for seed in range(16)]
    pipelines = [Pipeline(network, smallest_plan(network)) for network in networks]
    assert sum(bool(pipeline.forks) for pipeline in pipelines) > 10
    assert sum(depth > 2 for p in pipelines for depth in p.queues.values()) > 8
