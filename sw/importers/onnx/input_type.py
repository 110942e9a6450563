"""What a graph says of its input beside the shape: the layout of its images, and its numbers."""

from fractions import Fraction

from subbit.sw.errors import NetworkError, quote
from subbit.sw.importers.exact.layout import LAYOUTS, Use, channels_last
from subbit.sw.importers.onnx.graph import Graph

__all__ = ["check_annotation", "layout_of"]

DATATYPE = "finn_datatype"
WIDEST = 32
SINGLE = {"BINARY": (0, 1), "BIPOLAR": (-1, 1), "TERNARY": (-1, 1)}


def layout_of(graph: Graph, layout: str | None = None) -> bool | None:
    """Whether the input's channels are its last side: as said, or by what reads it; None where
    nothing tells.
    """
    if layout is not None and layout not in LAYOUTS:
        raise NetworkError(f"a layout is {' or '.join(LAYOUTS)}, not {quote(layout)}")
    if layout is not None:
        return layout == LAYOUTS[1]
    uses = [
        Use(op.kind, name, op.outputs[0], order_of(op.attributes.get("perm")))
        for op in graph.ops
        for name in op.inputs
        if op.outputs
    ]
    return channels_last(graph.input, uses)


def order_of(perm: object) -> tuple[int, ...]:
    """The order of sides of a Transpose; nothing for other operators."""
    return tuple(int(axis) for axis in perm) if isinstance(perm, list | tuple) else ()


def check_annotation(graph: Graph, low: Fraction, high: Fraction) -> None:
    """Raise NetworkError where the file says that its input holds other numbers than pixels, which
    are ``low`` for 0 and ``high`` for 255.
    """
    for row in graph.model.graph.quantization_annotation:
        if row.tensor_name != graph.input:
            continue
        for pair in row.quant_parameter_tensor_names:
            if pair.key == DATATYPE:
                check_datatype(graph.input, pair.value, low, high)


def check_datatype(name: str, datatype: str, low: Fraction, high: Fraction) -> None:
    """Raise NetworkError unless every pixel is a number of that type."""
    kind = datatype.upper()
    if kind.startswith("FLOAT"):
        return
    least, greatest = ends_of(name, kind)
    numbers = [low + (high - low) * pixel / 255 for pixel in range(256)]
    allowed = {Fraction(-1), Fraction(1)} if kind == "BIPOLAR" else None
    whole = all(n.denominator == 1 and least <= n <= greatest for n in numbers)
    if not whole or (allowed and not set(numbers) <= allowed):
        between = "-1 and 1" if kind == "BIPOLAR" else f"integers from {least} to {greatest}"
        raise NetworkError(
            f"the input {quote(name[:64])} is annotated as {kind}, {between}, and its 256 pixels "
            f"range from {float(low):g} to {float(high):g}; give that range, or take the "
            "annotation out and quantise the input in the graph"
        )


def ends_of(name: str, kind: str) -> tuple[int, int]:
    """The least and the greatest integer of a type of FINN; raises NetworkError for others."""
    if kind in SINGLE:
        return SINGLE[kind]
    digits = kind.removeprefix("U").removeprefix("INT")
    if not digits.isdecimal() or not 1 <= int(digits[:3]) <= WIDEST or len(digits) > 2:
        raise NetworkError(
            f"the input {quote(name[:64])} is annotated as {quote(kind)}, which is no type of "
            f"integers of 1 to {WIDEST} bits; take the annotation out"
        )
    bits = int(digits)
    return (0, (1 << bits) - 1) if kind.startswith("U") else (-(1 << bits - 1), (1 << bits - 1) - 1)
