"""What examples/ip/README.md tells to type works, here with networks that are small."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from find_libpython import find_libpython

from subbit.sw.ir import save_network
from tests.paths import EXAMPLES, ROOT
from tests.sw.ip.cores import perceptron

README = EXAMPLES / "ip" / "README.md"
SIMULATES = find_spec("cocotb") and find_spec("cocotbext") and find_libpython()


@pytest.mark.skipif(not SIMULATES, reason="the benches of cores cannot run here")
def test_two_networks_in_one_design(tmp_path: Path) -> None:
    text = README.read_text()
    block = re.search(r"```sh\n(.*?)```", text, re.S)
    assert block
    for seed, name in enumerate(("tiled", "plain")):
        save_network(perceptron(seed), tmp_path / f"digits-{name}.safetensors")
        assert f"examples/digits-{name}.safetensors" in text
    environment = os.environ | {"PYTHON": sys.executable}
    said, simulators = "", ["verilator", "icarus" if shutil.which("iverilog") else None]
    for line in block[1].splitlines():
        words = shlex.split(line.replace("examples/digits", f"{tmp_path}/digits"))
        words = [word.replace("build/example-ip", str(tmp_path / "ip")) for word in words]
        if words[0] == "subbit":
            words[:1] = [sys.executable, "-c", "from subbit.sw.cli import main; main()"]
        elif words[0] == "python":
            words[0] = sys.executable
        elif simulator := simulators.pop(0):
            words += [f"SIM={simulator}"]
        else:
            continue
        done = subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        said = done.stdout
        assert done.returncode == 0, f"{line}\n{said}{done.stderr}"
    found = re.fullmatch(r"([\d,]+) LUT4, ([\d,]+) flip-flops, \d+ block RAMs\n", said)
    assert found
    assert int(found[1].replace(",", "")) > 300
    mapped = (tmp_path / "ip" / "top.v").read_text()
    modules = re.findall(r"^module (\w+)", mapped, re.M)
    assert len(modules) == len(set(modules))
