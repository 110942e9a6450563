"""Writing a network as a folder with an IP core."""

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subbit import boards
from subbit.hw.dot.popcount import PORTABLE
from subbit.hw.ip.shape import BUSES
from subbit.sw.atomic import advice, write_atomic
from subbit.sw.errors import PlanError, SubbitError
from subbit.sw.ip.core import Core
from subbit.sw.ip.names import core_name, rename_modules
from subbit.sw.ip.text import core_files
from subbit.sw.ir.network import Network
from subbit.sw.mcu.export import frames_of

if TYPE_CHECKING:
    from subbit.boards import Board
    from subbit.hw.design.ip_core import IpCore
    from subbit.sw.lower.plan import Plan

__all__ = ["IpExport", "check_target", "export_ip"]


@dataclass(frozen=True)
class IpExport:
    """What was written: the core ``name`` in ``folder``, with its ``bus``, its ``ports`` (name,
    direction, bits), its cycles, the estimate of LUT4s, and the ``frames`` of its bench.
    """

    network: str
    name: str
    folder: Path
    bus: str
    ports: tuple[tuple[str, str, int], ...]
    latency_cycles: int
    interval_cycles: int
    lut4: int
    wrapper_lut4: int
    frames: int
    images: str

    def summary(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"folder": str(self.folder)}


def export_ip(
    network: Network,
    folder: Path,
    *,
    bus: str,
    name: str | None = None,
    plan: "Plan | None" = None,
    board: "Board | None" = None,
    data: Path | None = None,
    seed: int = 1,
) -> IpExport:
    """Write ``network`` as an IP core into ``folder``, which must not exist, or be empty.

    The folder has Verilog, a FuseSoC core file, a clock constraint, a datasheet, a template to
    instantiate the core and a cocotb bench, which ``make test`` runs. ``bus``: one of
    subbit.hw.ip.shape.BUSES. ``name``: of the module, and the start of the names of all modules
    inside; by default made from the network's. ``plan``: by default that of ``board``, which is by
    default the one that commands take. The bench has frames of the network's data set (its files in
    ``data``), or random ones, drawn by ``seed``.

    Raises NetworkError where the name is no identifier of Verilog, PlanError where the plan does
    not fit the network or a beat the bus, SubbitError where the folder is not empty or cannot be
    written.
    """
    from subbit.hw.design.ip_core import IpCore
    from subbit.sw.lower.pipeline import Pipeline
    from subbit.sw.planner import default_plan, planned

    name = check_target(network, folder, bus, name)
    board = board or boards.board(boards.DEFAULT_BOARD)
    pipeline = Pipeline(network, plan or default_plan(network, board))
    core = IpCore(pipeline=pipeline, bus=bus)
    codes, images = frames_of(network, data, seed)
    vectors = vectors_of(core, codes)
    verilog, ports = verilog_of(core, name)
    estimate = planned(network, board, portable(pipeline.plan))
    facts = Core(
        network=network,
        name=name,
        bus=bus,
        ports=ports,
        shape=core.shape,
        latency_cycles=pipeline.latency_cycles + 1,
        interval_cycles=pipeline.interval_cycles,
        board=board.name,
        estimate=estimate.cost,
        wrapper=core.cost(),
        clock_hz=estimate.clock_hz,
    )
    write_folder(folder, {f"rtl/{name}.v": verilog, **core_files(facts, vectors)})
    return IpExport(
        network=network.name,
        name=name,
        folder=folder,
        bus=bus,
        ports=tuple(ports),
        latency_cycles=facts.latency_cycles,
        interval_cycles=facts.interval_cycles,
        lut4=facts.estimate.lut4,
        wrapper_lut4=facts.wrapper.lut4,
        frames=len(codes),
        images=images,
    )


def portable(plan: "Plan") -> "Plan":
    """The plan as its Verilog is made: without cells of a vendor for popcounts."""
    return replace(plan, stages=tuple(stage.with_popcount(PORTABLE) for stage in plan.stages))


def check_target(network: Network, folder: Path, bus: str, name: str | None) -> str:
    """The name of the core; raises as export_ip does for a wrong name, bus or folder, before
    anything takes time.
    """
    name = core_name(name, network.name)
    if bus not in BUSES:
        raise PlanError(f"a core has one of the buses {', '.join(BUSES)}, not {bus!r}")
    check_folder(folder)
    return name


def check_folder(folder: Path) -> None:
    """Raise SubbitError where something is there already."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        raise SubbitError(f"{folder} exists and is not empty; name a folder that does not exist")


def verilog_of(core: "IpCore", name: str) -> tuple[str, list[tuple[str, str, int]]]:
    """The core as Verilog, and its ports."""
    from subbit.hw.design.ip_core import VerilogCore
    from subbit.sw.flow.verilog import to_verilog

    shell = VerilogCore(core=core)
    return rename_modules(to_verilog(shell, name=name), name), shell.ports


def vectors_of(core: "IpCore", codes: NDArray[np.integer[Any]]) -> dict[str, Any]:
    """What the bench reads: ``tdata`` of each beat of each frame and of its result, in hex."""
    shape, pipeline = core.shape, core.pipeline
    beats = codes.astype(np.int64).reshape(-1, shape.i.lanes)
    results = pipeline.reference(beats)[-1]
    frames = {
        "frames": (shape.i_word.pack(beats), shape.i_beats),
        "results": (shape.o_word.pack(results), shape.o_beats),
    }
    rows = {
        key: [[f"{word:x}" for word in words[at : at + size]] for at in range(0, len(words), size)]
        for key, (words, size) in frames.items()
    }
    return {
        **rows,
        "latency_cycles": pipeline.latency_cycles + 1,
        "interval_cycles": pipeline.interval_cycles,
        "digest": pipeline.network.digest,
    }


def write_folder(folder: Path, texts: Mapping[str, str]) -> None:
    """Write all files, or none."""
    part = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.part"
    try:
        for path, text in texts.items():
            write_atomic(part / path, text)
        os.replace(part, folder)
    except OSError as error:
        raise SubbitError(f"cannot write {folder}: {error}; {advice(error)}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
