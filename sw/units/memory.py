"""Small read-write memories: which kind of RAM holds them, and what that costs."""

from math import ceil

from subbit.sw.units.cost import Cost

__all__ = ["BLOCK_SHAPES", "choose_memory", "memory_cost"]

# Word widths of an ECP5 block RAM (one write port, one read port) and its words at that width.
BLOCK_SHAPES = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
LUT4_PER_BLOCK = 200  # below this many LUT4s saved, a block RAM is better kept for weights
ROWS = 16  # of a LUT RAM


def block_rams(width: int, depth: int) -> int:
    """Block RAMs that ``depth`` words of ``width`` bits take."""
    return min(ceil(width / bits) * ceil(depth / words) for bits, words in BLOCK_SHAPES)


def lut_ram(width: int, depth: int) -> int:
    """LUT4s that the same takes: four per 16x4 bits, and the choice between banks."""
    banks = ceil(depth / ROWS)
    choice = ceil(2 * (banks - 1) / 3)
    return 4 * ceil(width / 4) * banks + width * choice + (banks if banks > 1 else 0)


def choose_memory(width: int, depth: int, memory: str = "auto") -> str:
    """``block`` or ``distributed``: ``memory`` as given, or by what a block RAM would save."""
    if memory != "auto":
        return memory
    saves = lut_ram(width, depth) > LUT4_PER_BLOCK * block_rams(width, depth)
    return "block" if saves else "distributed"


def memory_cost(width: int, depth: int, memory: str = "auto") -> Cost:
    """``depth`` words of ``width`` bits and a registered read port; one word is a register."""
    if not width or not depth:
        return Cost()
    if depth == 1:
        return Cost(flip_flops=width)
    if choose_memory(width, depth, memory) == "block":
        return Cost(block_rams=block_rams(width, depth))
    return Cost(lut4=lut_ram(width, depth), flip_flops=width)
