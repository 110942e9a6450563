"""Telling the user how far a long task is."""

import sys
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.markup import escape

__all__ = ["SILENT", "ConsoleProgress", "Progress"]


class Progress(Protocol):
    """Receives what a long task is doing."""

    def phase(self, name: str) -> None:
        """A new phase begins, and the one before it is done."""

    def detail(self, text: str) -> None:
        """What goes on within the phase, in a few words."""


class Silent:
    """Tells nobody."""

    def phase(self, name: str) -> None:
        """See Progress."""

    def detail(self, text: str) -> None:
        """See Progress."""


SILENT: Progress = Silent()


class ConsoleProgress:
    """Shows phases on stderr: with a spinner on a terminal, as one line each elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.status = self.console.status("")
        self.name = ""
        self.began = 0.0
        self.shown = 0.0

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.status.stop()
        if error is None:
            self.close_phase()
        sys.stderr.flush()

    def phase(self, name: str) -> None:
        """See Progress."""
        self.close_phase()
        self.name, self.began = name, time.monotonic()
        self.status.update(escape(name))

    def detail(self, text: str) -> None:
        """See Progress. At most five a second are shown."""
        now = time.monotonic()
        if now - self.shown > 0.2:
            self.shown = now
            self.status.update(f"{escape(self.name)} [dim]{escape(text[:60])}[/]")

    def close_phase(self) -> None:
        """Print how long the current phase took."""
        if self.name:
            took = time.monotonic() - self.began
            self.console.print(f"  {self.name:<28}{took:7.1f} s", highlight=False, markup=False)
        self.name = ""
