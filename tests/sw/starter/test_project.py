"""Projects to start from: what they hold, and that all of it works, with few data."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import subbit
from subbit.sw.cli import app
from subbit.sw.data import prepare
from subbit.sw.errors import SubbitError
from subbit.sw.host.pictures import read_pictures
from subbit.sw.ir import load_network
from subbit.sw.starter import TEMPLATES, new_project
from tests.sw.samples import message

FILES = ("Makefile", "README.md", "make_data.py", "test_project.py", "train.py")
OWN = {"segmentation": (*FILES[:3], "model.py", *FILES[3:])}  # with a model of its own


def run(path: Path) -> dict[str, Any]:
    """What a file of the project defines."""
    return runpy.run_path(str(path))


@pytest.mark.parametrize("name", [*TEMPLATES])
def test_a_project_trains_and_classifies(name: str, tmp_path: Path) -> None:
    template, folder = TEMPLATES[name], tmp_path / "my-project"
    files = OWN.get(name, FILES)
    assert new_project(folder, name).files == files
    for file in files:
        text = (folder / file).read_text()
        assert not re.search(r"@[A-Z]+@", text)
        assert file in ("make_data.py",) or "my-project" in text
    made = run(folder / "make_data.py")["make"](tmp_path / "data", count=6)
    assert made == tmp_path / template.data
    assert sorted(prepare(made).classes) == sorted(template.classes)
    result = run(folder / "train.py")["train"](made, tmp_path / "net.safetensors", epochs=1)
    network = load_network(result.path)
    training = network.metadata["training"]
    assert training.get("recipe", "") == template.recipe
    assert network.name == ("net" if template.recipe else "model-net")
    found = subbit.evaluate_dataset(network, made)
    assert (found.correct, found.answers) == (result.correct, result.images)
    pictures = read_pictures(network, [tmp_path / template.sample])
    assert pictures[0].codes.shape == network.input_type.shape


def test_the_tests_of_a_project_pass(tmp_path: Path) -> None:
    folder = new_project(tmp_path / "fruit", "tabular").folder
    root = Path(subbit.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "4 passed" in done.stdout


def test_the_makefile_has_what_the_readme_says(tmp_path: Path) -> None:
    folder = new_project(tmp_path / "a", "images").folder
    targets = set(re.findall(r"^([a-z]+):", (folder / "Makefile").read_text(), re.M))
    named = set(re.findall(r"^    make ([a-z]+) ", (folder / "README.md").read_text(), re.M))
    assert named == targets - {"clean"}
    done = subprocess.run(
        ["make", "-n", "data", "train", "eval", "sim", "run", "bitstream", "test"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    commands = re.findall(r"^subbit ([a-z]+) .*$", done.stdout, re.M)
    assert commands == ["eval", "sim", "run", "bitstream"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["new", str(tmp_path / "words"), "--from", "audio", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row == {"folder": str(tmp_path / "words"), "files": list(FILES)}
    assert app.run(["new", str(tmp_path / "words")]) == 2
    text = capsys.readouterr().err
    assert f"{tmp_path / 'words'} is there already and not empty; name another folder" in text


@pytest.mark.parametrize("name", ["My", "a b", "-a", "a" * 42, "ä"])
def test_names_that_are_none(name: str, tmp_path: Path) -> None:
    text = message(lambda: new_project(tmp_path / name, "images"), SubbitError)
    assert text.startswith("a project's name must be 1 to 41 of a-z, 0-9")
    assert not (tmp_path / name).exists()


def test_what_else_is_refused(tmp_path: Path) -> None:
    text = message(lambda: new_project(tmp_path / "a", "video"), SubbitError)
    assert text.endswith("'video'; there are images, tabular, signal, audio, segmentation")
    (tmp_path / "file").write_text("")
    text = message(lambda: new_project(tmp_path / "file" / "a", "images"), SubbitError)
    assert "cannot write the project to" in text
    (tmp_path / "empty").mkdir()
    assert new_project(tmp_path / "empty", "images").files == FILES
