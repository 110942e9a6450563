"""The JSON header of a network's file: the graph without its arrays."""

from collections.abc import Container
from typing import Any

from numpy.typing import NDArray

from subbit.sw.errors import NetworkError
from subbit.sw.ir.kinds import layer_from_parts
from subbit.sw.ir.network import MAX_NODES, Network, Node, check_name
from subbit.sw.ir.parts import take_int, take_text
from subbit.sw.ir.types import Encoding, TensorType

__all__ = ["FORMAT_VERSION", "build_network"]

FORMAT_VERSION = 4  # earlier ones are the same with fewer layers, encodings and attributes

Arrays = dict[str, NDArray[Any]]


def build_network(header: Any, arrays: Arrays) -> Network:
    """The network that a parsed header and its arrays describe; raises NetworkError."""
    if not isinstance(header, dict) or "version" not in header:
        raise NetworkError("the header has no format version; export the network again")
    version = header["version"]
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise NetworkError(
            f"format version {str(version)[:20]}; this subbit reads versions 1 to "
            f"{FORMAT_VERSION}: export it again, or use a subbit of its age"
        )
    parts = take_object("the header", header, version=int, network=dict, metadata=dict)
    graph = take_object("'network'", parts["network"], name=str, input=dict, nodes=list)
    if len(graph["nodes"]) > MAX_NODES:
        raise NetworkError(f"a network has at most {MAX_NODES} layers, not {len(graph['nodes'])}")
    by_node, nodes = group(arrays), dict[str, Node]()
    for row in graph["nodes"]:
        node = build_node(row, by_node, nodes)
        nodes[node.name] = node
    if by_node:
        names = ", ".join(name for name in sorted(arrays) if name.partition(".")[0] in by_node)
        raise NetworkError(f"these arrays belong to no layer: {names[:200]}")
    source = build_input(graph["input"])
    return Network(graph["name"], source, tuple(nodes.values()), parts["metadata"])


def take_object(where: str, row: Any, **keys: type) -> dict[str, Any]:
    """``row``, which must be an object with exactly these keys, each of its type."""
    if not isinstance(row, dict):
        raise NetworkError(f"{where} must be an object, not {str(row)[:80]}")
    for key, kind in keys.items():
        if not isinstance(row.get(key), kind):
            raise NetworkError(f"{where} needs {key!r} to be a JSON {JSON_NAMES[kind]}")
    unknown = sorted(row.keys() - keys.keys())
    if unknown:
        raise NetworkError(f"{where} holds {unknown[0][:64]!r}, which the format does not know")
    return row


JSON_NAMES = {dict: "object", list: "array", str: "string", int: "integer"}


def group(arrays: Arrays) -> dict[str, Arrays]:
    """The arrays ``node.part`` as ``{node: {part: array}}``."""
    grouped: dict[str, Arrays] = {}
    for key, array in arrays.items():
        node, _, part = key.partition(".")
        grouped.setdefault(node, {})[part] = array
    return grouped


def build_input(row: dict[str, Any]) -> TensorType:
    """The input type that the header describes."""
    row = take_object("'input'", row, shape=list, encoding=str, bits=int)
    shape = row["shape"]
    if len(shape) != 3 or not all(type(side) is int for side in shape):
        raise NetworkError(
            f"the input's shape must be [height, width, channels], not {str(shape)[:80]}"
        )
    height, width, channels = shape
    encoding = take_text(row, "encoding", (Encoding.UNSIGNED.value, Encoding.BIPOLAR.value))
    bits = take_int(row, "bits", 1, 8)
    return TensorType.codes(height, width, channels, bits, Encoding(encoding))


def build_node(row: Any, by_node: dict[str, Arrays], taken: Container[str]) -> Node:
    """The node that a header's row describes; takes its arrays out of ``by_node``."""
    row = take_object("a layer", row, name=str, kind=str, inputs=list, attributes=dict)
    name = row["name"]
    check_name(name, taken)
    if not all(isinstance(source, str) for source in row["inputs"]):
        raise NetworkError(f"layer {name!r}: its inputs must be names")
    try:
        layer = layer_from_parts(row["kind"], row["attributes"], by_node.pop(name, {}))
    except NetworkError as error:
        raise NetworkError(f"layer {name!r}: {error}") from None
    return Node(name, layer, tuple(row["inputs"]))
