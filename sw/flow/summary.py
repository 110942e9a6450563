"""The result of a build in numbers: summary.json and the table that is printed."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

__all__ = ["Summary"]


@dataclass(frozen=True)
class Summary:
    """What one bitstream takes and reaches.

    ``lut4``, ``flip_flops``, ``block_rams``, ``dsps``: cells used, link and clocking included.
    ``fmax_mhz``: what the accelerator's clock could run at, by nextpnr's worst-case timing;
    ``clock_mhz``: what the PLL makes of it. ``interval_cycles``, ``latency_cycles``: by the cycle
    model; ``fps``: frames a second at ``clock_mhz``, without the serial port. ``accuracy``: of the
    network's test set, 0 to 1, as its file tells, of ``accuracy_images`` images, or None.
    ``weight_bits``: stored for weights.
    ``wall_s``: seconds that the build took. ``digest``: of what the network computes.
    """

    network: str
    digest: str
    board: str
    device: str
    lut4: int
    flip_flops: int
    block_rams: int
    dsps: int
    fmax_mhz: float
    clock_mhz: float
    interval_cycles: int
    latency_cycles: int
    fps: float
    accuracy: float | None
    weight_bits: int
    wall_s: float
    bitstream: str
    bitstream_sha256: str
    tools: dict[str, str] = field(default_factory=dict)
    accuracy_images: int | None = None

    def to_json(self) -> str:
        """The summary as a JSON object."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Summary":
        """The inverse of ``to_json``; raises ValueError or TypeError for another text."""
        row: dict[str, Any] = json.loads(text)
        return cls(**row)

    def table(self, available: dict[str, int] | None = None) -> Table:
        """The summary as a table; ``available``: the device's numbers of cells by field name."""
        table = Table(title=f"{self.network} on {self.board} ({self.device})", show_header=False)
        table.add_column(style="bold")
        table.add_column(justify="right")
        for name, unit in ROWS:
            value = getattr(self, name)
            shown = "unknown" if value is None else f"{value:,}"
            if isinstance(value, float):
                shown = f"{value:,.4f}" if name == "accuracy" else f"{value:,.2f}"
            if name == "accuracy" and self.accuracy_images:
                shown += f" of {self.accuracy_images:,} images"
            if available and name in available:
                shown += f" of {available[name]:,}"
            table.add_row(name, f"{shown} {unit}".strip())
        return table


ROWS = [
    ("lut4", ""),
    ("flip_flops", ""),
    ("block_rams", ""),
    ("dsps", ""),
    ("fmax_mhz", "MHz"),
    ("clock_mhz", "MHz"),
    ("interval_cycles", "cycles"),
    ("latency_cycles", "cycles"),
    ("fps", "frames/s"),
    ("accuracy", ""),
    ("weight_bits", "bits"),
    ("wall_s", "s"),
]
