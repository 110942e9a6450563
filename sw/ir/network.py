"""Network: the typed graph of integer layers that everything downstream is made from."""

import hashlib
import json
import re
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.layer import Layer
from subbit.sw.ir.limits import MAX_NETWORK_WEIGHTS
from subbit.sw.ir.parts import as_json, hash_arrays
from subbit.sw.ir.types import TensorType

__all__ = ["INPUT", "Network", "Node"]

INPUT = "input"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
NETWORK_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
MAX_NODES = 4096


@dataclass(frozen=True)
class Node:
    """A layer in its place: its name, the layer, and the nodes (or ``input``) that it reads."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Network:
    """A network with integer parameters, checked when it is built.

    ``nodes`` stand in an order in which every node comes after its inputs; the last one is the
    output. ``metadata`` holds JSON values that do not change what the network computes: ``dataset``
    (name and preprocessing), ``classes``, ``accuracy``, ``training``.

    Raises NetworkError where a name, a reference, a shape or a range is wrong, naming the node.
    """

    name: str
    input_type: TensorType
    nodes: tuple[Node, ...]
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not NETWORK_NAME.fullmatch(self.name):
            raise NetworkError(
                f"the network's name {quote(self.name)} must be 1 to 63 of a-z, 0-9, '_', '.', "
                "'-', starting with a letter or digit"
            )
        if not self.input_type.is_code:
            raise NetworkError(
                f"the input of a network is codes of 1 to 8 bits, not {self.input_type}"
            )
        if not 1 <= len(self.nodes) <= MAX_NODES:
            raise NetworkError(f"a network has 1 to {MAX_NODES} layers, not {len(self.nodes)}")
        object.__setattr__(self, "nodes", tuple(self.nodes))
        if self.weight_count > MAX_NETWORK_WEIGHTS:
            raise NetworkError(
                f"a network has at most {MAX_NETWORK_WEIGHTS} weights, far more than fit a board; "
                f"this one has {self.weight_count}"
            )
        object.__setattr__(self, "metadata", as_json("the network's metadata", self.metadata))
        _ = self.types

    def __eq__(self, other: object) -> bool:
        """Whether structure, arrays and metadata are the same."""
        if not isinstance(other, Network):
            return NotImplemented
        return (self.name, self.input_type, self.nodes, self.metadata) == (
            other.name,
            other.input_type,
            other.nodes,
            other.metadata,
        )

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return (
            f"<Network {self.name}: {self.input_type} to {self.output_type}, {len(self.nodes)} "
            f"layers, {self.weight_count:,} weights in {self.weight_bits:,} bits>"
        )

    @classmethod
    def chain(
        cls,
        name: str,
        input_type: TensorType,
        layers: dict[str, Layer],
        metadata: dict[str, Any] | None = None,
    ) -> "Network":
        """A network in which every layer reads the one before it."""
        sources = [INPUT, *layers]
        nodes = [
            Node(key, layer, (source,))
            for (key, layer), source in zip(layers.items(), sources, strict=False)
        ]
        return cls(name, input_type, tuple(nodes), metadata or {})

    @cached_property
    def types(self) -> dict[str, TensorType]:
        """The type of every tensor: ``input`` and each node's output, by name."""
        types = {INPUT: self.input_type}
        unread = {INPUT}
        for node in self.nodes:
            check_name(node.name, types)
            types[node.name] = infer_node(node, types)
            unread.difference_update(node.inputs)
            unread.add(node.name)
        unread.discard(self.nodes[-1].name)
        if unread:
            raise NetworkError(
                f"nothing reads the output of {', '.join(sorted(unread))}; a network has one "
                "output, its last layer's: let another layer read it, or leave it out"
            )
        return types

    @property
    def output_type(self) -> TensorType:
        """The type of the last node's output."""
        return self.types[self.nodes[-1].name]

    def node(self, name: str) -> Node:
        """The node of that name; raises NetworkError if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise NetworkError(
            f"network {self.name!r} has no layer {name!r}; "
            f"it has {', '.join(n.name for n in self.nodes)}"
        )

    def readers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read the tensor ``name``."""
        return tuple(node for node in self.nodes if name in node.inputs)

    @property
    def weight_count(self) -> int:
        """Number of weights."""
        return sum(node.layer.weight_count for node in self.nodes)

    @property
    def weight_bits(self) -> int:
        """Bits that the hardware stores for the weights."""
        return sum(node.layer.weight_bits for node in self.nodes)

    @property
    def dataset(self) -> dict[str, Any]:
        """``dataset`` of the metadata, empty where there is none or where it is no object."""
        found = self.metadata.get("dataset")
        return found if isinstance(found, dict) else {}

    def structure(self) -> dict[str, Any]:
        """The graph without its arrays and metadata, as JSON values.

        docs/reference/network-format.md specifies them.
        """
        x = self.input_type
        return {
            "name": self.name,
            "input": {"shape": list(x.shape), "encoding": str(x.encoding), "bits": x.bits},
            "nodes": [
                {
                    "name": node.name,
                    "kind": node.layer.kind,
                    "inputs": list(node.inputs),
                    "attributes": node.layer.attributes(),
                }
                for node in self.nodes
            ],
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of what the network computes: structure and arrays, not its name."""
        structure = {key: value for key, value in self.structure().items() if key != "name"}
        total = hashlib.sha256(json.dumps(structure, sort_keys=True).encode())
        for node in self.nodes:
            hash_arrays(total, f"{node.name}.", node.layer.tensors())
        return total.hexdigest()


def check_name(name: str, taken: Container[str]) -> None:
    """Raise NetworkError unless ``name`` is one that a layer may have, and free."""
    if not NAME.fullmatch(name) or name in taken:
        raise NetworkError(
            f"layer name {name[:80]!r} must be unique, not 'input', and 1 to 63 of a-z, 0-9, '_', "
            "starting with a letter"
        )


def infer_node(node: Node, types: dict[str, TensorType]) -> TensorType:
    """The type of the node's output, given those of the tensors made before it."""
    if not node.inputs:
        raise NetworkError(f"layer {node.name!r} reads nothing; name its inputs")
    missing = ", ".join(quote(name) for name in node.inputs if name not in types)[:200]
    if missing:
        raise NetworkError(f"layer {node.name!r} reads {missing}, which no layer before it makes")
    try:
        return node.layer.infer(tuple(types[name] for name in node.inputs))
    except NetworkError as error:
        raise NetworkError(f"layer {node.name!r} ({node.layer.kind}): {error}") from None
