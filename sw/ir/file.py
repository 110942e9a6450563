"""The file of a Network: safetensors, with a versioned JSON header in its metadata.

docs/network-format.md specifies the format. Nothing in a file is ever executed, and every size is
bounded.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse
from safetensors.numpy import save as serialise

from subbit.sw.atomic import write_atomic
from subbit.sw.errors import NetworkError
from subbit.sw.ir.network import MAX_NODES, Network, Node
from subbit.sw.ir.parts import take_int, take_text
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.kinds import layer_from_parts

__all__ = ["FORMAT_VERSION", "load_network", "save_network"]

FORMAT_VERSION = 1
MAX_FILE_BYTES = 512 << 20
MAX_HEADER_BYTES = 4 << 20


def save_network(network: Network, path: str | os.PathLike[str]) -> None:
    """Write ``network`` to ``path``, whole or not at all; raises NetworkError where it cannot."""
    tensors: dict[str, NDArray[Any]] = {}
    for node in network.nodes:
        tensors |= {
            f"{node.name}.{key}": np.ascontiguousarray(a) for key, a in node.layer.tensors().items()
        }
    header = {
        "version": FORMAT_VERSION,
        "network": network.structure(),
        "metadata": network.metadata,
    }
    content = serialise(tensors, {"subbit": json.dumps(header, sort_keys=True, allow_nan=False)})
    try:
        write_atomic(Path(path), content)
    except OSError as error:
        raise NetworkError(
            f"cannot write the network to {path}: {error.strerror}; name another place"
        ) from None


def load_network(path: str | os.PathLike[str]) -> Network:
    """Read and check the network in ``path``; raises NetworkError, naming file and fault."""
    try:
        return parse_network(read_bounded(Path(path)))
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None


def read_bounded(path: Path) -> bytes:
    """The content of the file, if it is one of a sane size."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise NetworkError("not a file; name a .safetensors network")
        if size > MAX_FILE_BYTES:
            raise NetworkError(
                f"{size} bytes are more than the {MAX_FILE_BYTES} that a network may have"
            )
        return path.read_bytes()
    except OSError as error:
        raise NetworkError(f"cannot read the file ({error.strerror}); check the path") from None


def parse_network(content: bytes) -> Network:
    """The network in the bytes of a file."""
    header_bytes = int.from_bytes(content[:8], "little")
    if len(content) < 8 or header_bytes > min(len(content) - 8, MAX_HEADER_BYTES):
        raise NetworkError("not a network file, or cut short; export it again or fetch it whole")
    try:
        declared = json.loads(content[8 : 8 + header_bytes])
        tensors = parse(content)
    except (ValueError, RecursionError, SafetensorError) as error:
        reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise NetworkError(f"not a safetensors file, or a damaged one ({reason})") from None
    text = declared.get("__metadata__", {}).get("subbit") if isinstance(declared, dict) else None
    if text is None:
        raise NetworkError(
            "a safetensors file, but not of a subbit network; export one with subbit.sw.nn.export"
        )
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise NetworkError("the network's header is not JSON; export it again") from None
    return build_network(header, tensors)


def build_network(header: Any, tensors: dict[str, NDArray[Any]]) -> Network:
    """The network that a parsed header and its arrays describe."""
    if not isinstance(header, dict) or "version" not in header:
        raise NetworkError("the header has no format version; export the network again")
    if header["version"] != FORMAT_VERSION:
        raise NetworkError(
            f"format version {header['version']!r}; this subbit reads version {FORMAT_VERSION}: "
            "export it again, or use a subbit of its age"
        )
    check_numbers(tensors)
    structure, metadata = header.get("network"), header.get("metadata", {})
    if not isinstance(structure, dict) or not isinstance(metadata, dict):
        raise NetworkError("the header has no 'network' and 'metadata' objects")
    rows = structure.get("nodes")
    if not isinstance(rows, list) or len(rows) > MAX_NODES:
        raise NetworkError(f"the header's 'nodes' must be a list of at most {MAX_NODES}")
    left = dict(tensors)
    nodes = tuple(build_node(row, left) for row in rows)
    if left:
        raise NetworkError(f"the arrays {', '.join(sorted(left))} belong to no layer")
    return Network(str(structure.get("name")), build_input(structure.get("input")), nodes, metadata)


def check_numbers(tensors: dict[str, NDArray[Any]]) -> None:
    """Raise NetworkError if any array holds something else than integers."""
    for name, array in tensors.items():
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise NetworkError(
                f"array {name!r} holds NaN or infinite numbers; train and export the network again"
            )
        if not np.issubdtype(array.dtype, np.integer):
            raise NetworkError(
                f"array {name!r} holds {array.dtype}; the parameters of a network are integers"
            )


def build_input(row: Any) -> TensorType:
    """The input type that the header describes."""
    if not isinstance(row, dict):
        raise NetworkError("the header has no 'input' object")
    row = dict(row)
    shape = row.pop("shape", None)
    if (
        not isinstance(shape, list)
        or len(shape) != 3
        or not all(type(side) is int for side in shape)
    ):
        raise NetworkError(f"the input's shape must be [height, width, channels], not {shape!r}")
    encoding = Encoding(take_text(row, "encoding", ("unsigned", "bipolar")))
    height, width, channels = shape
    return TensorType.codes(height, width, channels, take_int(row, "bits", 1, 8), encoding)


def build_node(row: Any, tensors: dict[str, NDArray[Any]]) -> Node:
    """The node that a header's row describes; takes its arrays out of ``tensors``."""
    keys = {"name": str, "kind": str, "inputs": list, "attributes": dict}
    if not isinstance(row, dict) or any(
        not isinstance(row.get(key), kind) for key, kind in keys.items()
    ):
        raise NetworkError(f"a node needs {', '.join(keys)}; this one does not: {str(row)[:80]}")
    name = row["name"]
    prefix = name + "."
    mine = {
        key.removeprefix(prefix): tensors.pop(key)
        for key in list(tensors)
        if key.startswith(prefix)
    }
    try:
        layer = layer_from_parts(row["kind"], dict(row["attributes"]), mine)
    except NetworkError as error:
        raise NetworkError(f"layer {name!r}: {error}") from None
    except (TypeError, ValueError) as error:
        raise NetworkError(
            f"layer {name!r}: attributes or arrays of the wrong kind ({error})"
        ) from None
    return Node(name, layer, tuple(map(str, row["inputs"])))
