"""Small read-write memories: which kind of RAM holds them, and what that costs."""

from math import ceil

from subbit.hw.contract.blocks import choice_luts, luts, registers, steps_cost
from subbit.hw.contract.cost import Cost

__all__ = [
    "BLOCK_SHAPES",
    "block_rams",
    "block_shape",
    "choose_memory",
    "credit_queue_cost",
    "delay_cost",
    "level_cost",
    "lut_ram",
    "memory_cost",
    "queue_store",
    "register_store",
    "small_rams",
]

# Word widths of an ECP5 block RAM (one write port, one read port) and its words at that width.
BLOCK_SHAPES = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
LUT4_PER_BLOCK = 200  # below this many LUT4s saved, a block RAM is better kept for weights
ROWS = 16  # of a LUT RAM
# LUT4 places of an ECP5 that 16 words of 4 bits take: four for the bits, two for the write port.
LUT_RAM_LUT4 = 6
# The same of an iCE40, and the least bits for each of them for which synthesis takes block RAM.
SMALL_SHAPES = ((16, 256), (8, 512), (4, 1024), (2, 2048), (1, 4096))
SMALL_LEAST_BITS = 70
# LUT4s of an ECP5, and cells of an iCE40, for a level of so many bits that goes up and down.
LEVELS = {1: (3, 5), 2: (6, 9), 3: (8, 12), 4: (11, 20)}


def block_shape(width: int, depth: int) -> tuple[int, int]:
    """Bits of each word and words that a block RAM holds, where that many take the fewest block
    RAMs, and of those with the fewest banks, one behind the other.
    """

    def taken(shape: tuple[int, int]) -> tuple[int, int]:
        banks = ceil(depth / shape[1])
        return ceil(width / shape[0]) * banks, banks

    return min(BLOCK_SHAPES, key=taken)


def block_rams(width: int, depth: int) -> int:
    """Block RAMs that ``depth`` words of ``width`` bits take."""
    bits, words = block_shape(width, depth)
    return ceil(width / bits) * ceil(depth / words)


def small_rams(width: int, depth: int) -> int:
    """Block RAMs of 4 kbit that ``depth`` words of ``width`` bits take."""
    return min(ceil(width / bits) * ceil(depth / words) for bits, words in SMALL_SHAPES)


def register_store(width: int, depth: int, luts: int) -> Cost:
    """What a part without LUT RAM takes more for a store that otherwise takes ``luts`` LUT4s: all
    bits in flip-flops, a choice among them, and what says which words are written.
    """
    cells = width * (depth + choice_luts(depth)) + depth
    return Cost(more_lut4=cells - luts, more_flip_flops=width * depth)


def small_store(width: int, depth: int) -> Cost:
    """What a memory with a registered read port takes on an iCE40 instead of a LUT RAM."""
    rams, luts = small_rams(width, depth), lut_ram(width, depth)
    if width * depth > SMALL_LEAST_BITS * rams:
        return Cost(small_rams=rams, more_lut4=-luts, more_flip_flops=-width)
    return register_store(width, depth, luts)


def lut_ram(width: int, depth: int) -> int:
    """LUT4s that the same takes: LUT_RAM_LUT4 per 16x4 bits, and the choice between banks."""
    banks = ceil(depth / ROWS)
    return (
        LUT_RAM_LUT4 * ceil(width / 4) * banks
        + width * choice_luts(banks)
        + (banks if banks > 1 else 0)
    )


def rough_lut_ram(width: int, depth: int) -> int:
    """LUT4s that a memory is chosen by, without write ports and with two for a choice between three
    banks; what is finer would change the circuits of plans that there are.
    """
    banks = ceil(depth / ROWS)
    choice = ceil(2 * (banks - 1) / 3)
    return 4 * ceil(width / 4) * banks + width * choice + (banks if banks > 1 else 0)


def choose_memory(width: int, depth: int, memory: str = "auto") -> str:
    """``block`` or ``distributed``: ``memory`` as given, or by what a block RAM would save."""
    if memory != "auto":
        return memory
    saves = rough_lut_ram(width, depth) > LUT4_PER_BLOCK * block_rams(width, depth)
    return "block" if saves else "distributed"


def memory_cost(width: int, depth: int, memory: str = "auto") -> Cost:
    """``depth`` words of ``width`` bits and a registered read port; one word is a register."""
    if not width or not depth:
        return Cost()
    if depth == 1:
        return registers(width)
    if choose_memory(width, depth, memory) == "block":
        return Cost(block_rams=block_rams(width, depth), small_rams=small_rams(width, depth))
    return Cost(lut4=lut_ram(width, depth), flip_flops=width) + small_store(width, depth)


def delay_cost(width: int, depth: int, memory: str = "auto", *, absorbed: bool = False) -> Cost:
    """A DelayLine: a memory and two places in it. Where an iCE40 takes block RAM for a LUT RAM, it
    has to make up for its register, which begins with 0, unless that is ``absorbed`` by lookup
    tables behind it.
    """
    if depth == 1 or not width:
        return registers(width)
    total = memory_cost(width, depth, memory) + steps_cost(depth)
    if choose_memory(width, depth, memory) == "distributed" and total.small_rams:
        total += Cost(more_lut4=3 if absorbed else width + 3, more_flip_flops=1)
    return total + registers((depth - 1).bit_length())


def level_cost(depth: int) -> Cost:
    """A level from 0 to ``depth`` that goes up and down, and a register that says how it stands."""
    bits = depth.bit_length()
    return luts(*LEVELS.get(bits, (4 * bits + 2, 5 * bits + 2))) + Cost(flip_flops=bits + 1)


def credit_queue_cost(width: int, depth: int) -> Cost:
    """A CreditQueue: credits, a level and a memory that is read without a register."""
    levels = level_cost(depth) * 2
    if depth == 1:
        return levels + registers(width)
    return levels + queue_store(width, depth) + steps_cost(depth) * 2


def queue_store(width: int, depth: int) -> Cost:
    """A memory that is read without a register."""
    store = lut_ram(width, depth)
    return luts(store) + register_store(width, depth, store)
