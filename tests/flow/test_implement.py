"""From a design to its bitstream."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.flow.builds import Built
from tests.paths import ROOT

AGAIN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.flow.echo import Echo
from subbit.boards import board
from subbit.sw.flow.implement import implement
implement(Echo(board=board("ulx3s")), board("ulx3s"), Path(sys.argv[2]), name="echo")
"""


def test_what_is_there(built: Built) -> None:
    names = {path.name for path in built.folder.iterdir()}
    assert {"echo.bit", "top.v", "top.lpf", "top.config", "timing.json", "route.log"} <= names
    assert built.result.resources.lut4 > 30
    assert built.result.resources.flip_flops > 32
    assert built.result.resources.block_rams == 0
    assert set(built.result.tools) == {"yosys", "nextpnr-ecp5", "ecppack"}


def test_the_same_design_gives_the_same_files(built: Built, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", AGAIN, str(ROOT), str(folder)],
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    )
    for name in ("echo.bit", "top.v", "top.lpf", "top.config", "timing.json"):
        assert (folder / name).read_bytes() == (built.folder / name).read_bytes(), name


def test_nothing_tells_where_or_when(built: Built) -> None:
    here = (str(built.folder), str(Path.cwd()), sys.prefix)
    for name in ("echo.bit", "top.v", "top.lpf", "top.config", "timing.json"):
        content = (built.folder / name).read_bytes().decode(errors="replace")
        assert not [path for path in here if path in content], name
        assert not re.search(r"20\d\d-\d\d-\d\d|\d\d:\d\d:\d\d", content), name


def test_the_verilog_is_plain(built: Built) -> None:
    text = (built.folder / "top.v").read_text()
    assert not re.search(r"\b(logic|always_ff|always_comb|typedef|interface)\b", text)
    assert "(* src" not in text
