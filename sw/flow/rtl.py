"""The accelerator of a network as a Verilog file."""

import os
from pathlib import Path

from subbit.sw.atomic import write_atomic
from subbit.sw.flow.verilog import to_verilog
from subbit.sw.ir import Network
from subbit.sw.lower.plan import Plan

__all__ = ["write_rtl"]


def write_rtl(network: Network, plan: Plan, path: str | os.PathLike[str]) -> dict[str, int]:
    """Write the accelerator to ``path`` as plain Verilog-2001; returns the widths of its ports.

    The module is called ``accelerator``, with ``clk``, ``rst`` and the streams ``i`` and ``o``.
    Raises PlanError, ToolError, and OSError where the file cannot be written.
    """
    from subbit.hw.design.accelerator import Accelerator
    from subbit.sw.lower.pipeline import Pipeline

    accelerator = Accelerator(pipeline=Pipeline(network, plan))
    write_atomic(Path(path), to_verilog(accelerator, name="accelerator"))
    widths = {"clk": 1, "rst": 1}
    for place, _, value in accelerator.signature.flatten(accelerator):
        widths["__".join(map(str, place))] = len(
            value.as_value() if hasattr(value, "as_value") else value
        )
    return widths
