"""Executing an ONNX or QONNX graph as it is with qonnx, which runs onnxruntime node by node.

Only graphs that the importer has accepted come here: their operators and sizes are known.
"""

import copy
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.general import RemoveStaticGraphInputs
from qonnx.transformation.infer_shapes import InferShapes

from subbit.sw.errors import NetworkError
from subbit.sw.importers.onnx.accepted import MICROSOFT, ONNX_DOMAINS
from subbit.sw.importers.onnx.graph import Graph
from subbit.sw.importers.onnx.unsaturated import unsaturate

__all__ = ["QonnxExecutor"]

QUANTISERS = ("Quant", "IntQuant", "BipolarQuant", "Trunc")
DOMAIN = "qonnx.custom_op.general"
Floats = NDArray[np.float32]


class QonnxExecutor:
    """The graph, cleaned as qonnx does it but with all names kept, for batches of ``batch``, or of
    1 where a tensor in ``wanted`` has not the batch as its first side.

    Operators of onnxruntime's own are executed by onnxruntime alone, as one graph that is not
    optimised. Raises NetworkError where qonnx or onnxruntime cannot execute it.
    """

    def __init__(self, graph: Graph, batch: int, wanted: Iterable[str] = ()) -> None:
        batch = 1 if mixes(graph) else batch
        self.graph, self.batch = graph, batch
        try:
            self.model = batched(graph, batch)
            unsaturate(self.model)
            self.session = None
            if any(node.domain in MICROSOFT for node in self.model.graph.node):
                self.session = session_of(self.model)
            else:
                self.model = cleaned(self.model)
            found = self.executed(np.zeros((batch, *graph.shape[1:]), np.float32))
            missing = set(wanted) - set(found)
            if missing:
                raise LookupError(f"no tensor {min(missing)[:64]!r} for each image")
        except Exception as error:
            # Whatever qonnx or onnxruntime raise: the import is done, only the comparison fails.
            if batch > 1:
                self.batch = 1
                one = QonnxExecutor(graph, 1, wanted)
                self.model, self.session = one.model, one.session
                return
            raise failed(error) from None

    def run(self, x: Floats) -> dict[str, NDArray[Any]]:
        """Every tensor for at most ``batch`` inputs, by name, each with the inputs first; raises
        NetworkError.
        """
        try:
            return self.executed(x)
        except Exception as error:
            # Whatever qonnx or onnxruntime raise.
            raise failed(error) from None

    def executed(self, x: Floats) -> dict[str, NDArray[Any]]:
        """See run; raises whatever qonnx does."""
        count = len(x)
        full = np.zeros((self.batch, *x.shape[1:]), np.float32)
        full[:count] = x
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self.execute({self.graph.input: full})
        arrays = {name: np.asarray(array) for name, array in found.items() if array is not None}
        if self.batch == 1:
            return {name: array.reshape(1, -1) for name, array in arrays.items()}
        return {
            name: array[:count]
            for name, array in arrays.items()
            if array.ndim and len(array) == self.batch
        }

    def execute(self, inputs: dict[str, Floats]) -> dict[str, Any]:
        """Every tensor, by name."""
        if self.session is None:
            found: dict[str, Any] = execute_onnx(self.model, inputs, True)
            return found
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, inputs), strict=True))


def session_of(model: Any) -> onnxruntime.InferenceSession:
    """onnxruntime on the whole graph, with every tensor as an output."""
    known = {output.name for output in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def failed(error: Exception) -> NetworkError:
    """The user's error for what qonnx raised."""
    reason = " ".join(str(error).split())[:200]
    return NetworkError(f"qonnx cannot execute the graph ({reason}); import with --images 0")


def mixes(graph: Graph) -> bool:
    """Whether a Softmax works over all sides, which would mix the images of a batch."""
    ends = [op for op in graph.ops if op.kind in ("Softmax", "LogSoftmax")]
    return any(op.attributes.get("axis", 1) not in (1, 2, 3, -1) for op in ends)


def batched(graph: Graph, batch: int) -> Any:
    """A copy of the model whose input, and every reshaping to a batch of 1, has this batch."""
    model = copy.deepcopy(graph.model)
    proto = model.graph
    del proto.value_info[:]
    for info in proto.input:
        if info.name == graph.input:
            info.type.tensor_type.shape.dim[0].dim_value = batch
    proto.output[0].type.tensor_type.ClearField("shape")
    arrays = {tensor.name: tensor for tensor in proto.initializer}
    for node in proto.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            arrays[node.output[0]] = node.attribute[0].t
    for node in proto.node:
        if node.op_type in (*QUANTISERS, "MultiThreshold"):
            node.domain = DOMAIN
        elif node.domain in ONNX_DOMAINS:
            node.domain = ""
        if node.op_type == "Reshape" and node.input[0] not in arrays and node.input[1] in arrays:
            widen(arrays[node.input[1]], batch)
    return model


def widen(tensor: Any, batch: int) -> None:
    """Make the batch of 1 in a constant shape ``batch``."""
    shape = onnx.numpy_helper.to_array(tensor).copy()
    if shape.ndim == 1 and shape.size and shape[0] == 1:
        shape[0] = batch
        tensor.CopyFrom(onnx.numpy_helper.from_array(shape, tensor.name))


def cleaned(model: Any) -> Any:
    """The model with all shapes known and what is constant computed, weights' quantisers kept."""
    wrapped = ModelWrapper(model)
    for transformation in (
        InferShapes(),
        FoldConstants(exclude_op_types=[*QUANTISERS, "QuantizeLinear", "DequantizeLinear"]),
        RemoveStaticGraphInputs(),
        InferShapes(),
    ):
        wrapped = wrapped.transform(transformation)
    return wrapped
