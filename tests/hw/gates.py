"""Designs as and-inverter graphs, vendors' cells opened up by Yosys: simulated, and compared."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import amaranth.back.rtlil
import numpy as np
import pyosys
from amaranth.hdl import Module, Signal
from numpy.typing import NDArray

from subbit.hw.tables.packing import pack_rows

__all__ = ["Aig", "Bdds", "graph_of", "solve"]

MODELS = {
    "ecp5": (("lattice/common_sim.vh", "lattice/ccu2c_sim.vh"), ("LUT4", "LUT2", "CCU2C")),
    "ice40": (("ice40/cells_sim.v",), ("SB_LUT4", "SB_CARRY")),
    "gowin": (("gowin/cells_sim.v",), ("LUT4", "ALU")),
    "": ((), ()),
}
SCRIPT = """\
read_rtlil top.il
{models}
hierarchy -top top
proc
flatten
opt_clean
techmap
simplemap
opt_clean
aigmap
opt_clean
write_aiger -ascii -symbols top.aag
"""


SAT_SCRIPT = """\
read_rtlil top.il
{models}
hierarchy -top top
proc
flatten
opt -full
sat -seq {cycles} -prove same 1 -prove-skip {skip} -set rst 0 -show x,w top
"""


@dataclass
class Aig:
    """An and-inverter graph; literal 2*v is variable v, 2*v + 1 its complement, 0 constant 0."""

    inputs: dict[str, int]
    outputs: dict[str, int]
    latches: list[tuple[int, int]]
    ands: list[tuple[int, int, int]]
    variables: int

    def port(self, name: str, output: bool = False) -> list[int]:
        """The literals of a port, bit 0 first."""
        found = self.outputs if output else self.inputs
        if name in found:
            return [found[name]]
        bits = []
        while f"{name}[{len(bits)}]" in found:
            bits.append(found[f"{name}[{len(bits)}]"])
        return bits

    def simulate(self, cycles: Sequence[dict[str, NDArray[np.bool_]]], out: str) -> NDArray[Any]:
        """Values ``(cycles, bits, runs)`` of a port at the end of each cycle, from reset.

        ``cycles``: for each the input ports, ``(bits, runs)``.
        """
        runs = next(iter(cycles[0].values())).shape[1]
        ones = (1 << runs) - 1  # all runs of a literal are one number
        values = [0, ones] * (self.variables + 1)

        def put(literal: int, bits: int) -> None:
            values[literal], values[literal ^ 1] = bits, bits ^ ones

        seen = []
        for ports in cycles:
            for name, bits in ports.items():
                for literal, number in zip(self.port(name), pack_rows(bits), strict=True):
                    put(literal, number)
            for result, a, b in self.ands:
                put(result, values[a] & values[b])
            seen.append([values[literal] for literal in self.port(out, output=True)])
            state = [values[after] for _, after in self.latches]
            for (latch, _), number in zip(self.latches, state, strict=True):
                put(latch, number)
        size = (runs + 7) // 8
        rows = b"".join(number.to_bytes(size, "little") for cycle in seen for number in cycle)
        packed = np.frombuffer(rows, np.uint8).reshape(len(seen), -1, size)
        return np.unpackbits(packed, axis=2, count=runs, bitorder="little").astype(np.bool_)


def graph_of(component: Any, ports: Sequence[Any], folder: Path, vendor: str = "") -> Aig:
    """The graph of a component, with the simulation models of the vendor's cells."""
    run_yosys(component, ports, folder, SCRIPT.format(models=models(vendor, folder)))
    return read_aiger(folder / "top.aag")


def solve(one: Any, other: Any, delay: int, latency: int, folder: Path, vendor: str) -> bool:
    """Whether Yosys's SAT solver proves that two counters give the same count.

    ``delay``: cycles that the other is earlier; ``latency``: cycles until the counts are there.
    """
    m = Module()
    m.submodules.one, m.submodules.other = one, other
    x, w, same = Signal(len(one.x), name="x"), Signal(len(one.w), name="w"), Signal(name="same")
    late = other.count
    for _ in range(delay):
        register = Signal(len(late), reset_less=True)
        m.d.sync += register.eq(late)
        late = register
    m.d.comb += [one.x.eq(x), one.w.eq(w), other.x.eq(x), other.w.eq(w), same.eq(one.count == late)]
    script = SAT_SCRIPT.format(models=models(vendor, folder), cycles=latency + 1, skip=latency)
    said = run_yosys(m, [x, w, same], folder, script)
    proved = "SAT proof finished - no model found: SUCCESS" in said
    assert proved or "model found: FAIL" in said, said[-2000:]
    return proved


def models(vendor: str, folder: Path) -> str:
    """The command that reads Yosys's own models of the vendor's cells, and of no others."""
    files, names = MODELS[vendor]
    share = Path(pyosys.__file__).parent / "share"
    text = "\n".join((share / file).read_text() for file in files)
    found = [
        next(iter(re.findall(rf"^module {name}\s*\(.*?^endmodule", text, re.DOTALL | re.MULTILINE)))
        for name in names
    ]
    folder.mkdir(parents=True, exist_ok=True)
    defaults = "".join(f"`define ICE40_DEFAULT_ASSIGNMENT_{name}\n" for name in "01V")
    (folder / "models.v").write_text(defaults + "\n".join(found) + "\n")
    return "read_verilog models.v"


def run_yosys(design: Any, ports: Sequence[Any], folder: Path, script: str) -> str:
    """Run a script on the RTLIL of a design, in a process of its own; returns what it says."""
    folder.mkdir(parents=True, exist_ok=True)
    text = amaranth.back.rtlil.convert(design, name="top", ports=ports, emit_src=False)
    (folder / "top.il").write_text(text)
    (folder / "top.ys").write_text(script)
    code = "from pyosys import libyosys; libyosys.Design().run_pass('script top.ys')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def read_aiger(path: Path) -> Aig:
    """Parse the ASCII format."""
    lines = iter(path.read_text().splitlines())
    variables, i, latches, o, ands = map(int, next(lines).split()[1:6])
    numbers = [[int(n) for n in next(lines).split()] for _ in range(i + latches + o + ands)]
    names = [line.split(maxsplit=1) for line in lines if line[:1] in "io" and " " in line]
    inputs = {name: numbers[int(key[1:])][0] for key, name in names if key[0] == "i"}
    outputs = {name: numbers[i + latches + int(key[1:])][0] for key, name in names if key[0] == "o"}
    return Aig(
        inputs,
        outputs,
        [(row[0], row[1]) for row in numbers[i : i + latches]],
        [(row[0], row[1], row[2]) for row in numbers[i + latches + o :]],
        variables,
    )


class Bdds:
    """Reduced ordered binary decision diagrams: equal functions have equal numbers.

    A function is twice the place of its node, plus 1 for the complement, so that 0 is false and 1
    is true, as literals of a graph are. A node is (variable, if 0, if 1), the last no complement.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple[int, int, int]] = [(1 << 30, 0, 0)]
        self.unique: dict[tuple[int, int, int], int] = {}
        self.memo: dict[tuple[int, int], int] = {}

    def node(self, variable: int, low: int, high: int) -> int:
        """The function that is ``high`` where the variable is 1, else ``low``."""
        if low == high:
            return low
        flip = high & 1
        key = (variable, low ^ flip, high ^ flip)
        found = self.unique.get(key)
        if found is None:
            found = self.unique[key] = 2 * len(self.nodes)
            self.nodes.append(key)
        return found ^ flip

    def conjoin(self, f: int, g: int) -> int:
        """f and g."""
        if f > g:
            f, g = g, f
        if f <= 1:
            return g if f else 0
        if f ^ g <= 1:
            return f if f == g else 0
        key = (f, g)
        found = self.memo.get(key)
        if found is None:
            (v, low, high), (w, low2, high2) = self.nodes[f >> 1], self.nodes[g >> 1]
            top = v if v < w else w
            low, high = (f, f) if v > top else (low ^ f & 1, high ^ f & 1)
            low2, high2 = (g, g) if w > top else (low2 ^ g & 1, high2 ^ g & 1)
            found = self.node(top, self.conjoin(low, low2), self.conjoin(high, high2))
            self.memo[key] = found
        return found

    def of(self, graph: Aig, order: Sequence[int | tuple[int, ...]], port: str) -> list[int]:
        """Functions of a port's bits, registers taken for wires.

        ``order``: input literals, those of inputs that are always equal together.
        """
        known = {0: 0, 1: 1}

        def value(literal: int) -> int:
            return known[literal] if literal in known else known[literal ^ 1] ^ 1

        for at, literals in enumerate(order):
            equal = literals if isinstance(literals, tuple) else (literals,)
            known |= dict.fromkeys(equal, self.node(at, 0, 1))
        waiting = [(latch, after, after) for latch, after in graph.latches] + graph.ands
        while waiting:
            ready = [row for row in waiting if known_both(known, row)]
            assert ready, "the graph has a loop, or an input that is not in the order"
            for result, a, b in ready:
                known[result] = self.conjoin(value(a), value(b))
            waiting = [row for row in waiting if row[0] not in known]
        return [value(literal) for literal in graph.port(port, output=True)]


def known_both(known: dict[int, int], row: tuple[int, int, int]) -> bool:
    """Whether both operands of a row are there."""
    return all(literal in known or literal ^ 1 in known for literal in row[1:])
