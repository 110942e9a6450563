"""Loading a bitstream into a board."""

import os
import tempfile
from pathlib import Path

from subbit.boards import Board
from subbit.sw.errors import ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress

__all__ = ["program_board"]

# What openFPGALoader says without a board or without the right to use it.
ADVICE = "; is the board connected, and may you use it (udev rules)?"


def program_board(
    bitstream: str | os.PathLike[str],
    board: Board,
    *,
    flash: bool = False,
    progress: Progress = SILENT,
) -> None:
    """Load the bitstream into the board's FPGA, or with ``flash``, or where it can go nowhere
    else, into its flash memory to stay.

    Raises ToolError where the file or openFPGALoader is missing, or no board answers.
    """
    path = Path(bitstream).absolute()
    if not path.is_file():
        raise ToolError(f"{bitstream} is no file; build it with 'subbit bitstream' first")
    target = "--write-flash" if flash or board.flash_only else "--write-sram"
    with tempfile.TemporaryDirectory(prefix="subbit-") as folder:
        try:
            run_tool(
                tools.programmer(),
                ["--board", board.programmer, target, str(path)],
                folder=Path(folder),
                log="program.log",
                on_line=progress.detail,
            )
        except ToolError as error:
            raise ToolError(str(error).partition(" (log:")[0] + ADVICE) from None
