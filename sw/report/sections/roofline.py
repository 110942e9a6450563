"""The board's roofline: what its line and its cells allow, and where the network stands."""

from math import ceil, floor, log10
from typing import Any

from markupsafe import Markup

from subbit.hw.link.hdlc import CRC_BYTES
from subbit.hw.link.protocol import HEADER_BYTES
from subbit.sw.ir.network import Network
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.weights import Weights
from subbit.sw.report.subject import Subject
from subbit.sw.report.svg import drawing, element, text

__all__ = ["branch_macs", "frame_bytes", "section"]

# LUT4s that a direct engine takes for each bMAC a cycle, measured: on ECP5 of 24 outputs and 144
# inputs with weights and accumulators, on iCE40 a counter of 128 positions alone
# (docs/measurements/engine-24x144.json, popcount-ice40-128.json).
LUT4_PER_BMAC = {"ecp5": 1.64, "ice40": 2.36}
BYTE_BITS = 10  # on a serial line
FLAGS = 2
WIDTH, HEIGHT, LEFT, FOOT, HEAD = 640, 380, 70, 46, 36


def branch_macs(network: Network) -> int:
    """Multiply-accumulates of one bit of an input and one of a weight (bMACs) that a frame takes.

    Each pixel of a layer's output takes every weight once, times the bits of the input and the bit
    planes of the weights.
    """
    total = 0
    for node in network.nodes:
        weights = getattr(node.layer, "weights", None)
        if isinstance(weights, Weights):
            made = network.types[node.name]
            bits = network.types[node.inputs[0]].bits * len(branches_of(weights))
            total += made.height * made.width * node.layer.weight_count * bits
    return total


def frame_bytes(network: Network) -> int:
    """Bytes that a request with one frame takes on the serial line, escapes aside."""
    x = network.input_type
    codes = ceil(x.elements / (8 // x.bits))
    return codes + HEADER_BYTES + CRC_BYTES + FLAGS


def section(subject: Subject) -> dict[str, Any] | None:
    """``drawing`` and ``sentences``; None without a plan, or for a network without weights."""
    macs = branch_macs(subject.network)
    if subject.planned is None or not macs or not subject.fps or not subject.clock_hz:
        return None
    board, sent = subject.board, frame_bytes(subject.network)
    line = board.uart_baud / BYTE_BITS
    per_mac = LUT4_PER_BMAC.get(board.device.fabric)
    roof = board.device.lut4 / per_mac * subject.clock_hz if per_mac else None
    linked = min(subject.fps, line / sent)
    said = [
        f"A frame takes {macs:,} bMACs (products of one bit of an input and one of a weight) and "
        f"{sent:,} bytes on the serial line: {macs / sent:,.0f} for each byte.",
        f"The accelerator does {subject.fps:,.0f} frames a second, {giga(macs * subject.fps)}; "
        f"over the line of {board.uart_baud / 1e6:g} Mbaud at most {linked:,.0f} arrive, "
        f"{giga(macs * linked)}.",
    ]
    if roof and per_mac:
        said.append(
            f"Direct engines of {per_mac} LUT4 for each bMAC a cycle, as measured, would reach "
            f"{giga(roof)} if they filled the device at this clock. Codebooks, tiles and weights "
            "that are wires share work, and can be above that."
        )
    chart = Chart(macs / sent, line, roof, macs * subject.fps, macs * linked)
    return {"drawing": chart.draw(subject), "sentences": said}


def giga(rate: float) -> str:
    """A rate of bMACs in words."""
    size, unit = (1e9, "GbMAC/s") if rate >= 1e8 else (1e6, "MbMAC/s")
    return f"{rate / size:,.{0 if rate >= 100 * size else 2}f} {unit}"


class Chart:
    """Roofs and points in logarithmic axes: bMACs a byte, and bMACs a second."""

    def __init__(
        self, x: float, line: float, roof: float | None, fast: float, linked: float
    ) -> None:
        self.x, self.line, self.roof, self.fast, self.linked = x, line, roof, fast, linked
        self.x_ends = floor(log10(x)) - 1, ceil(log10(x)) + 2
        rates = [fast, linked, line * 10 ** self.x_ends[0], *([roof] if roof else [])]
        self.y_ends = floor(log10(min(rates))), ceil(log10(max(rates)) + 0.2)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the chart is drawn."""
        (x0, x1), (y0, y1) = self.x_ends, self.y_ends
        across = (log10(x) - x0) / (x1 - x0)
        up = (log10(y) - y0) / (y1 - y0)
        inside = HEIGHT - FOOT - HEAD
        return LEFT + across * (WIDTH - LEFT - 20), HEIGHT - FOOT - up * inside

    def draw(self, subject: Subject) -> Markup:
        """The drawing."""
        parts = [*self.axes(), *self.roofs()]
        points = [(self.fast, "accelerator", "point")]
        if self.linked < 0.8 * self.fast:
            points.append((self.linked, "over the serial line", "point hollow"))
        for rate, name, look in points:
            x, y = self.at(self.x, rate)
            parts.append(element("circle", cx=x, cy=y, r=6, class_=look))
            parts.append(text(x - 12, y + 4, name, text_anchor="end", class_="small"))
        about = f"the network at {self.x:,.0f} bMACs a byte: {giga(self.fast)} in the accelerator"
        return drawing(WIDTH, HEIGHT, f"Roofline of {subject.board.title}", about, *parts)

    def axes(self) -> list[Markup]:
        """Lines and numbers of whole powers of ten."""
        parts = []
        for power in range(self.x_ends[0], self.x_ends[1] + 1):
            x, y = self.at(10.0**power, 10.0 ** self.y_ends[0])
            parts.append(element("line", x1=x, x2=x, y1=HEAD, y2=y, class_="grid"))
            label = tenth(power)
            parts.append(text(x, y + 16, label, text_anchor="middle", class_="small"))
        for power in range(self.y_ends[0], self.y_ends[1] + 1):
            x, y = self.at(10.0 ** self.x_ends[0], 10.0**power)
            parts.append(element("line", x1=x, x2=WIDTH - 20, y1=y, y2=y, class_="grid"))
            parts.append(text(x - 6, y + 4, tenth(power), text_anchor="end", class_="small"))
        parts.append(text(WIDTH / 2, HEIGHT - 8, "bMACs a byte of the line", text_anchor="middle"))
        parts.append(text(4, 12, "bMACs a second"))
        return parts

    def roofs(self) -> list[Markup]:
        """What the line allows, rising, and what the cells allow, level."""
        left, right = (10.0**power for power in self.x_ends)
        top = 10.0 ** self.y_ends[1]
        end = min(right, top / self.line)
        (x1, y1), (x2, y2) = self.at(left, left * self.line), self.at(end, end * self.line)
        parts = [element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="roof")]
        parts.append(text(x1 + 40, y1 - 4, "serial line", class_="small"))
        if self.roof:
            (x1, y1), (x2, _) = self.at(left, self.roof), self.at(right, self.roof)
            parts.append(element("line", x1=x1, y1=y1, x2=x2, y2=y1, class_="roof"))
            parts.append(text(x1 + 8, y1 - 6, "LUT4s, by direct engines", class_="small"))
        return parts


def tenth(power: int) -> str:
    """A power of ten as a number that is read at a glance."""
    names = {0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
    base = max((p for p in names if p <= power), default=0)
    return f"{10 ** (power - base)}{names[base]}" if power >= 0 else f"{10.0**power:g}"
