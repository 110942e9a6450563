"""The worked example of docs/extend/adding-an-operator.md, made in a copy of the project and run
there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

PAGE = ROOT / "docs" / "extend" / "adding-an-operator.md"
COPIED = ("boards", "docs", "hw", "sim", "src", "sw", "tests")
LACKING = """
from tests.sw.importers.test_operators import lacking
print(lacking("ThresholdedRelu"))
"""


def blocks(language: str) -> list[str]:
    """The code blocks of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def python(copy: Path, *arguments: str) -> str:
    """What python prints that runs in the copy; fails where it fails."""
    environment = {**os.environ, "PYTHONPATH": f"{copy / 'src'}{os.pathsep}{copy}"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write_file(copy: Path, block: str) -> None:
    """Write the file that a block holds."""
    name, text = block.removeprefix("# file: ").split("\n", 1)
    (copy / name).write_text(text)


def change(copy: Path, block: str) -> None:
    """Make the changes of a block in the file that it names; every place must be there once."""
    header, rest = block.split("\n", 1)
    file = copy / header.removeprefix("--- ")
    text = "\n" + file.read_text()
    for hunk in re.split(r"^@@\n", rest, flags=re.M):
        lines = hunk.splitlines(keepends=True)
        old = "\n" + "".join(line[1:] for line in lines if line[0] in " -")
        new = "\n" + "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(old) == 1, f"{header}: {old!r} stands {text.count(old)} times in the file"
        text = text.replace(old, new)
    file.write_text(text[1:])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_example_of_the_page_works(copy: Path) -> None:
    file, script = blocks("python")
    write_file(copy, file)
    rule, *rest = blocks("diff")
    change(copy, rule)
    assert python(copy, "-c", LACKING).split("\n")[-2] == (
        "['a row in docs/import.md', 'a test graph']"
    )
    for block in rest:
        change(copy, block)
    found = python(
        *(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "hreshold or has_a_row"),
        "tests/sw/importers/test_operators.py",
    )
    assert "8 passed" in found
    python(copy, "-c", script)


def test_the_page_names_every_file_that_it_changes() -> None:
    listed = re.findall(r"^\| `([\w/.*]+)` \|", PAGE.read_text(), re.M)
    changed = [block.split("\n")[0].removeprefix("--- ") for block in blocks("diff")]
    assert set(changed) <= set(listed)
    assert all(list(ROOT.glob(name)) for name in listed)
