"""From a network and a plan to a bitstream, its reports and its summary."""

import hashlib
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

from subbit.boards import Board
from subbit.hw.link.protocol import LinkInfo
from subbit.sw.errors import NetworkError
from subbit.sw.flow.folder import build_folder, publish
from subbit.sw.flow.implement import Implementation, implement
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.flow.summary import Summary
from subbit.sw.ir import Network, save_network
from subbit.sw.lower.pipeline import Pipeline
from subbit.sw.lower.plan import Plan, save_plan
from subbit.sw.planner.goal import planned
from subbit.sw.report.page import report_page
from subbit.sw.report.scored import score_network
from subbit.sw.report.subject import Built, Subject
from subbit.sw.report.write import write_page

__all__ = ["BUILD_PAGE", "build_bitstream", "default_folder"]

BUILD_PAGE = "report.html"
BUILT_FILES = ("timing.json", "placement.json")  # that a report reads


def default_folder(network: Network, board: Board) -> Path:
    """Where a build goes unless the user says otherwise: build/<network>-<board>."""
    return Path("build") / f"{network.name}-{board.name}"


def build_bitstream(
    network: Network,
    plan: Plan,
    board: Board,
    out_folder: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
    seeds: int = 1,
    *,
    seed: int | None = None,
    mhz: float | None = None,
    placer: str | None = None,
    route_mhz: float | None = None,
    report: bool = True,
) -> Summary:
    """Build the bitstream of ``network`` as planned for ``board``; all files go to ``out_folder``,
    by default default_folder's.

    The folder is replaced only once everything is made, and at once: <network>.bit, the Verilog,
    constraints, netlist, configuration, logs, the network and plan themselves, and summary.json;
    files of other names are kept. Place-and-route is tried with the seeds 1 to ``seeds``, and the
    fastest result kept; or it is run with ``seed`` alone, which makes a build that was measured
    again. It is driven to ``mhz``, by default what is usual for the board's family. ``placer``:
    nextpnr's, ``heap`` or ``static``, instead of the one for the design's size;
    ``route_mhz``: route in a second run of nextpnr, driven to that clock. ``report``: write
    report.html, too.

    Raises SubbitError (FitError where the board is too small), OSError where the disk is full, and
    ValueError where both ``seed`` and several ``seeds`` are given.
    """
    from subbit.hw.design.top import board_top

    if seed is not None and seeds != 1:
        raise ValueError(f"take a seed or a number of seeds, not both {seed} and {seeds}")
    began = time.monotonic()
    out = default_folder(network, board) if out_folder is None else Path(out_folder)
    right = accuracy(network)
    LinkInfo.from_network(network, clock_hz=0)  # raises where a board cannot hold it
    with build_folder(out) as part:
        built = implement(
            *(board_top(network, plan, board, mhz), board, part),
            name=network.name,
            seeds=(seed,) if seed is not None else range(1, seeds + 1),
            mhz=mhz,
            placer=placer,
            route_mhz=route_mhz,
            where=report,
            progress=progress,
        )
        save_network(network, part / f"{network.name}.safetensors")
        save_plan(plan, part / "plan.json")
        summary = summarise(network, plan, board, built, right, time.monotonic() - began)
        (part / "summary.json").write_text(summary.to_json())
        try:
            if report:
                progress.phase("report")
                write_build_report(part, network, plan, board, summary)
        finally:  # what took so long to make is kept whatever happens to its report
            publish(part, out)
    return summary


def write_build_report(
    folder: Path, network: Network, plan: Plan, board: Board, summary: Summary
) -> None:
    """Write report.html of the build in ``folder``."""
    timing, placement = (json.loads((folder / name).read_text()) for name in BUILT_FILES)
    built = Built(asdict(summary), timing, placement)
    scored, why = score_network(network)
    subject = Subject(
        *(network, board, planned(network, board, plan)), built=built, scored=scored, unscored=why
    )
    write_page(folder / BUILD_PAGE, report_page(subject))


def summarise(
    network: Network,
    plan: Plan,
    board: Board,
    built: Implementation,
    right: float | None,
    wall_s: float,
) -> Summary:
    """The numbers of a build."""
    cycles, resources = Pipeline(network, plan), built.resources
    return Summary(
        network=network.name,
        digest=network.digest,
        board=board.name,
        device=board.device.name,
        lut4=resources.lut4,
        flip_flops=resources.flip_flops,
        block_rams=resources.block_rams,
        dsps=resources.dsps,
        fmax_mhz=round(built.fmax_hz / 1e6, 3),
        clock_mhz=round(built.clock_hz / 1e6, 3),
        interval_cycles=cycles.interval_cycles,
        latency_cycles=cycles.latency_cycles,
        fps=round(built.clock_hz / cycles.interval_cycles, 3),
        accuracy=right,
        weight_bits=network.weight_bits,
        wall_s=round(wall_s, 2),
        bitstream=built.bitstream.name,
        bitstream_sha256=hashlib.sha256(built.bitstream.read_bytes()).hexdigest(),
        tools=built.tools,
        accuracy_images=accuracy_images(network),
        seed=built.seed,
    )


def accuracy(network: Network) -> float | None:
    """The share of test images that the network's file says are classified right, or None where it
    says nothing.

    Raises NetworkError where it says something else than a share, or numbers of images.
    """
    row = network.metadata.get("accuracy")
    if isinstance(row, dict):
        correct, images = row.get("correct", 0), row.get("images", 0)
        if type(correct) is int and type(images) is int and 0 <= correct <= images:
            return round(correct / images, 6) if images else None
    elif row is None:
        return None
    elif isinstance(row, int | float) and not isinstance(row, bool) and 0 <= row <= 1:
        return round(float(row), 6)
    raise NetworkError(
        f"network {network.name!r}: metadata.accuracy is a share from 0 to 1, or numbers of images "
        f'as {{"correct": 98, "images": 100}}, not {str(row)[:200]}; correct or remove it'
    )


def accuracy_images(network: Network) -> int | None:
    """Of how many images ``accuracy`` is; None where the network's file does not tell it, or where
    it is of pixels.
    """
    row = network.metadata.get("accuracy")
    if not isinstance(row, dict) or row.get("of") == "pixels":
        return None
    return row.get("images") or None
