"""The operators that an ONNX graph may hold, each with the rule that converts it."""

from collections.abc import Callable

from subbit.sw.importers.exact.convs import convolve
from subbit.sw.importers.exact.dots import gemm, matmul
from subbit.sw.importers.exact.elementwise import ELEMENTWISE, elementwise, normalise
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.onnx_quantisers import dequantise_linear, quantise_linear
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.picking import PICKING
from subbit.sw.importers.exact.pools import average, global_average, max_pool
from subbit.sw.importers.exact.qonnx_quantisers import quantise
from subbit.sw.importers.exact.shapes import MOVES, move, shape_of
from subbit.sw.importers.exact.value import Const, Value
from subbit.sw.importers.onnx.constants import FOLDABLE

__all__ = ["CONSTANT_RULES", "RULES", "supported_operators"]

# ONNX's numbers of float32 and float64.
FLOATS = (1, 11)
Rule = Callable[[NetworkBuilder, Op, list[Value | Const]], Value | Const]


def same(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value | Const:
    """Identity, and what is one when a network is not in training."""
    return inputs[0]


def cast(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value | Const:
    """Cast between floats, which changes nothing that a threshold could see."""
    if op.attributes.get("to") not in FLOATS:
        raise op.refuse("it makes integers of a tensor", "quantise with Quant instead")
    return inputs[0]


RULES: dict[str, Rule] = {
    **dict.fromkeys(("Quant", "IntQuant", "BipolarQuant", "Trunc"), quantise),
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(MOVES, move),
    **dict.fromkeys(("Identity", "Dropout"), same),
    "Cast": cast,
    "QuantizeLinear": quantise_linear,
    "DequantizeLinear": dequantise_linear,
    "Conv": convolve,
    "MatMul": matmul,
    "Gemm": gemm,
    "BatchNormalization": normalise,
    "MaxPool": max_pool,
    "AveragePool": average,
    "GlobalAveragePool": global_average,
    "ReduceMean": global_average,
    "Shape": shape_of,
}
QUANTISERS = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "QuantizeLinear", "DequantizeLinear")
# Operators whose rule takes constants too.
CONSTANT_RULES = (*QUANTISERS, "Shape")


def supported_operators() -> tuple[str, ...]:
    """The names of all operators that a graph may hold."""
    return tuple(sorted({*RULES, *FOLDABLE, *PICKING}))
