"""``python -m subbit.sim.launch LIBRARY [ARGUMENT...]`` runs a simulation in this process.

Usually a simulator starts a Python of its own, for which it needs libpython as a shared library,
and Debian's python3, for one, comes without it. Here the interpreter runs already, and the
simulator's GPI finds it.
"""

import ctypes
import os
import sys

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Load the library that subbit.sim.verilator has built and run it; never returns."""
    library = ctypes.PyDLL(arguments[0], mode=ctypes.RTLD_GLOBAL)
    words = [os.fsencode(word) for word in ("simulation", *arguments[1:])]
    library.subbit_run(len(words), (ctypes.c_char_p * (len(words) + 1))(*words, None))


if __name__ == "__main__":
    main(sys.argv[1:])
