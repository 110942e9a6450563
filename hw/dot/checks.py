"""Which settings of a direct engine go together."""

from subbit.hw.dot.popcount import FORMS
from subbit.sw.errors import PlanError
from subbit.sw.ir.types import Encoding, TensorType
from subbit.sw.ir.weights import Weights

__all__ = ["check_counters", "check_folding", "check_inputs"]


def check_folding(weights: Weights, *, pe: int, simd: int, vectors: int, pixels: int) -> None:
    """Raise PlanError unless ``pe`` divides the outputs and ``simd`` the inputs of each, and a
    frame has vectors and pixels.
    """
    outputs, length = weights.shape[0], weights.row_length
    if pe < 1 or outputs % pe:
        raise PlanError(f"PE must divide the {outputs} outputs, and {pe} does not")
    if simd < 1 or length % simd:
        raise PlanError(f"SIMD must divide the {length} inputs of an output, and {simd} does not")
    for name, number in (("vector", vectors), ("pixel", pixels)):
        if number < 1:
            raise PlanError(f"a frame has at least one {name}, not {number}")


def check_inputs(
    encoding: Encoding,
    bits: int,
    span: tuple[int, int] | None,
    *,
    masked: bool,
    bordered: bool,
) -> None:
    """Raise PlanError unless masks, a border, and the least and greatest number in ``span`` suit
    inputs of that encoding and so many bits.
    """
    if masked and encoding is not Encoding.BIPOLAR:
        raise PlanError("only bipolar inputs have a mask; an unsigned 0 is code 0")
    if (span is not None) != (encoding is Encoding.INTEGER):
        raise PlanError("integers, and no codes, have a span: their least and greatest number")
    wanted = bits if span is None else TensorType.integers(1, 1, 1, *span).bits
    if wanted != bits:
        raise PlanError(f"integers of {wanted} bits, not {bits}, span them")
    if bordered and (masked or encoding is not Encoding.BIPOLAR):
        raise PlanError("only bipolar inputs without masks have a border that is taken back")


def check_counters(form: str, bits: int, x_branches: int, x_bits: int) -> None:
    """Raise PlanError unless counters of that form are known, and ``x_branches`` steps of
    ``x_bits`` make the bits of an input.
    """
    if form not in FORMS:
        raise PlanError(f"popcount must be one of {', '.join(FORMS)}, not {form!r}")
    if x_branches < 0 or bits % x_bits:
        raise PlanError(
            f"x_branches must divide the {bits} bits of an input, and {x_branches} does not"
        )
