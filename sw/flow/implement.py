"""From any Amaranth design for a board to its bitstream, clocked as fast as it meets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amaranth.hdl import Elaboratable

from subbit.boards import Board
from subbit.hw.design.platform import board_pll, prepare, target_hz
from subbit.hw.families.family import Family
from subbit.sw.errors import ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.fit import Resources
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.flow.route import Routed, place_and_route
from subbit.sw.flow.synth import synthesise
from subbit.sw.flow.verilog import rtlil_to_verilog

__all__ = ["Implementation", "implement"]

TOP = "top"


@dataclass(frozen=True)
class Implementation:
    """A bitstream, and what its design takes and reaches; frequencies are of the domain sync.
    ``seed``: of place-and-route.
    """

    bitstream: Path
    resources: Resources
    fmax_hz: float
    clock_hz: float
    tools: dict[str, str]
    seed: int = 1


def implement(
    top: Elaboratable,
    board: Board,
    folder: Path,
    *,
    name: str,
    seeds: Sequence[int] = (1,),
    mhz: float | None = None,
    placer: str | None = None,
    route_mhz: float | None = None,
    where: bool = False,
    progress: Progress = SILENT,
) -> Implementation:
    """Build ``top`` for ``board`` in ``folder``; the bitstream is ``name`` with the ending
    that the board's programmer wants.

    Of several ``seeds`` of place-and-route the one with the fastest clock is kept; ``placer`` and
    ``route_mhz`` as in place_and_route, and ``where`` too. ``top`` gets its clock domains from
    subbit.hw.design.platform.board_clocks, which was told the same ``mhz``. The folder holds the
    same bitstream and Verilog whenever ``top``, board, options and tools are the same.

    Raises FitError, ToolError.
    """
    family = board.family
    used = (tools.yosys(), *map(tools.find_program, (family.router, family.packer)))
    progress.phase("Amaranth to Verilog")
    design = prepare(top, board, name=TOP)
    (folder / f"{TOP}.{family.constraints}").write_text(design.constraints)
    rtlil_to_verilog(design.rtlil, folder=folder, name=TOP, progress=progress)
    progress.phase("synthesis")
    synthesise(folder, name=TOP, fabric=board.device.fabric, progress=progress)
    progress.phase("place and route")
    routed = place_and_route(
        *(folder, board),
        name=TOP,
        design=name,
        seeds=seeds,
        placer=placer,
        route_mhz=route_mhz,
        where=where,
        progress=progress,
    )
    progress.phase("clock and bitstream")
    fmax_hz, clock_hz = set_clock(routed, board, mhz)
    bitstream = folder / f"{name}.{family.bitstream}"
    pack(family, routed.config, bitstream, progress)
    versions = {tool.name: f"{tool.version} ({tool.origin})" for tool in used}
    resources, seed = routed.resources, routed.seed
    return Implementation(bitstream, resources, fmax_hz, clock_hz, versions, seed)


def set_clock(routed: Routed, board: Board, mhz: float | None = None) -> tuple[float, float]:
    """Set the PLL to the fastest clock that is met; returns Fmax and that clock, in Hz. ``mhz``:
    that place-and-route was driven to, if not what is usual.
    """
    link_hz = routed.fmax_of(board.oscillator_hz)
    if link_hz < board.oscillator_hz:
        raise ToolError(
            f"the link reaches {link_hz / 1e6:.1f} MHz only, less than the oscillator's"
        )
    fmax_hz = routed.fmax_of(target_hz(board, mhz))
    try:
        pll = board_pll(board, fmax_hz)
    except ValueError as error:
        raise ToolError(
            f"the routed design reaches {fmax_hz / 1e6:.2f} MHz only, and {error}; "
            "try other --seeds, or a plan of less area"
        ) from None
    pll.write(routed.config)
    return fmax_hz, float(pll.output_hz)


def pack(family: Family, config: Path, bitstream: Path, progress: Progress) -> None:
    """Make the bitstream of a routed configuration beside it."""
    arguments = family.pack_arguments(config, bitstream)
    run_tool(
        *(tools.find_program(family.packer), arguments),
        folder=config.parent,
        log="pack.log",
        on_line=progress.detail,
    )
