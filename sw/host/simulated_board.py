"""A board in simulation, at the end of a pseudo-terminal: for the host's code it is a real one."""

import contextlib
import json
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from subbit.sim.verilator import build_model, run_model
from subbit.sw.errors import ToolError
from subbit.sw.flow.verilog import to_verilog
from subbit.sw.host.transport import PtyTransport

__all__ = ["SimulatedBoard"]

START_S = 60.0
PS = 10**12
PUBLIC = "/*verilator public_flat_rw*/"
TOP = """\
module board (
    input clk {public}, input rst {public}, input link_clk {public}, input link_rst {public},
    input rx {public}, output tx {public});
  {name} dut (.clk(clk), .rst(rst), .link_clk(link_clk), .link_rst(link_rst), .rx(rx), .tx(tx));
endmodule
"""


class SimulatedBoard:
    """Runs the RTL of ``component`` under Verilator while the context lasts.

    ``component``: has the pins ``rx`` and ``tx``, a serial line of ``baud``, and the clock domains
    ``sync`` and ``link``, which run at ``clock_hz`` and ``link_hz``. The compiled model is kept in
    the folder ``models`` for the next time. In the context, ``path`` names the pseudo-terminal.

    Entering raises ToolError where a tool is missing or fails; leaving does where the simulation
    has broken off.
    """

    path: str

    def __init__(
        self,
        component: Any,
        *,
        name: str,
        models: Path,
        clock_hz: int = 50_000_000,
        link_hz: int = 25_000_000,
        baud: int = 3_000_000,
    ) -> None:
        self._component = component
        self._name = name
        self._models = models
        self._periods = {
            "sync_ps": 2 * round(PS / clock_hz / 2),
            "link_ps": 2 * round(PS / link_hz / 2),
            "bit_ps": round(PS / baud),
        }
        self._error: Exception | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        verilog = to_verilog(self._component, name=self._name)
        top = TOP.format(name=self._name, public=PUBLIC)
        library = build_model(verilog + top, "board", self._models)
        scratch = tempfile.TemporaryDirectory(prefix="subbit-board-")
        self._folder = Path(self._cleanup.enter_context(scratch))
        names = {key: str(self._folder / key) for key in ("ready", "stop", "ended")}
        (self._folder / "task.json").write_text(json.dumps(self._periods | names))
        self._thread = threading.Thread(target=self._run, args=(library,))
        self._thread.start()
        try:
            self.path = self._wait()
        except BaseException:
            self._end()
            self._cleanup.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._end()
            if error is None:
                self._check()
        finally:
            self._cleanup.close()

    def transport(self) -> PtyTransport:
        """A new transport to the board; one at a time."""
        return PtyTransport(self.path)

    def _run(self, library: Path) -> None:
        environment = {"SUBBIT_BRIDGE": str(self._folder / "task.json")}
        try:
            run_model(
                library,
                "board",
                "subbit.sim.pty_bridge",
                self._folder,
                environment=environment,
            )
        except Exception as error:
            self._error = error

    def _wait(self) -> str:
        """The pseudo-terminal's path, once the board is there."""
        ready = self._folder / "ready"
        deadline = time.monotonic() + START_S
        while not ready.exists():
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise self._failure()
            time.sleep(0.01)
        return ready.read_text()

    def _end(self) -> None:
        (self._folder / "stop").touch()
        self._thread.join()

    def _check(self) -> None:
        if not (self._folder / "ended").exists():
            raise self._failure()

    def _failure(self) -> Exception:
        """Why the simulation does not run: its own error, or what it said."""
        log = self._folder / "sim.log"
        said = log.read_text().splitlines() if log.exists() else []
        lines = [line.strip() for line in said if "Error" in line or "ERROR" in line]
        reason = next(iter(lines), "it said nothing")
        return self._error or ToolError(f"the simulated board broke off: {reason}")
