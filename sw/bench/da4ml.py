"""Constant matrices made into circuits by da4ml (pip install subbit[peers]), to compare with.

da4ml (C. Sun et al., TRETS 2025) finds adders for a constant matrix with shared subexpressions, and
writes a pipeline in Verilog. Nothing else of subbit uses it.
"""

import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from subbit.sw.errors import ToolError
from subbit.sw.ir.arrays import Ints

__all__ = ["PeerDesign", "make_peer"]

ADDERS_A_STAGE = 1
CHECKED = 256  # vectors for which its own model is compared with the matrix

TOP = """
module top(input clk, input pin, output reg [{last}:0] out);
    reg [{width}:0] x;
    wire [{bits}:0] y;
    always @(posedge clk) x <= {{x[{width_less}:0], pin}};
    peer peer(.clk(clk), .model_inp(x), .model_out(y));
{comparisons}
endmodule
"""


@dataclass(frozen=True)
class PeerDesign:
    """A design of da4ml's: the seconds that optimising took, the pipeline's stages, and whether its
    own model gives what the matrix does.
    """

    optimise_s: float
    stages: int
    exact: bool


def make_peer(matrix: Ints, bits: int, least: Ints, folder: Path) -> PeerDesign:
    """Write ``top.v`` into the folder: whether ``matrix @ x`` reaches ``least``, for unsigned codes
    x of ``bits`` bits that a pin shifts in, in the fewest adders a stage.

    ``matrix``: ``(outputs, inputs)``; ``least``: ``(outputs,)``. Raises ToolError without da4ml.
    """
    try:
        trace, codegen = import_module("da4ml.trace"), import_module("da4ml.codegen")
    except ImportError as error:
        raise ToolError(f"{error}; 'pip install subbit[peers]' brings da4ml") from None
    inputs = matrix.shape[1]
    begin = time.perf_counter()
    free = trace.FixedVariableArrayInput(inputs, trace.HWConfig(1, -1, -1))
    none = np.zeros(inputs, np.int64)
    x = free.quantize(none, none + bits, none)
    sums = x @ matrix.T.astype(np.float64)
    logic = trace.comb_trace(free, sums)
    pipeline = trace.to_pipeline(logic, ADDERS_A_STAGE, verbose=False)
    optimise_s = time.perf_counter() - begin
    codegen.VerilogModel(pipeline, "peer", folder / "peer").write()
    chance = np.random.default_rng(0).integers(0, 1 << bits, (CHECKED, inputs))
    found = np.asarray(logic.predict(chance.astype(np.float64)))
    exact = bool((found == chance @ matrix.T).all())
    (folder / "top.v").write_text(verilog(folder / "peer" / "src", logic, bits * inputs, least))
    return PeerDesign(round(optimise_s, 2), len(pipeline.solutions), exact)


def verilog(sources: Path, logic: Any, width: int, least: Ints) -> str:
    """All modules in one text, and a top that compares the outputs with constants: that takes less
    than another addition.
    """
    kifs = [import_module("da4ml.types").minimal_kif(number) for number in logic.out_qint]
    ends = np.cumsum([sum(map(int, kif)) for kif in kifs])
    lines = []
    for at, (kif, end, level) in enumerate(zip(kifs, ends, least.tolist(), strict=True)):
        bits = f"y[{end - 1}:{end - sum(map(int, kif))}]"
        number = f"$signed({bits})" if kif[0] else f"$signed({{1'b0, {bits}}})"
        lines.append(f"    always @(posedge clk) out[{at}] <= {number} >= {level};")
    top = TOP.format(
        last=len(kifs) - 1,
        width=width - 1,
        width_less=width - 2,
        bits=int(ends[-1]) - 1,
        comparisons="\n".join(lines),
    )
    stages = [file.read_text() for file in sorted(sources.glob("peer*.v"))]
    used = [
        text
        for file in sorted((sources / "static").glob("*.v"))
        if any(file.stem in stage for stage in stages)
        for text in [file.read_text()]
    ]
    return "\n".join([*stages, *used, top])
