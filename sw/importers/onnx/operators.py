"""The operators that an ONNX graph may hold, each with the rule that converts it."""

from collections.abc import Callable

from subbit.sw.importers.exact.casts import cast
from subbit.sw.importers.exact.choices import COMPARISONS, LOGIC, choose, compare, limit, logic
from subbit.sw.importers.exact.convs import convolve
from subbit.sw.importers.exact.dots import gemm, matmul
from subbit.sw.importers.exact.elementwise import ELEMENTWISE, elementwise, normalise
from subbit.sw.importers.exact.moved_channels import (
    concat,
    gather,
    resize,
    slice_channels,
    split,
)
from subbit.sw.importers.exact.multithreshold import multithreshold
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.onnx_quantisers import dequantise_linear, quantise_linear
from subbit.sw.importers.exact.op import Op, with_places
from subbit.sw.importers.exact.parted import by_parts
from subbit.sw.importers.exact.picking import PICKING
from subbit.sw.importers.exact.pools import average, global_average, global_max, max_pool
from subbit.sw.importers.exact.qonnx_quantisers import quantise
from subbit.sw.importers.exact.qoperators import (
    conv_integer,
    matmul_integer,
    q_gemm,
    qlinear_add,
    qlinear_conv,
    qlinear_matmul,
    qlinear_mean,
)
from subbit.sw.importers.exact.shapes import MOVES, move, pad, shape_of
from subbit.sw.importers.exact.transposed import depth_to_space, transposed
from subbit.sw.importers.exact.value import Const, Value
from subbit.sw.importers.onnx.constants import FOLDABLE

__all__ = ["CONSTANT_RULES", "RULES", "SPLITTING", "supported_operators"]

Rule = Callable[[NetworkBuilder, Op, list[Value | Const]], Value | Const]


def same(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value | Const:
    """Identity, and what is one when a network is not in training."""
    training = with_places(op, inputs).get(2)
    if training is not None and (isinstance(training, Value) or bool(training.array.any())):
        raise op.refuse("it drops elements at random", "export the network in eval mode")
    return inputs[0]


def blocks(builder: NetworkBuilder, op: Op, inputs: list[Value | Const]) -> Value:
    """DepthToSpace."""
    value, mode = inputs[0], str(op.attributes.get("mode", "DCR"))
    assert isinstance(value, Value)
    if mode not in ("DCR", "CRD"):
        raise op.refuse(f"its mode is {mode[:40]!r}", "use DCR or CRD")
    size = int(op.attributes["blocksize"])
    return depth_to_space(builder, op, value, size, by_channel=mode == "CRD")


RULES: dict[str, Rule] = {
    **dict.fromkeys(("Quant", "IntQuant", "BipolarQuant", "Trunc"), quantise),
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(COMPARISONS, compare),
    **dict.fromkeys(LOGIC, logic),
    **dict.fromkeys(("Min", "Max"), limit),
    "Where": choose,
    **dict.fromkeys(MOVES, move),
    **dict.fromkeys(("Identity", "Dropout"), same),
    "Cast": cast,
    "MultiThreshold": multithreshold,
    "QuantizeLinear": quantise_linear,
    "DequantizeLinear": dequantise_linear,
    "Conv": by_parts(convolve),
    "ConvTranspose": by_parts(transposed),
    "DepthToSpace": blocks,
    "MatMul": by_parts(matmul),
    "Gemm": by_parts(gemm),
    "Concat": concat,
    "Slice": slice_channels,
    "Gather": gather,
    **dict.fromkeys(("Resize", "Upsample"), resize),
    "BatchNormalization": normalise,
    "GlobalMaxPool": global_max,
    "MaxPool": max_pool,
    "AveragePool": average,
    "GlobalAveragePool": global_average,
    "ReduceMean": global_average,
    "Pad": pad,
    "Shape": shape_of,
    "QLinearConv": qlinear_conv,
    "QLinearMatMul": qlinear_matmul,
    "ConvInteger": conv_integer,
    "MatMulInteger": matmul_integer,
    "QGemm": q_gemm,
    "QLinearAdd": qlinear_add,
    "QLinearGlobalAveragePool": qlinear_mean,
}
# Operators that give several tensors.
SPLITTING: dict[str, Callable[[NetworkBuilder, Op, list[Value | Const]], list[Value]]] = {
    "Split": split,
}
QUANTISERS = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "QuantizeLinear", "DequantizeLinear")
# Operators whose rule takes constants too.
CONSTANT_RULES = (*QUANTISERS, "Shape")


def supported_operators() -> tuple[str, ...]:
    """The names of all operators that a graph may hold."""
    return tuple(sorted({*RULES, *SPLITTING, *FOLDABLE, *PICKING}))
