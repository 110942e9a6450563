"""Loading a bitstream into a board."""

import hashlib
import os
import tempfile
from pathlib import Path

from subbit.boards import Board
from subbit.sw.errors import ToolError
from subbit.sw.flow import tools
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.flow.summary import Summary
from subbit.sw.ir import Network
from subbit.sw.loading import loading

__all__ = ["program_board"]

MAX_SUMMARY_BYTES = 1 << 20
# What openFPGALoader says without a board or without the right to use it.
ADVICE = "; is the board connected, and may you use it (udev rules)?"


def program_board(
    bitstream: str | os.PathLike[str],
    board: Board,
    *,
    flash: bool = False,
    network: Network | None = None,
    progress: Progress = SILENT,
) -> None:
    """Load the bitstream into the board's FPGA, or with ``flash``, or where it can go nowhere
    else, into its flash memory to stay.

    Its digest must be that of the summary.json beside it; with ``network`` there must be one, of
    this network. Raises ToolError where that is not so, where the file or openFPGALoader is
    missing, or where no board answers.
    """
    path = Path(bitstream).absolute()
    if not path.is_file():
        raise ToolError(f"{bitstream} is no file; build it with 'subbit bitstream' first")
    check_digests(path, network)
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


def check_digests(bitstream: Path, network: Network | None) -> None:
    """Raise ToolError unless the summary beside the bitstream is of it, and of the network.

    A bitstream without a summary, or one of another bitstream, is taken as it is where no network
    is named.
    """
    summary = read_summary(bitstream.with_name("summary.json"))
    if summary is None or summary.bitstream != bitstream.name:
        if network is None:
            return
        raise ToolError(
            f"no summary.json beside {bitstream} tells of which network it is; build it again with "
            "'subbit bitstream'"
        )
    if hashlib.sha256(bitstream.read_bytes()).hexdigest() != summary.bitstream_sha256:
        raise ToolError(
            f"{bitstream} is not the bitstream that the summary.json beside it tells of; build it "
            "again with 'subbit bitstream'"
        )
    if network is not None and summary.digest != network.digest:
        raise ToolError(
            f"{bitstream} holds network {summary.network!r} ({summary.digest[:12]}), not "
            f"{network.name!r} ({network.digest[:12]}) as its file is now; build it again with "
            "'subbit bitstream'"
        )


def read_summary(path: Path) -> Summary | None:
    """The summary in a file, None where there is no file; raises ToolError where it is damaged."""
    if not path.exists():
        return None
    damaged = "is no summary of a build ({reason}); build it again with 'subbit bitstream'"
    with loading(path, ToolError, damaged), path.open("rb") as file:
        return Summary.from_json(file.read(MAX_SUMMARY_BYTES).decode())
