"""A network's C on an emulated microcontroller: results, instructions and size of the code.

The C is compiled by the clang in the ziglang wheel and run in Unicorn, which knows instructions and
no cycles: a Cortex-M takes somewhat more cycles than instructions.
"""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.errors import ToolError
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.tools import Tool
from subbit.sw.ir.network import Network
from subbit.sw.mcu.program import Program
from subbit.sw.mcu.text import header, runtime, source

__all__ = ["CORES", "Emulated", "emulate"]

NEEDED = ("ziglang", "unicorn", "elftools")
CODE, MEMORY, END = 0x0, 0x20000000, 0x1FFFF0
SPACE = 1 << 21  # bytes, of code as of memory
NAME = "net"


@dataclass(frozen=True)
class Core:
    """A core: what clang calls it, and names in Unicorn."""

    target: str
    cpu: str
    arch: str
    modes: tuple[str, ...]
    stack: str
    link: str


CORES: Mapping[str, Core] = {
    "cortex-m3": Core(
        *("thumb-freestanding-eabi", "cortex_m3", "UC_ARCH_ARM"),
        *(("UC_MODE_THUMB", "UC_MODE_MCLASS"), "arm.UC_ARM_REG_SP", "arm.UC_ARM_REG_LR"),
    ),
    "cortex-m4": Core(
        *("thumb-freestanding-eabi", "cortex_m4-vfp4d16sp", "UC_ARCH_ARM"),
        *(("UC_MODE_THUMB", "UC_MODE_MCLASS"), "arm.UC_ARM_REG_SP", "arm.UC_ARM_REG_LR"),
    ),
    "riscv32": Core(
        *("riscv32-freestanding-none", "generic_rv32+m+c", "UC_ARCH_RISCV"),
        *(("UC_MODE_RISCV32",), "riscv.UC_RISCV_REG_SP", "riscv.UC_RISCV_REG_RA"),
    ),
}


@dataclass(frozen=True, eq=False)
class Emulated:
    """``outputs``: int64 ``[n][outputs]``; ``instructions``: of each frame, int64 ``[n]``;
    ``code_bytes`` and ``constant_bytes``: what the program takes of the flash memory.
    """

    core: str
    outputs: NDArray[np.int64]
    instructions: NDArray[np.int64]
    code_bytes: int
    constant_bytes: int


def emulate(
    network: Network,
    codes: NDArray[np.integer[Any]],
    core: str = "cortex-m3",
    *,
    bit_by_bit: bool = False,
) -> Emulated:
    """Run frames ``[n][y][x][c]`` through the network's C on one of CORES.

    ``bit_by_bit``: with dot products of rows that walk from bit to bit, to compare with.

    Raises ToolError where a module is missing or the program goes astray, NetworkError where the
    network has a layer without C.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ToolError(f"{missing[0]} is missing; install it with: pip install 'subbit[mcu]'")
    program = Program(network)
    with tempfile.TemporaryDirectory(prefix="subbit-") as place:
        options = ("-DSUBBIT_BIT_BY_BIT",) if bit_by_bit else ()
        image = compile_program(program, CORES[core], Path(place), options)
    rows = [run_frame(image, CORES[core], program, frame) for frame in codes]
    return Emulated(
        core=core,
        outputs=np.array([outputs for outputs, _ in rows]),
        instructions=np.array([count for _, count in rows]),
        code_bytes=image.sizes[".text"],
        constant_bytes=image.sizes.get(".rodata", 0),
    )


@dataclass(frozen=True)
class Image:
    """A program to load: parts by address, symbols, and sizes of sections."""

    parts: dict[int, bytes]
    symbols: dict[str, int]
    sizes: dict[str, int]


def compile_program(
    program: Program, core: Core, folder: Path, more: tuple[str, ...] = ()
) -> Image:
    """The program for a core without an operating system."""
    resources = files("subbit.sw.mcu") / "emulated"
    start = (resources / "start.c.txt").read_text()
    texts = {
        f"{NAME}.h": header(program, NAME),
        f"{NAME}.c": source(program, NAME),
        "subbit_runtime.h": runtime(),
        "string.h": (resources / "string.h").read_text(),
        "link.ld": (resources / "link.ld.txt").read_text(),
        "start.c": start.replace("@NAME@", NAME).replace("@LARGE@", NAME.upper()),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    clang = Tool("clang", (sys.executable, "-m", "ziglang", "cc"), "", "wheel ziglang")
    options = ["-target", core.target, f"-mcpu={core.cpu}", "-std=c99", "-O2", "-fno-builtin"]
    options += more
    files_ = ["-nostdlib", "-I.", "start.c", f"{NAME}.c", "-Wl,-T,link.ld", "-o", "program.elf"]
    run_tool(clang, [*options, *files_], folder=folder, log="clang.log")
    return read_image(folder / "program.elf")


def read_image(path: Path) -> Image:
    """What of an ELF file is loaded."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        elf = ELFFile(file)
        parts = {
            segment["p_vaddr"]: segment.data()
            for segment in elf.iter_segments("PT_LOAD")
            if segment["p_filesz"]
        }
        table: Any = elf.get_section_by_name(".symtab")
        symbols = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}
        sizes = {section.name: section["sh_size"] for section in elf.iter_sections()}
    return Image(parts, symbols, sizes)


def run_frame(
    image: Image, core: Core, program: Program, frame: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int64], int]:
    """The outputs of a frame, and how many instructions they took."""
    unicorn: Any = import_module("unicorn")

    def register(name: str) -> Any:
        family, _, constant = name.partition(".")
        return getattr(import_module(f"unicorn.{family}_const"), constant)

    mode = sum(getattr(unicorn, name) for name in core.modes)
    machine = unicorn.Uc(getattr(unicorn, core.arch), mode)
    for base in (CODE, MEMORY):
        machine.mem_map(base, SPACE)
    for address, data in image.parts.items():
        machine.mem_write(address, data)
    machine.mem_write(image.symbols["codes"], frame.astype(np.uint8).tobytes())
    machine.reg_write(register(core.stack), MEMORY + SPACE - 16)
    machine.reg_write(register(core.link), END | (core.arch == "UC_ARCH_ARM"))
    count = [0]

    def step(*_: Any) -> None:
        count[0] += 1

    machine.hook_add(unicorn.UC_HOOK_CODE, step)
    try:
        machine.emu_start(image.symbols["_start"], END)
    except unicorn.UcError as error:
        raise ToolError(f"the emulated program went astray: {error}") from None
    width = program.sum_bits // 8
    size = program.output.type.elements * width
    outputs = bytes(machine.mem_read(image.symbols["outputs"], size))
    return np.frombuffer(outputs, f"<i{width}").astype(np.int64), count[0]
