"""The command ``subbit``."""

from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 a check failed, 2 wrong input, 130 after Ctrl-C."""
    try:
        # Imported here so that Ctrl-C during the import, too, ends in one line.
        from subbit.sw.cli.app import run

        code = run()
    except KeyboardInterrupt:
        code = 130
    raise SystemExit(code)
