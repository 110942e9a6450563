"""The shell of the project: packaging, targets, pinned versions."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import subbit
from tests.paths import ROOT


@pytest.mark.parametrize("name", ["boards", "hw", "sim", "sw"])
def test_the_package_leads_to_the_folder_at_the_top(name: str) -> None:
    link = ROOT / "src" / "subbit" / name
    assert link.is_symlink()
    assert not link.readlink().is_absolute()
    assert link.resolve() == ROOT / name
    assert (link / "__init__.py").is_file()


def test_every_name_of_the_package_is_there() -> None:
    assert sorted(subbit.PLACES) == sorted(subbit.__all__)
    for name, place in subbit.PLACES.items():
        assert hasattr(importlib.import_module(f"subbit.{place}"), name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = subbit.nothing


def test_importing_the_package_is_light() -> None:
    code = "import sys, subbit; sys.exit(bool({'torch', 'amaranth', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


HEAVY = """
import importlib, pkgutil, sys
for name in sys.argv[2:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(getattr(package, "__path__", []), name + "."):
        importlib.import_module(module.name)
loaded = {name.partition(".")[0] for name in sys.modules}
sys.exit(", ".join(loaded & set(sys.argv[1].split(","))) or 0)
"""


@pytest.mark.parametrize(
    ("barred", "modules"),
    [
        (
            "torch,amaranth",
            [
                "subbit.boards",
                "subbit.sw.ir",
                "subbit.sw.lower.stages",
                "subbit.hw.contract",
                "subbit.hw.dot.dot",
            ],
        ),
        (
            "torch,amaranth",
            ["subbit.sw.lower.plan", "subbit.sw.planner", "subbit.sw.lower.pipeline"],
        ),
        ("torch", ["subbit.hw", "subbit.sw.flow.bitstream", "subbit.sw.host", "subbit.sw.data"]),
    ],
)
def test_layers_keep_apart(barred: str, modules: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", HEAVY, barred, *modules], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_every_dependency_is_pinned_to_one_version_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {re.sub(r"[-_.]+", "-", name).lower() for name in pins}
    names = {re.split(r"[\[<>=;! ]", name)[0].lower() for name in wanted}
    assert not names - pinned
    assert pins["torch"] == "2.13.0"


def make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make in the project with a bare environment."""
    return subprocess.run(
        ["make", "-C", str(ROOT), *arguments],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"} | variables,
    )


def test_help_is_the_default_and_lists_the_targets() -> None:
    text = make().stdout
    assert text == make("help").stdout
    for name in (
        *("venv", "bitstream", "rtl", "sim", "train", "eval", "test", "bench"),
        *("lint", "docs", "program", "run", "clean", "help"),
    ):
        assert re.search(rf"^  {name} +\S", text, re.M), name


@pytest.mark.parametrize(
    ("tool", "target", "advice"),
    [("g++", "test", "apt install g++"), ("perl", "sim", "apt install perl")],
)
def test_a_missing_compiler_is_named(tool: str, target: str, advice: str, tmp_path: Path) -> None:
    for name in ("sh", "make", "echo", "g++", "perl"):
        found = next(p / name for p in (Path("/usr/bin"), Path("/bin")) if (p / name).exists())
        if name != tool:
            (tmp_path / name).symlink_to(found)
    made = ["-o", ".venv/.all", "-o", ".venv/.base"]
    done = make(*made, target, PATH=str(tmp_path))
    assert done.returncode != 0
    assert f"subbit: error: {tool} is missing" in done.stderr
    assert advice in done.stderr


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(ROOT / "tools" / "venv"), "base"],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHON": "no-such-python"},
    )
    assert done.returncode == 2
    assert "subbit: error: no-such-python is missing: install Python 3.11" in done.stderr
