"""subbit: binary, sub-bit and few-bit neural networks as verified FPGA accelerators.

Everything that the command line does is one call here; each name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from subbit.boards import board
    from subbit.sim.run import simulate
    from subbit.sw.bench.network import bench_network
    from subbit.sw.evaluate import evaluate_dataset
    from subbit.sw.flow.bitstream import build_bitstream
    from subbit.sw.flow.program import program_board
    from subbit.sw.flow.rtl import write_rtl
    from subbit.sw.host.classify import classify_files
    from subbit.sw.importers.api import check_import, import_file
    from subbit.sw.importers.torch_module import from_torch
    from subbit.sw.ir import Network, load_network, save_network
    from subbit.sw.nn.train import train_network
    from subbit.sw.plan import Plan, load_plan, save_plan
    from subbit.sw.planner import Goal, default_plan, plan_for

PLACES = {
    "Goal": "sw.planner",
    "Network": "sw.ir",
    "Plan": "sw.plan",
    "bench_network": "sw.bench.network",
    "board": "boards",
    "build_bitstream": "sw.flow.bitstream",
    "check_import": "sw.importers.api",
    "classify_files": "sw.host.classify",
    "default_plan": "sw.planner",
    "evaluate_dataset": "sw.evaluate",
    "from_torch": "sw.importers.torch_module",
    "import_file": "sw.importers.api",
    "load_network": "sw.ir",
    "load_plan": "sw.plan",
    "plan_for": "sw.planner",
    "program_board": "sw.flow.program",
    "save_network": "sw.ir",
    "save_plan": "sw.plan",
    "simulate": "sim.run",
    "train_network": "sw.nn.train",
    "write_rtl": "sw.flow.rtl",
}

__all__ = [
    "Goal",
    "Network",
    "Plan",
    "bench_network",
    "board",
    "build_bitstream",
    "check_import",
    "classify_files",
    "default_plan",
    "evaluate_dataset",
    "from_torch",
    "import_file",
    "load_network",
    "load_plan",
    "plan_for",
    "program_board",
    "save_network",
    "save_plan",
    "simulate",
    "train_network",
    "write_rtl",
]


def __getattr__(name: str) -> Any:
    """Load one of the names above from its place."""
    if name not in PLACES:
        raise AttributeError(f"module 'subbit' has no attribute {name!r}")
    return getattr(import_module(f"subbit.{PLACES[name]}"), name)


def __dir__() -> list[str]:
    """The names above, too."""
    return sorted([*globals(), *PLACES])
