"""What a node may say: for every operator its attributes, inputs and outputs, as a closed list.

The names, types, defaults and numbers of inputs of ONNX's own operators are those of its schemas at
the file's opset; the table says which of the attributes are handled. A rule then finds every
attribute that has a default in ``Op.attributes``. What the table does not name is refused.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from subbit.sw.importers.exact.op import Op

__all__ = ["ACCEPTED", "MICROSOFT", "ONNX_DOMAINS", "QONNX_DOMAINS", "Accepted", "accepted"]

ONNX_DOMAINS = ("", "ai.onnx")
QONNX_DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general", "")
MICROSOFT = ("com.microsoft",)
INFINITE = 1 << 20
TYPES: dict[int, tuple[type, ...]] = {
    onnx.AttributeProto.INT: (int,),
    onnx.AttributeProto.FLOAT: (float, int),
    onnx.AttributeProto.STRING: (str,),
    onnx.AttributeProto.INTS: (list,),
    onnx.AttributeProto.FLOATS: (list,),
    onnx.AttributeProto.TENSOR: (np.ndarray,),
}


@dataclass(frozen=True)
class Accepted:
    """One operator.

    ``reads``: the attributes that its rule reads. ``only``: those that may have these values alone,
    the default among them. ``ignored``: those on which no result in a network depends, with the
    reason. ``inputs``: how many it has, at least and at most, beside what ONNX's schema says.
    ``outputs``: how many may have a name; nothing may read any but the first. ``own``: for
    operators that are not ONNX's, the defaults of all attributes. ``domains``: where it stands.
    """

    inputs: tuple[int, int] = (1, 1)
    reads: tuple[str, ...] = ()
    only: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    outputs: int = 1
    own: dict[str, Any] | None = None
    domains: tuple[str, ...] = ONNX_DOMAINS


def qonnx(least: int, most: int, **own: Any) -> Accepted:
    """An operator of QONNX, whose attributes are all read."""
    return Accepted((least, most), tuple(own), own=own, domains=QONNX_DOMAINS)


INFERENCE = "it matters in training alone"
OLD = {"consumed_inputs": "it allowed the runtime to reuse memory"}
WINDOW = ("kernel_shape", "strides", "pads", "dilations", "auto_pad")
QUANT = {"signed": 1, "narrow": 1, "rounding_mode": "ROUND"}
FLOAT8 = {"saturate": "it matters for float8 alone, which is refused"}
IN_BLOCKS: dict[str, tuple[Any, ...]] = {"block_size": (0,)}

# ONNX's, alphabetically.
ACCEPTED: dict[str, Accepted] = {
    **{k: Accepted(ignored=OLD) for k in ("Abs", "Ceil", "Floor", "Neg", "Reciprocal", "Sqrt")},
    **{k: Accepted(ignored=OLD) for k in ("Relu", "Sigmoid", "Tanh", "Softplus", "Softsign")},
    **{k: Accepted(ignored=OLD) for k in ("Exp", "Log")},
    **{k: Accepted() for k in ("Erf", "HardSwish", "Mish", "Not", "Round", "Sign")},
    **{k: Accepted((2, 2)) for k in ("Add", "Sub", "Mul", "Div", "Pow", "MatMul")},
    **{k: Accepted((2, 2)) for k in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")},
    **{k: Accepted((2, 2)) for k in ("And", "Or", "Xor")},
    **{k: Accepted((1, INFINITE), ignored=OLD) for k in ("Min", "Max")},
    **{k: Accepted(reads=("axis", "keepdims", "select_last_index")) for k in ("ArgMax", "ArgMin")},
    "AveragePool": Accepted(
        reads=(*WINDOW, "ceil_mode", "count_include_pad"),
    ),
    "BatchNormalization": Accepted(
        (5, 5),
        ("epsilon",),
        {"training_mode": (0,), "spatial": (1,), "is_test": (1,)},
        {"momentum": INFERENCE, **OLD},
    ),
    "Cast": Accepted(reads=("to",), ignored={**FLOAT8, "round_mode": FLOAT8["saturate"]}),
    "Celu": Accepted(reads=("alpha",)),
    "Clip": Accepted((1, 3), ("min", "max"), ignored=OLD),
    "Concat": Accepted((1, INFINITE), ("axis",)),
    "Constant": Accepted(
        (0, 0), ("value", "value_float", "value_int", "value_floats", "value_ints")
    ),
    "ConstantOfShape": Accepted(reads=("value",)),
    "Conv": Accepted((2, 3), (*WINDOW, "group")),
    "ConvTranspose": Accepted((2, 3), (*WINDOW, "group", "output_padding", "output_shape")),
    "DepthToSpace": Accepted(reads=("blocksize", "mode")),
    "DequantizeLinear": Accepted(
        (2, 3), ("axis",), {**IN_BLOCKS, "output_dtype": (0, TensorProto.FLOAT)}
    ),
    "Dropout": Accepted(
        (1, 3),
        only={"is_test": (1,)},
        ignored={"ratio": INFERENCE, "seed": INFERENCE, **OLD},
        outputs=2,
    ),
    "Elu": Accepted(reads=("alpha",), ignored=OLD),
    "Flatten": Accepted(reads=("axis",)),
    "Gather": Accepted((2, 2), ("axis",)),
    "Gemm": Accepted(
        (2, 3),
        ("alpha", "beta", "transA", "transB"),
        ignored={"broadcast": "the bias is broadcast as its shape says"},
    ),
    "Gelu": Accepted(reads=("approximate",)),
    "GlobalAveragePool": Accepted(),
    "GlobalMaxPool": Accepted(),
    "HardSigmoid": Accepted(reads=("alpha", "beta"), ignored=OLD),
    "Identity": Accepted(),
    "LeakyRelu": Accepted(reads=("alpha",), ignored=OLD),
    "LogSoftmax": Accepted(reads=("axis",)),
    "MaxPool": Accepted(
        reads=(*WINDOW, "ceil_mode"),
        ignored={"storage_order": "it matters for the second output alone"},
        outputs=2,
    ),
    "PRelu": Accepted((2, 2), ignored=OLD),
    "Pad": Accepted((1, 4), ("mode", "pads", "paddings", "value")),
    "QuantizeLinear": Accepted(
        (2, 3),
        ("axis", "output_dtype"),
        {**IN_BLOCKS, "precision": (0, TensorProto.FLOAT)},
        FLOAT8,
    ),
    "ReduceMean": Accepted(
        (1, 2),
        ("axes", "keepdims"),
        ignored={"noop_with_empty_axes": "a mean without axes is refused"},
    ),
    "Reshape": Accepted((1, 2), ("shape", "allowzero"), ignored=OLD),
    "Resize": Accepted(
        (1, 4),
        (
            *("mode", "coordinate_transformation_mode", "nearest_mode"),
            "keep_aspect_ratio_policy",
        ),
        {"exclude_outside": (0,), "antialias": (0,)},
        {
            "cubic_coeff_a": "it matters for cubic resizing alone, which is refused",
            "extrapolation_value": "it matters for cropping alone, which is refused",
        },
    ),
    "Selu": Accepted(reads=("alpha", "gamma"), ignored=OLD),
    "Shape": Accepted(reads=("start", "end")),
    "Slice": Accepted((1, 5), ("starts", "ends", "axes")),
    "Softmax": Accepted(reads=("axis",)),
    "Split": Accepted((1, 2), ("axis", "split", "num_outputs"), outputs=INFINITE),
    "Squeeze": Accepted((1, 2), ("axes",)),
    "TopK": Accepted(
        (1, 2),
        ("axis", "largest", "k"),
        ignored={"sorted": "one result has no order"},
        outputs=2,
    ),
    "Transpose": Accepted(reads=("perm",)),
    "Unsqueeze": Accepted((1, 2), ("axes",)),
    "Upsample": Accepted((1, 2), ("mode", "scales")),
    "Where": Accepted((3, 3)),
    "ConvInteger": Accepted((2, 4), (*WINDOW, "group")),
    "MatMulInteger": Accepted((2, 4)),
    "QLinearConv": Accepted((8, 9), (*WINDOW, "group")),
    "QLinearMatMul": Accepted((8, 8)),
    "QGemm": Accepted(
        (6, 9),
        ("alpha", "transA", "transB"),
        own={"alpha": 1.0, "transA": 0, "transB": 0},
        domains=MICROSOFT,
    ),
    "QLinearAdd": Accepted((7, 8), own={}, domains=MICROSOFT),
    "QLinearGlobalAveragePool": Accepted(
        (4, 5), only={"channels_last": (0,)}, own={"channels_last": 0}, domains=MICROSOFT
    ),
    "Quant": qonnx(4, 4, **QUANT),
    "IntQuant": qonnx(4, 4, **QUANT),
    "BipolarQuant": qonnx(2, 2),
    "MultiThreshold": Accepted(
        (2, 2),
        ("out_scale", "out_bias", "data_layout"),
        ignored={"out_dtype": "it annotates the result"},
        own={"out_scale": 1.0, "out_bias": 0.0, "data_layout": "", "out_dtype": ""},
        domains=QONNX_DOMAINS,
    ),
    "Trunc": qonnx(5, 6, rounding_mode="FLOOR", signed=1, narrow=0),
}


@cache
def schema(kind: str, opset: int) -> Any:
    """ONNX's own description of an operator at an opset; None where there is none."""
    try:
        return onnx.defs.get_schema(kind, opset, "")
    except onnx.defs.SchemaError:
        return None


def accepted(op: Op, opset: int) -> Op:
    """``op`` with the defaults of its attributes; raises NetworkError for what is not handled."""
    row = ACCEPTED[op.kind]
    known = None if row.own is not None else schema(op.kind, opset)
    if row.own is None and known is None:
        raise op.refuse(f"opset {opset} has no such operator", "export with opset 13 or later")
    named = {*row.reads, *row.only, *row.ignored}
    for name, value in op.attributes.items():
        if name not in named:
            raise op.refuse(f"its attribute {name[:40]!r} is not handled", "export without it")
        if known is not None and name not in known.attributes:
            raise op.refuse(
                f"opset {opset} has no attribute {name[:40]!r} of it", "export the network again"
            )
        check_type(op, name, value, row, known)
    check_counts(op, row, known)
    op = replace(op, attributes={**defaults(row, known), **op.attributes})
    for name, values in row.only.items():
        if name in op.attributes and op.attributes[name] not in values:
            raise op.refuse(
                f"its {name} is {str(op.attributes[name])[:40]}",
                f"export with {name}={' or '.join(map(str, values))}",
            )
    return op


def defaults(row: Accepted, known: Any) -> dict[str, Any]:
    """The attributes that have a default."""
    if known is None:
        return dict(row.own or {})
    found = {}
    for name, attribute in known.attributes.items():
        if attribute.default_value.name:
            value = onnx.helper.get_attribute_value(attribute.default_value)
            found[name] = value.decode() if isinstance(value, bytes) else value
    return found


def check_type(op: Op, name: str, value: Any, row: Accepted, known: Any) -> None:
    """Raise NetworkError unless an attribute's value is of the kind that it should be."""
    if known is not None:
        kinds = TYPES.get(int(known.attributes[name].type.value), (object,))
        whole = int(known.attributes[name].type.value) == onnx.AttributeProto.INTS
        if whole and isinstance(value, list) and not all(isinstance(x, int) for x in value):
            raise op.refuse(f"its {name} are no integers", "export the network again")
    else:
        kinds = (type((row.own or {}).get(name, value)),)
        kinds = (float, int) if kinds == (float,) else kinds
    if not isinstance(value, kinds):
        raise op.refuse(
            f"its {name} is a {type(value).__name__}, not a {kinds[0].__name__}",
            "export the network again",
        )


def check_counts(op: Op, row: Accepted, known: Any) -> None:
    """Raise NetworkError where a node has inputs or outputs that are not handled."""
    least, most = row.inputs
    if known is not None:
        least, most = max(least, known.min_input), min(most, known.max_input)
    count = len(op.inputs)
    if not least <= count <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise op.refuse(f"it has {count} inputs, not {wanted}", "export the network again")
    absent = [place for place, name in enumerate(op.inputs[:least]) if not name]
    if absent:
        raise op.refuse(f"its input {absent[0]} is missing", "export the network again")
    named = [name for name in op.outputs if name]
    if len(named) > row.outputs or not op.outputs or not op.outputs[0]:
        raise op.refuse(f"it has {len(named)} outputs, not {row.outputs}", "use its first output")
