"""Small ONNX and QONNX graphs, built on the fly: operators one after the other, with constants."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["CUSTOM", "QONNX", "GraphMaker"]

Array = NDArray[Any]
QONNX = "qonnx.custom_op.general"
CUSTOM = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold")


class GraphMaker:
    """Adds nodes one after the other; every method returns the name of what the node makes.

    ``shape``: of the input, with the batch; ``opset``: of ONNX's own operators, ``qonnx`` and
    ``domain`` of QONNX's; ``kind``: ONNX's number of the output's type, by default int64 where the
    last node picks a class and else float. ``plain``: the domain that ONNX's own operators name;
    ``as_nodes``: whether constants are nodes and not initializers.
    """

    qonnx = 1
    domain = QONNX
    plain = ""
    as_nodes = False

    def __init__(self, *shape: int, opset: int = 13) -> None:
        self.shape, self.opset = shape, opset
        self.kind = 0
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []

    def const(self, array: Any, kind: Any = np.float32) -> str:
        """An initializer, or a Constant node."""
        if self.as_nodes:
            return self.constant(np.asarray(array, kind))
        name = f"p{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.asarray(array, kind), name))
        return name

    def constant(self, array: Array) -> str:
        """A Constant node."""
        return self.node("Constant", value=numpy_helper.from_array(array))

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node; custom operators go into their domain."""
        number = len(self.nodes)
        domain = self.domain if kind in CUSTOM else self.plain
        self.nodes.append(
            helper.make_node(
                kind, inputs, [f"t{number}"], name=f"{kind}_{number}", domain=domain, **attributes
            )
        )
        return f"t{number}"

    def quant(
        self,
        x: str,
        scale: Any,
        bits: float,
        *,
        zero: Any = 0.0,
        signed: int = 1,
        narrow: int = 0,
        mode: str = "ROUND",
    ) -> str:
        """Quant."""
        parameters = (self.const(scale), self.const(zero), self.const(bits))
        return self.node("Quant", x, *parameters, signed=signed, narrow=narrow, rounding_mode=mode)

    def bipolar(self, x: str, scale: Any = 1.0) -> str:
        """BipolarQuant."""
        return self.node("BipolarQuant", x, self.const(scale))

    def linear(
        self, x: str, scale: Any, zero: Any, kind: Any, top: int | None = None, axis: int = 1
    ) -> str:
        """QuantizeLinear, Clip to 0..top where given, DequantizeLinear."""
        parameters = (self.const(scale), self.const(zero, kind))
        given = {"axis": axis} if self.opset >= 13 else {}
        x = self.node("QuantizeLinear", x, *parameters, **given)
        if top is not None:
            x = self.node("Clip", x, self.const(0, kind), self.const(top, kind))
        return self.node("DequantizeLinear", x, *parameters, **given)

    def norm(self, x: str, channels: int, draw: np.random.Generator, flips: bool = True) -> str:
        """BatchNormalization with random parameters, some negative if ``flips``."""
        gamma = draw.uniform(0.5, 2, channels) * (draw.choice([-1, 1], channels) if flips else 1)
        rows = gamma, draw.normal(size=channels), draw.normal(size=channels) * 3
        names = [self.const(row) for row in (*rows, draw.uniform(1, 30, channels))]
        return self.node("BatchNormalization", x, *names, epsilon=1e-5)

    def model(self, output: str) -> Any:
        """The whole model."""
        picks = self.nodes[-1].op_type in ("ArgMax", "ArgMin", "TopK")
        kind = self.kind or (TensorProto.INT64 if picks else TensorProto.FLOAT)
        graph = helper.make_graph(
            self.nodes,
            "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(output, kind, None)],
            self.arrays,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        if self.domain:
            opsets.append(helper.make_opsetid(self.domain, self.qonnx))
        if any(node.domain == "com.microsoft" for node in self.nodes):
            opsets.append(helper.make_opsetid("com.microsoft", 1))
        version = 8 if self.opset < 20 else 10
        return helper.make_model(graph, opset_imports=opsets, ir_version=version)

    def save(self, output: str, path: Path) -> Path:
        """The model in a file; its output's shape is inferred from what qonnx makes of it."""
        model = self.model(output)
        onnx.save(model, str(path))
        return path
