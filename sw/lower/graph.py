"""The graph of a network's stages: which layers each computes, and the tensors between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from subbit.sw.ir.kinds import layer_kind
from subbit.sw.ir.network import INPUT, Network, Node
from subbit.sw.lower.stages.stage import Stage

__all__ = ["Edge", "edges", "forks", "groups", "lanes_before"]


@dataclass(frozen=True)
class Edge:
    """A stream from one stage to another: the one that gives ``tensor`` (a layer, or ``input``) and
    the one whose first layer is ``reader``. ``name``: ``tensor>reader``; where one layer reads a
    tensor twice, the second time with ``#2`` behind it.
    """

    tensor: str
    reader: str
    name: str


def groups(network: Network) -> Iterator[tuple[type[Stage], tuple[str, ...]]]:
    """The layers that each stage computes, with the stage's class, every stage after those that it
    reads; layers that are mere wiring are left out.

    A stage takes in the layer behind its last one where nothing else reads the tensor between.
    """
    readers = readers_of(network)
    done: set[str] = set()
    for node in network.nodes:
        kind = layer_kind(node.layer.kind)
        if node.name in done or not kind.stage:
            continue
        cls: type[Stage] = kind.load("stage")
        layers = [node]
        while follower := only_reader(readers, layers[-1]):
            if not cls.absorbs(network, layers[-1], follower):
                break
            layers.append(follower)
        names = tuple(layer.name for layer in layers)
        done.update(names)
        yield cls, names


def readers_of(network: Network) -> dict[str, list[Node]]:
    """For each tensor the nodes that read it, as often as they do."""
    readers: dict[str, list[Node]] = {name: [] for name in network.types}
    for node in network.nodes:
        for name in node.inputs:
            readers[name].append(node)
    return readers


def only_reader(readers: Mapping[str, list[Node]], node: Node) -> Node | None:
    """The node that reads what this one makes and nothing else, if there is one and no other."""
    found = readers[node.name]
    return found[0] if len(found) == 1 and found[0].inputs == (node.name,) else None


def edges(network: Network, stages: Sequence[tuple[str, ...]]) -> dict[str, list[Edge]]:
    """For each stage, by its first layer, the streams that it reads, in the order of its inputs.

    ``stages``: the layers of each.
    """
    wired = wiring(network)
    nodes = {node.name: node for node in network.nodes}
    found: dict[str, list[Edge]] = {}
    for head, *_ in stages:
        tensors = [wired[name] for name in nodes[head].inputs]
        found[head] = []
        for port, tensor in enumerate(tensors):
            again = tensors[:port].count(tensor)
            name = f"{tensor}>{head}" + (f"#{again + 1}" if again else "")
            found[head].append(Edge(tensor, head, name))
    return found


def wiring(network: Network) -> dict[str, str]:
    """For each tensor the one that a stage makes with the same elements in the same order."""
    found = {INPUT: INPUT}
    for node in network.nodes:
        made = layer_kind(node.layer.kind).stage
        found[node.name] = node.name if made else found[node.inputs[0]]
    return found


def forks(streams: Mapping[str, Sequence[Edge]]) -> dict[str, list[Edge]]:
    """The tensors that several streams carry, each with these, in the order of the stages."""
    found: dict[str, list[Edge]] = {}
    for sources in streams.values():
        for edge in sources:
            found.setdefault(edge.tensor, []).append(edge)
    return {tensor: readers for tensor, readers in found.items() if len(readers) > 1}


def lanes_before(network: Network, layers: tuple[str, ...], lanes: Mapping[str, int]) -> int:
    """The lanes that the stages before a stage of ``layers`` give, the fewest where they join.

    ``lanes``: by tensor; one that is missing has 1.
    """
    wired = wiring(network)
    return min(lanes.get(wired[name], 1) for name in network.node(layers[0]).inputs)
