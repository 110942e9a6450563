"""The documentation says what is so: links lead somewhere, commands and targets exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context, Group

import subbit
from subbit.sw.cli.app import COMMANDS, app
from tests.paths import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not lost


def pages_of(nav: list[dict[str, Any]], group: str = "") -> dict[str, str]:
    """The pages of mkdocs' navigation, each with the title of the group that it is in."""
    found: dict[str, str] = {}
    for entry in nav:
        for title, place in entry.items():
            found |= pages_of(place, title) if isinstance(place, list) else {place: group}
    return found


def test_every_page_is_in_the_navigation_under_its_folder() -> None:
    found = pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    there = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert {*found} == there
    for page, group in found.items():
        folder = page.rpartition("/")[0]
        assert folder == group.lower().replace(" ", "-"), f"{page} stands under {group!r}"


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_targets_exist(name: str) -> None:
    text = (ROOT / name).read_text()
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    used = set(re.findall(r"(?:^\s+|`|\$ |^)(?:\.venv/bin/)?subbit ([a-z]+)", text, re.M))
    assert not used - set(COMMANDS)
    assert not set(re.findall(r"(?:^|`|\$ |    )make ([a-z]+)", text, re.M)) - targets


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = app.get_command(Context(app), name)
    assert command is not None
    text = command.get_help(Context(command, info_name=f"subbit {name}"))
    assert f"Example: subbit {name}" in text
    assert command.get_short_help_str()


@pytest.mark.parametrize("name", list(COMMANDS))
def test_options_on_the_pages_exist(name: str) -> None:
    command = app.get_command(Context(app), name)
    assert command is not None
    commands = [command]
    if isinstance(command, Group):
        inner = Context(command)
        parts = [command.get_command(inner, part) for part in command.list_commands(inner)]
        commands += [part for part in parts if part]
    known = {option for each in commands for parameter in each.params for option in parameter.opts}
    for page in PAGES:
        lines = re.findall(
            rf"^ *(?:\$ )?(?:\.venv/bin/)?subbit {name} (.*)$", page.read_text(), re.M
        )
        used = {option for line in lines for option in re.findall(r"(--[a-z0-9-]+)", line)}
        assert not used - known - {"--help"}, page


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert "module accelerator" in (tmp_path / "build" / "digits-tiled.v").read_text()


def test_the_calls_of_the_page_exist() -> None:
    text = (ROOT / "docs" / "use" / "install.md").read_text() + (ROOT / "README.md").read_text()
    for name in set(re.findall(r"subbit\.([a-z_]+)\(", text)):
        assert callable(getattr(subbit, name))
