"""``python -m subbit.sw.flow.run_pyosys SCRIPT``: runs a script with the Yosys of pyosys.

A process of its own, so that a crash, an exit or Ctrl-C inside Yosys ends it alone.
"""

import sys

__all__ = ["main"]


def main(script: str) -> None:
    """Run the script; Yosys ends the process with status 1 at the first error."""
    from pyosys import libyosys

    libyosys.Design().run_pass(f"script {script}")


if __name__ == "__main__":
    main(sys.argv[1])
