"""Map top.v and the cores in FOLDER (`tiled` and `plain`, see README.md) for a ULX3S-85F."""

import argparse
import shutil
import sys
from pathlib import Path

import subbit
from subbit.sw.errors import SubbitError
from subbit.sw.flow.cells import netlist_cells
from subbit.sw.flow.implement import pack
from subbit.sw.flow.progress import SILENT
from subbit.sw.flow.route import place_and_route
from subbit.sw.flow.synth import synthesise

HERE = Path(__file__).resolve().parent
CORES = ("tiled", "plain")


def build(folder: Path, route: bool) -> None:
    """Synthesis, and with ``route`` a bitstream, in ``folder``."""
    board = subbit.board("ulx3s-85f")
    sources = [HERE / "top.v", *(folder / name / "rtl" / f"{name}.v" for name in CORES)]
    (folder / "top.v").write_text("\n".join(source.read_text() for source in sources))
    cells = netlist_cells(synthesise(folder, name="top", fabric=board.device.fabric))
    print(
        f"{cells.lut4:,} LUT4, {cells.flip_flops:,} flip-flops, {cells.block_rams} block RAMs",
        flush=True,
    )
    if route:
        shutil.copy(HERE / "top.lpf", folder)
        routed = place_and_route(folder, board, name="top", design="top")
        pack(board.family, routed.config, folder / "top.bit", SILENT)
        print(f"{folder / 'top.bit'}: {routed.fmax_of(25e6) / 1e6:.1f} MHz, of 25 wanted")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--route", action="store_true", help="make a bitstream")
    options = parser.parse_args()
    try:
        build(options.folder, options.route)
    except (OSError, SubbitError) as error:
        sys.exit(f"build.py: {error}")
