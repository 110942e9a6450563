"""The result of a build in numbers: summary.json and the table that is printed."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, get_args, get_origin, get_type_hints

from rich.table import Table

from subbit.sw.errors import quote
from subbit.sw.loading import strict_json

__all__ = ["Summary"]


@dataclass(frozen=True)
class Summary:
    """What one bitstream takes and reaches.

    ``lut4``, ``flip_flops``, ``block_rams``, ``dsps``: cells used, link and clocking included.
    ``fmax_mhz``: what the accelerator's clock could run at, by nextpnr's worst-case timing;
    ``clock_mhz``: what the PLL makes of it. ``interval_cycles``, ``latency_cycles``: by the cycle
    model; ``fps``: frames a second at ``clock_mhz``, without the serial port. ``accuracy``: of the
    network's test set, 0 to 1, as its file tells, of ``accuracy_images`` images, or None.
    ``weight_bits``: stored for weights. ``seed``: of nextpnr, None in a file of an older subbit.
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
    seed: int | None = None

    def to_json(self) -> str:
        """The summary as a JSON object."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Summary":
        """The inverse of ``to_json``; raises ValueError or TypeError for another text."""
        row = strict_json(text)
        if not isinstance(row, dict):
            raise ValueError("no JSON object")
        made = cls(**row)
        for name, kind in get_type_hints(cls).items():
            if not is_of(getattr(made, name), kind):
                raise ValueError(f"{name} must not be {quote(getattr(made, name))[:60]}")
        return made

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


def is_of(value: object, kind: Any) -> bool:
    """Whether a JSON value is of a field's type: an integer is a float, a boolean is neither."""
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(isinstance(part, str) for part in value.values())
    kinds = get_args(kind) or (kind,)
    return type(value) in kinds or (type(value) is int and float in kinds)


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
