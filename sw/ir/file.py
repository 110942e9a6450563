"""The file of a Network: safetensors, with a versioned JSON header in its metadata.

docs/reference/network-format.md specifies the format. Nothing in a file is ever executed, and every
size is bounded before memory is taken for it.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse_arrays
from safetensors.numpy import save as serialise

from subbit.sw.atomic import advice, write_atomic
from subbit.sw.errors import NetworkError, quote
from subbit.sw.ir.header import FORMAT_VERSION, build_network
from subbit.sw.ir.network import Network
from subbit.sw.ir.parts import hash_arrays
from subbit.sw.loading import loading, reason_of, strict_json

__all__ = ["FORMAT_VERSION", "load_network", "save_network"]

MAX_FILE_BYTES = 512 << 20
MAX_HEADER_BYTES = 4 << 20
FLOATS = ("F16", "F32", "F64")
INTEGERS = ("I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64")


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
        "checksum": checksum(tensors),
    }
    text = json.dumps(header, sort_keys=True, allow_nan=False)
    content = serialise(tensors, {"subbit": text})
    check_size("header", int.from_bytes(content[:8], "little"), MAX_HEADER_BYTES)
    check_size("file", len(content), MAX_FILE_BYTES)
    try:
        write_atomic(Path(path), content)
    except OSError as error:
        raise NetworkError(
            f"cannot write the network to {path} ({error.strerror}); {advice(error)}"
        ) from None


def load_network(path: str | os.PathLike[str]) -> Network:
    """Read and check the network in ``path``; raises NetworkError, naming file and fault."""
    damaged = "a damaged network file ({reason}); export it again or fetch it whole"
    with loading(Path(path), NetworkError, damaged, "the file"):
        return parse_network(read_bounded(Path(path)))


def checksum(arrays: dict[str, NDArray[Any]]) -> str:
    """SHA-256, in hex, of names, types, shapes and contents of all arrays."""
    total = hashlib.sha256()
    hash_arrays(total, "", arrays)
    return total.hexdigest()


def check_sum(header: Any, arrays: dict[str, NDArray[Any]]) -> None:
    """Take the checksum out of the header, if there is one, and raise NetworkError unless it is
    that of the arrays.
    """
    said = header.pop("checksum", None) if isinstance(header, dict) else None
    if said is not None and said != checksum(arrays):
        raise NetworkError(
            f"its arrays are not those of its checksum {quote(said)[:24]}: the file is damaged; "
            "fetch it again, or export it again"
        )


def check_size(what: str, size: int, limit: int) -> None:
    """Raise NetworkError if ``size`` bytes are more than a network's file may have."""
    if size > limit:
        raise NetworkError(f"the {what} has {size} bytes; a network has at most {limit} there")


def read_bounded(path: Path) -> bytes:
    """The content of the file, if it is one of a sane size."""
    if path.exists() and not path.is_file():
        raise NetworkError("not a file; name a .safetensors network")
    check_size("file", path.stat().st_size, MAX_FILE_BYTES)
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES)


def parse_network(content: bytes) -> Network:
    """The network in the bytes of a file."""
    header_bytes = int.from_bytes(content[:8], "little")
    if len(content) < 8 or header_bytes > min(len(content) - 8, MAX_HEADER_BYTES):
        raise NetworkError("not a network file, or cut short; export it again or fetch it whole")
    try:
        declared = strict_json(content[8 : 8 + header_bytes])
        text = header_text(declared)
        check_arrays(declared, len(content) - 8 - header_bytes)
        arrays = parse_arrays(content)
    except RecursionError:
        raise NetworkError("the header is nested too deeply; export it again") from None
    except (ValueError, SafetensorError) as error:
        raise NetworkError(
            f"not a safetensors file, or a damaged one ({reason_of(error)})"
        ) from None
    check_finite(arrays)
    try:
        header = strict_json(text)
    except ValueError as error:
        raise NetworkError(
            f"the network's header is not JSON ({reason_of(error)}); export it again"
        ) from None
    except RecursionError:
        raise NetworkError("the header is nested too deeply; export it again") from None
    check_sum(header, arrays)
    return build_network(header, arrays)


def header_text(declared: Any) -> str:
    """The network's header in what a safetensors file declares; the rest stays in ``declared``."""
    if not isinstance(declared, dict):
        raise ValueError("its header is no object")
    metadata = declared.pop("__metadata__", None)
    text = metadata.get("subbit") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise NetworkError(
            "a safetensors file, but not of a subbit network; export one with subbit.export"
        )
    return text


def check_arrays(declared: dict[str, Any], size: int) -> None:
    """Raise unless the arrays that the file declares are numbers and fill its ``size`` bytes."""
    end = 0
    for name, row in declared.items():
        if not isinstance(row, dict) or not isinstance(row.get("data_offsets"), list):
            raise ValueError(f"array {quote(name)} has no place")
        if row.get("dtype") not in (*FLOATS, *INTEGERS):
            raise NetworkError(
                f"array {quote(name)} holds {str(row.get('dtype'))[:40]}; "
                "a network's parameters are integers"
            )
        end = max([end, *(place for place in row["data_offsets"] if type(place) is int)])
    if end > size:
        raise NetworkError(f"cut short: {size} of {end} bytes of arrays are there; fetch it whole")


def check_finite(arrays: dict[str, NDArray[Any]]) -> None:
    """Raise NetworkError if any array holds something else than integers."""
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.floating):
            continue
        if not np.isfinite(array).all():
            raise NetworkError(
                f"array {quote(name)} holds NaN or infinite numbers; "
                "train and export the network again"
            )
        raise NetworkError(
            f"array {quote(name)} holds {array.dtype}; a network's parameters are integers"
        )
