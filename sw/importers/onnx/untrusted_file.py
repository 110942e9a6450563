"""Reading an ONNX file that nobody vouches for: everything is bounded before it is used."""

import os
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import NetworkError, ToolError
from subbit.sw.importers.onnx.field_count import check_fields

if find_spec("onnx") is None:
    raise ToolError(
        "reading ONNX files needs onnx, onnxruntime and qonnx; install them with: "
        "pip install 'subbit[import]'"
    )

import onnx

__all__ = ["MAX_ELEMENTS", "array_of", "check_shape", "read_model"]

DECODE_ERROR: type[Exception] = import_module("google.protobuf.message").DecodeError
MAX_FILE_BYTES = 256 << 20
MAX_NODES = 1 << 14
MAX_ELEMENTS = 1 << 25
TYPES = {
    onnx.TensorProto.FLOAT: np.float32,
    onnx.TensorProto.DOUBLE: np.float64,
    onnx.TensorProto.FLOAT16: np.float16,
    onnx.TensorProto.INT8: np.int8,
    onnx.TensorProto.INT16: np.int16,
    onnx.TensorProto.INT32: np.int32,
    onnx.TensorProto.INT64: np.int64,
    onnx.TensorProto.UINT8: np.uint8,
    onnx.TensorProto.UINT16: np.uint16,
    onnx.TensorProto.UINT32: np.uint32,
    onnx.TensorProto.BOOL: np.bool_,
}
LISTS = ("float_data", "double_data", "int32_data", "int64_data", "uint64_data", "string_data")


def read_model(path: str | os.PathLike[str]) -> Any:
    """The onnx.ModelProto in ``path``, with every array inside and every size within bounds.

    Opens no other file and runs nothing. Raises NetworkError where the file cannot be read, is no
    ONNX file or cut short, keeps arrays in other files, holds loops, functions or sparse arrays, or
    declares arrays larger than MAX_ELEMENTS.
    """
    content = read_bounded(Path(path))
    check_fields(content)
    try:
        model = onnx.ModelProto.FromString(content)
    except DECODE_ERROR:
        raise NetworkError("not an ONNX file, or a damaged one; export it again") from None
    if not model.HasField("graph") or not model.graph.node:
        raise NetworkError("an ONNX file without a graph; export the network again")
    check_model(model)
    return model


def read_bounded(path: Path) -> bytes:
    """The content of a file of at most MAX_FILE_BYTES."""
    try:
        if path.exists() and not path.is_file():
            raise NetworkError("not a file; name an .onnx file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise NetworkError(f"larger than {MAX_FILE_BYTES} bytes; no network that fits is")
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise NetworkError(f"cannot read the file ({error.strerror}); check the path") from None


def check_model(model: Any) -> None:
    """Raise NetworkError if the model holds what no feed-forward network needs, or too much."""
    graph = model.graph
    if model.functions or model.training_info or graph.sparse_initializer:
        raise NetworkError(
            "the file holds functions, training graphs or sparse arrays; export for inference, "
            "functions inlined (onnx.inliner) and arrays dense"
        )
    if len(graph.node) > MAX_NODES:
        raise NetworkError(f"the graph has {len(graph.node)} nodes; at most {MAX_NODES} are read")
    for node in graph.node:
        names = (node.op_type, node.domain, node.name, *node.input, *node.output)
        if not all(isinstance(text, str) for text in (*names, *(a.name for a in node.attribute))):
            raise NetworkError("a node's names are no UTF-8; export the network again")
    total = 0
    for owner, tensor in tensors(graph):
        total += check_tensor(owner, tensor)
        if total > MAX_ELEMENTS:
            raise NetworkError(f"the arrays hold more than {MAX_ELEMENTS} numbers altogether")
    for info in (*graph.input, *graph.output, *graph.value_info):
        dims = info.type.tensor_type.shape.dim
        check_shape(f"tensor {info.name[:64]!r}", tuple(max(d.dim_value, 1) for d in dims))


def tensors(graph: Any) -> Iterator[tuple[str, Any]]:
    """Every array of the graph with the name of what holds it; refuses graphs within nodes."""
    for tensor in graph.initializer:
        yield f"array {tensor.name[:64]!r}", tensor
    for node in graph.node:
        where = f"node {node.name[:64]!r} ({node.op_type[:64]})"
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                raise NetworkError(
                    f"{where} holds a graph of its own; export the network without control flow"
                )
            for tensor in (*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])):
                yield where, tensor


def check_shape(where: str, shape: tuple[int, ...]) -> int:
    """Number of elements of the shape; raises NetworkError if that is beyond MAX_ELEMENTS."""
    if any(side < 0 for side in shape) or prod(shape) > MAX_ELEMENTS:
        raise NetworkError(
            f"{where} declares the shape {shape_text(shape)}; tensors have at most "
            f"{MAX_ELEMENTS} elements"
        )
    return prod(shape)


def shape_text(shape: tuple[int, ...]) -> str:
    """The shape, shortened where it is long."""
    return "x".join(map(str, shape[:8])) + ("x..." if len(shape) > 8 else "")


def check_tensor(where: str, tensor: Any) -> int:
    """Number of elements; raises NetworkError unless they are all in the file."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise NetworkError(
            f"{where} keeps its numbers in another file; save the network with all data inside "
            "(onnx.save(model, path, save_as_external_data=False))"
        )
    if tensor.data_type not in TYPES:
        raise NetworkError(
            f"{where} holds numbers of ONNX type {tensor.data_type}, which are not supported; "
            "export float32 or integers"
        )
    count = check_shape(where, tuple(tensor.dims))
    lists = sum(len(getattr(tensor, name)) for name in LISTS)
    stored = len(getattr(tensor, onnx.helper.tensor_dtype_to_field(tensor.data_type)))
    odd = lists - stored
    if tensor.HasField("raw_data"):
        stored, odd = divmod(len(tensor.raw_data), np.dtype(TYPES[tensor.data_type]).itemsize)
        odd += lists
    if odd:
        raise NetworkError(f"{where} keeps its numbers in two forms or in part; export it again")
    if stored != count:
        raise NetworkError(
            f"{where} holds {stored} numbers where its shape needs {count}; export it again"
        )
    return count


def array_of(tensor: Any) -> NDArray[Any]:
    """The array of a checked onnx.TensorProto."""
    return np.asarray(onnx.numpy_helper.to_array(tensor))
