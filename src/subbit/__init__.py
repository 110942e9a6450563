"""subbit: binary, sub-bit and few-bit neural networks as verified FPGA accelerators.

Everything that the command line does is one call here; each name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from subbit.boards import board
    from subbit.sim.components import simulate_components
    from subbit.sim.gates import simulate_mapped
    from subbit.sim.run import simulate
    from subbit.sim.trace import trace, write_trace
    from subbit.sw.bench.cnv import bench_cnv
    from subbit.sw.bench.costs import bench_costs
    from subbit.sw.bench.engine import bench_engine
    from subbit.sw.bench.imports import bench_import
    from subbit.sw.bench.ip_cores import bench_ip
    from subbit.sw.bench.link import bench_link
    from subbit.sw.bench.multipliers import bench_multipliers
    from subbit.sw.bench.network import bench_network
    from subbit.sw.bench.planner import bench_planner
    from subbit.sw.bench.popcount import bench_popcount
    from subbit.sw.bench.precise_networks import bench_precision
    from subbit.sw.bench.reuse_all import bench_reuse
    from subbit.sw.bench.tasks import bench_tasks
    from subbit.sw.bench.unrolled import bench_unrolled
    from subbit.sw.bench.whole import bench_whole
    from subbit.sw.cli.doctor import found_tools
    from subbit.sw.compress.compress import compress_network
    from subbit.sw.compress.finetune import Training
    from subbit.sw.data.source import DataOptions
    from subbit.sw.evaluate import evaluate_dataset, evaluate_frames
    from subbit.sw.flow.bitstream import build_bitstream
    from subbit.sw.flow.compare import compare, write_comparison
    from subbit.sw.flow.program import program_board
    from subbit.sw.flow.report import write_report
    from subbit.sw.flow.rtl import write_rtl
    from subbit.sw.host.classify import classify_files
    from subbit.sw.host.run import open_device, run_images
    from subbit.sw.importers.api import check_import, import_file, import_network
    from subbit.sw.importers.papers.checkpoint import import_checkpoint
    from subbit.sw.importers.torch.export import export
    from subbit.sw.importers.torch.module import from_torch
    from subbit.sw.ip.export import export_ip
    from subbit.sw.ir import Network, load_network, save_network
    from subbit.sw.ir.describe import describe_network
    from subbit.sw.lower.plan import Plan, load_plan, save_plan
    from subbit.sw.mcu.emulate import emulate
    from subbit.sw.mcu.export import export_c
    from subbit.sw.planner import Goal, default_plan, plan_for, plan_report, planned
    from subbit.sw.play.board import virtual_board
    from subbit.sw.predict import predict
    from subbit.sw.starter import new_project
    from subbit.sw.sweep.page import write_sweep
    from subbit.sw.sweep.run import run_sweep
    from subbit.sw.train.own import OwnTraining, train_model
    from subbit.sw.train.preview import preview
    from subbit.sw.train.quantise import quantise_model
    from subbit.sw.train.train import train_network

PLACES = {
    "DataOptions": "sw.data.source",
    "Goal": "sw.planner",
    "Network": "sw.ir",
    "OwnTraining": "sw.train.own",
    "Plan": "sw.lower.plan",
    "Training": "sw.compress.finetune",
    "bench_cnv": "sw.bench.cnv",
    "bench_costs": "sw.bench.costs",
    "bench_engine": "sw.bench.engine",
    "bench_import": "sw.bench.imports",
    "bench_ip": "sw.bench.ip_cores",
    "bench_link": "sw.bench.link",
    "bench_multipliers": "sw.bench.multipliers",
    "bench_network": "sw.bench.network",
    "bench_planner": "sw.bench.planner",
    "bench_precision": "sw.bench.precise_networks",
    "bench_reuse": "sw.bench.reuse_all",
    "bench_popcount": "sw.bench.popcount",
    "bench_tasks": "sw.bench.tasks",
    "bench_unrolled": "sw.bench.unrolled",
    "bench_whole": "sw.bench.whole",
    "board": "boards",
    "build_bitstream": "sw.flow.bitstream",
    "check_import": "sw.importers.api",
    "classify_files": "sw.host.classify",
    "compress_network": "sw.compress.compress",
    "default_plan": "sw.planner",
    "describe_network": "sw.ir.describe",
    "emulate": "sw.mcu.emulate",
    "evaluate_dataset": "sw.evaluate",
    "export": "sw.importers.torch.export",
    "export_c": "sw.mcu.export",
    "export_ip": "sw.ip.export",
    "evaluate_frames": "sw.evaluate",
    "found_tools": "sw.cli.doctor",
    "from_torch": "sw.importers.torch.module",
    "import_checkpoint": "sw.importers.papers.checkpoint",
    "import_file": "sw.importers.api",
    "import_network": "sw.importers.api",
    "load_network": "sw.ir",
    "load_plan": "sw.lower.plan",
    "new_project": "sw.starter",
    "open_device": "sw.host.run",
    "plan_for": "sw.planner",
    "plan_report": "sw.planner",
    "planned": "sw.planner",
    "preview": "sw.train.preview",
    "program_board": "sw.flow.program",
    "quantise_model": "sw.train.quantise",
    "run_images": "sw.host.run",
    "run_sweep": "sw.sweep.run",
    "save_network": "sw.ir",
    "save_plan": "sw.lower.plan",
    "simulate": "sim.run",
    "simulate_components": "sim.components",
    "simulate_mapped": "sim.gates",
    "train_model": "sw.train.own",
    "train_network": "sw.train.train",
    "compare": "sw.flow.compare",
    "predict": "sw.predict",
    "trace": "sim.trace",
    "virtual_board": "sw.play.board",
    "write_comparison": "sw.flow.compare",
    "write_report": "sw.flow.report",
    "write_sweep": "sw.sweep.page",
    "write_trace": "sim.trace",
    "write_rtl": "sw.flow.rtl",
}

__all__ = [
    "DataOptions",
    "Goal",
    "Network",
    "OwnTraining",
    "Plan",
    "Training",
    "bench_cnv",
    "bench_costs",
    "bench_engine",
    "bench_import",
    "bench_ip",
    "bench_link",
    "bench_multipliers",
    "bench_network",
    "bench_planner",
    "bench_popcount",
    "bench_precision",
    "bench_reuse",
    "bench_tasks",
    "bench_unrolled",
    "bench_whole",
    "board",
    "build_bitstream",
    "check_import",
    "classify_files",
    "compare",
    "compress_network",
    "default_plan",
    "describe_network",
    "emulate",
    "evaluate_dataset",
    "evaluate_frames",
    "export",
    "export_c",
    "export_ip",
    "found_tools",
    "from_torch",
    "import_checkpoint",
    "import_file",
    "import_network",
    "load_network",
    "load_plan",
    "new_project",
    "open_device",
    "plan_for",
    "plan_report",
    "planned",
    "predict",
    "preview",
    "program_board",
    "quantise_model",
    "run_images",
    "run_sweep",
    "save_network",
    "save_plan",
    "simulate",
    "simulate_components",
    "simulate_mapped",
    "trace",
    "train_model",
    "train_network",
    "virtual_board",
    "write_comparison",
    "write_report",
    "write_rtl",
    "write_sweep",
    "write_trace",
]


def __getattr__(name: str) -> Any:
    """Load one of the names above from its place."""
    if name not in PLACES:
        raise AttributeError(f"module 'subbit' has no attribute {name!r}")
    return getattr(import_module(f"subbit.{PLACES[name]}"), name)


def __dir__() -> list[str]:
    """The names above, too."""
    return sorted([*globals(), *PLACES])
