"""docs/extend/adding-a-layer.md is true: its blocks, put into a copy of the project, are enough."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

PAGE = (ROOT / "docs" / "extend" / "adding-a-layer.md").read_text()
BLOCK = re.compile(
    r"```(?:python|text)\n# (file|in): ([^\n,]+)(?:, behind: ([^\n]+))?\n(.*?)```", re.S
)
FOLDERS = ("boards", "docs", "hw", "sim", "src", "sw", "tests")
CHECKS = (
    "tests/docs/test_what_is_missing.py",
    "tests/docs/test_ir_format_page.py::test_the_page_names_every_kind_encoding_and_limit",
    "tests/sw/ir/test_clamp.py",
    "tests/hw/layers/test_clamp.py",
    "tests/hw/design/test_reset.py",
    "tests/hw/contract/test_costs.py",
)


def put(project: Path, mode: str, name: str, anchor: str, text: str) -> None:
    """One block of the page: a new file, or lines behind the one line that is the anchor."""
    file = project / name
    if mode == "file":
        assert not file.exists(), f"{name} is there already"
        file.write_text(text)
        return
    lines = file.read_text().splitlines(keepends=True)
    places = [at for at, line in enumerate(lines) if line.rstrip("\n") == anchor]
    assert len(places) == 1, f"{name} has {len(places)} lines {anchor!r}"
    file.write_text("".join([*lines[: places[0] + 1], text, *lines[places[0] + 1 :]]))


def run(project: Path, *arguments: str) -> str:
    """What Python says with those arguments in the project; fails where it does."""
    paths = f"{project / 'src'}{os.pathsep}{project}"
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the page's layer."""
    folder = tmp_path_factory.mktemp("project")
    for name in FOLDERS:
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=skip)
    for name in ("README.md", "Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for block in BLOCK.findall(PAGE):
        put(folder, *block)
    return folder


def test_the_blocks_are_the_files_of_the_table() -> None:
    table = set(re.findall(r"^\| (`.*?) \|", PAGE.partition("\n## ")[0], re.M))
    named = {name for row in table for name in re.findall(r"`([^`]+)`", row)}
    assert named == {name for _, name, *_ in BLOCK.findall(PAGE)} | {"CHANGELOG.md"}
    assert PAGE.count("```") == 2 * len(BLOCK.findall(PAGE))


def test_nothing_is_missing_and_all_its_tests_pass(project: Path) -> None:
    wanted = "clamp or Clamp or kind or names"
    said = run(project, "pytest", "-q", "-p", "no:cacheprovider", "-k", wanted, *CHECKS)
    assert re.search(r"\d+ passed", said)


SIMULATED = """
import sys
from pathlib import Path
from subbit.sim.components import simulate_components
for pauses in ("none", "random"):
    places = {"folder": Path("sim-out"), "models": Path(sys.argv[1])}
    (row,) = simulate_components(["clamp"], frames=3, backpressure=pauses, **places)
    assert not row.mismatches, row.first_difference
"""


def test_the_component_is_simulated_alone(project: Path) -> None:
    (project / "simulated.py").write_text(SIMULATED)
    run(project, "simulated", str(ROOT / "build" / "models"))
