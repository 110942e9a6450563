"""What a module would be in hardware while it is still a sketch: layer by layer, untrained."""

from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.table import Table
from torch import Tensor, nn

from subbit import boards
from subbit.boards import DEFAULT_BOARD, Board
from subbit.sw.errors import NetworkError
from subbit.sw.importers.torch.tracing import Places
from subbit.sw.ir import Encoding, TensorType
from subbit.sw.planner import Planned, plan_for, plan_report
from subbit.sw.train.check import check_model

__all__ = ["Preview", "PreviewRow", "preview", "preview_module"]


@dataclass(frozen=True)
class PreviewRow:
    """A layer of the network: its ``output``, of numbers of ``bits`` bits, how many ``weights`` it
    has and the stored ``weight_bits``.

    ``modules``: the names in the module of what became it. ``cycles`` a frame, ``lut4`` and
    ``block_rams`` are those of the stage that computes it, and None where an earlier layer's row
    has them already.
    """

    layer: str
    kind: str
    modules: tuple[str, ...]
    output: str
    bits: int
    weights: int
    weight_bits: int
    cycles: int | None
    lut4: int | None
    block_rams: int | None


@dataclass(frozen=True, eq=False)
class Preview:
    """A module in hardware: its layers, and the plan for the board as plan_report has it."""

    rows: tuple[PreviewRow, ...]
    plan: dict[str, Any]

    @property
    def fits(self) -> bool:
        """Whether the board has room."""
        return not self.plan["lacking"]

    def to_json(self) -> dict[str, Any]:
        """The layers, and the plan without its settings, as JSON values."""
        whole = {key: self.plan[key] for key in WHOLE}
        return {**whole, "layers": [asdict(row) for row in self.rows]}

    def table(self) -> Table:
        """The layers as a table of at most 80 columns, but for long names of modules."""
        title = f"{self.plan['network']} on {self.plan['board']} (estimates)"
        table = Table(title=title, box=box.SIMPLE, pad_edge=False)
        table.add_column("layer", no_wrap=True)
        table.add_column("of", overflow="fold", min_width=8)
        table.add_column("output", no_wrap=True)
        for name in ("bits", "weight bits", "cycles", "LUT4", "RAMs"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in self.rows:
            numbers = (row.bits, row.weight_bits, row.cycles, row.lut4, row.block_rams)
            shown = ("" if n is None else f"{n:,}" for n in numbers)
            table.add_row(row.layer, " ".join(row.modules), row.output.split()[0], *shown)
        table.add_section()
        bits = sum(row.weight_bits for row in self.rows)
        whole = (bits, self.plan["interval_cycles"], self.plan["lut4"], self.plan["block_rams"])
        table.add_row("all", "with the link", "", "", *(f"{n:,}" for n in whole))
        return table

    def text(self) -> str:
        """Rate and fit in a line."""
        rate = f"{self.plan['fps']:,.0f} frames/s at {self.plan['clock_mhz']:.0f} MHz"
        if self.fits:
            return f"{rate}; it fits {self.plan['board']}"
        missing = ", ".join(f"{n:,} {k.replace('_', ' ')}" for k, n in self.plan["lacking"].items())
        return f"it does not fit {self.plan['board']}: {missing} too many"

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(width=100, no_color=True, force_terminal=False)
        with console.capture() as caught:
            console.print(self.table())
        return f"{caught.get()}{self.text()}"


WHOLE = (
    *("network", "board", "fps", "clock_mhz", "interval_cycles", "latency_cycles"),
    *("lut4", "flip_flops", "block_rams", "multipliers", "available", "lacking", "bound_by"),
)


def preview(
    module: nn.Module,
    example: Tensor | tuple[int, ...],
    board: str | Board = DEFAULT_BOARD,
    *,
    bits: int = 8,
    name: str = "model",
) -> Preview:
    """What ``module`` becomes on a board, per layer, whether trained or not.

    ``example``: an input ``(1, channels, height, width)``, or that shape; ``bits``: of an input
    code. The weights do not matter for the plans that are made by default. Raises NetworkError, see
    check_model, where the module cannot become hardware.
    """
    shape = tuple(example.shape) if isinstance(example, Tensor) else tuple(example)
    if len(shape) != 4 or min(shape) < 1:
        raise NetworkError(
            f"the example has the shape {shape}; give (1, channels, height, width), with the batch"
        )
    kind = TensorType.codes(shape[2], shape[3], shape[1], bits, Encoding.UNSIGNED)
    chosen = boards.board(board) if isinstance(board, str) else board
    return preview_module(module, kind, chosen, name=name)


def preview_module(
    module: nn.Module,
    input_type: TensorType,
    board: Board,
    *,
    classes: int | None = None,
    name: str = "model",
    places: Places | None = None,
) -> Preview:
    """See preview; the arguments are check_model's."""
    checked = check_model(module, input_type, classes, name=name, places=places)
    planned = plan_for(checked.network, board)
    origin = dict(zip(checked.network.types, checked.exported.result.network.types, strict=True))
    folded = checked.exported.result.folded
    modules = {new: tuple(folded.get(old, ())) for new, old in origin.items()}
    return Preview(rows_of(planned, modules), plan_report(planned))


def rows_of(planned: Planned, modules: dict[str, tuple[str, ...]]) -> tuple[PreviewRow, ...]:
    """A row for each layer."""
    network = planned.network
    stages = {row.stage.layers[0]: row for row in planned.rows}
    rows = []
    for node in network.nodes:
        stage = stages.get(node.name)
        rows.append(
            PreviewRow(
                node.name,
                node.layer.kind,
                modules.get(node.name, ()),
                str(network.types[node.name]),
                network.types[node.name].bits,
                node.layer.weight_count,
                node.layer.weight_bits,
                None if stage is None else stage.cycles,
                None if stage is None else stage.cost.lut4,
                None if stage is None else stage.cost.block_rams,
            )
        )
    return tuple(rows)
