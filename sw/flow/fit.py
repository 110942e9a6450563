"""What a design takes of a device, and what to tell the user whose design takes too much."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from subbit.boards import BOARDS, Board
from subbit.hw.families.family import Family
from subbit.sw.errors import FitError

__all__ = ["FitWatch", "Resources", "fit_error", "smallest_board"]

UTILISATION = re.compile(r"^Info:\s+([A-Z0-9_]+):\s+(\d+)/\s*(\d+)\s")
UNPLACEABLE = re.compile(r"legal placement for all cells|no BELs remaining|Unable to place cell")


@dataclass(frozen=True)
class Resources:
    """Cells of a design.

    On ECP5 a CCU2C counts as two LUT4, a LUT memory's write port as two more. On iCE40 ``lut4`` are
    logic cells, lookup table and flip-flop in one, whichever of both is used.
    """

    lut4: int
    flip_flops: int
    block_rams: int
    dsps: int

    @classmethod
    def of_cells(cls, used: Mapping[str, int], family: Family) -> "Resources":
        """From nextpnr's numbers of cells by kind, as the family counts them."""
        counts = {
            field: sum(used.get(kind, 0) * times for kind, times in kinds.items())
            for field, kinds in family.resource_kinds.items()
        }
        return cls(**counts)

    def fits(self, board: Board) -> bool:
        """Whether the device has as many cells of every kind."""
        return not self.lacking(board)

    def lacking(self, board: Board) -> list[str]:
        """What the device has too little of, in words."""
        device = board.device
        rows = [
            (self.lut4, device.lut4, "LUT4"),
            (self.flip_flops, device.flip_flops, "flip-flops"),
            (self.block_rams, device.block_rams, "block RAMs"),
            (self.dsps, device.dsps, "multipliers"),
        ]
        return [f"{need} {kind} of {has}" for need, has, kind in rows if need > has]


class FitWatch:
    """Reads nextpnr's output and raises FitError as soon as the design proves too large."""

    def __init__(self, board: Board, design: str) -> None:
        self.board = board
        self.design = design
        self.used: dict[str, int] = {}
        self.cells: dict[str, int] = {}

    def line(self, line: str) -> None:
        """Take one line of output; raises FitError."""
        if found := UTILISATION.match(line):
            self.used[found.group(1)] = int(found.group(2))
        elif cells := self.board.family.cells_in(line):
            self.cells |= dict([cells])
        elif self.used and not line.strip():
            self.check()
        elif UNPLACEABLE.search(line):
            raise fit_error(self.resources, self.board, self.design)

    @property
    def resources(self) -> Resources:
        """What nextpnr has told of so far."""
        return Resources.of_cells(self.used | self.cells, self.board.family)

    def check(self) -> None:
        """Raise FitError where a kind of cell is used up."""
        if not self.resources.fits(self.board):
            raise fit_error(self.resources, self.board, self.design)


def smallest_board(resources: Resources, unlike: Board) -> Board | None:
    """The smallest board, ``unlike`` the one given, that has the resources."""
    fitting = [b for b in BOARDS.values() if b is not unlike and resources.fits(b)]
    return min(fitting, key=lambda board: board.device.lut4, default=None)


def fit_error(resources: Resources, board: Board, design: str) -> FitError:
    """What is needed, what is available, and what would do."""
    lacking = resources.lacking(board) or [
        f"{resources.lut4} LUT4 of {board.device.lut4}, "
        f"{resources.block_rams} block RAMs of {board.device.block_rams}, "
        "too many to find a place for each"
    ]
    larger = smallest_board(resources, board)
    advice = (
        f"the smallest board that has them is {larger.name}" if larger else "no known board has"
    )
    return FitError(
        f"{design} does not fit {board.name}: it needs {', '.join(lacking)}; {advice}"
        f"{'' if larger else ' them'}; lower PE or SIMD in the plan to need less"
    )
