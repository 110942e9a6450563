"""How large what comes from files may be: no larger than any board could hold, with room to spare.

The largest board known, with an LFE5U-85F, has 3.8 Mbit of block RAM and 84,000 lookup tables of 16
bits: 5.2 Mbit in all. Sizes are checked before anything is expanded, so that a small file cannot
take all memory.
"""

__all__ = ["MAX_LAYER_WEIGHTS", "MAX_NETWORK_WEIGHTS", "MAX_NPZ_ELEMENTS", "MAX_QUEUE_BEATS"]

# Weights of one layer, repeats of a tile counted: at a third of a bit each they fill the largest
# board. As integers of 64 bits they take 128 MB.
MAX_LAYER_WEIGHTS = 1 << 24
# Of all layers of a network: at a twelfth of a bit each they fill the largest board.
MAX_NETWORK_WEIGHTS = 1 << 26
# Beats that a queue in a plan holds. 65,536 beats of 64 bits fill the block RAM of the largest
# board; a queue is written out beat by beat in Verilog, a million take minutes.
MAX_QUEUE_BEATS = 1 << 16
# Elements of all arrays in one archive of integer arrays, which become integers of 64 bits: 512 MB.
MAX_NPZ_ELEMENTS = MAX_NETWORK_WEIGHTS
