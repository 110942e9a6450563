"""Tables of measurements come from docs/measurements, and from nowhere else."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from click import Context, Group

from subbit.sw.bench.doc_tables import TABLES
from subbit.sw.bench.pages import stale_pages
from subbit.sw.bench.records import load_record
from subbit.sw.bench.tables import PLACE
from subbit.sw.cli.app import app
from tests.paths import DOCS

RECORDS = sorted((DOCS / "measurements").glob("*.json"))
TITLES = {"LUT4", "logic cells", "flip-flops", "registers", "MHz", "clock, MHz", "frames/s"}
PARTS = "| board | part |"  # what a part has is no measurement


def test_every_page_shows_what_was_measured() -> None:
    assert not list(stale_pages(DOCS))


def test_every_table_is_shown_and_every_measurement_used() -> None:
    text = "".join(page.read_text() for page in DOCS.rglob("*.md"))
    assert {found[1] for found in PLACE.findall(text)} == {*TABLES}
    patterns = [pattern for table in TABLES.values() for pattern in table.records]
    unused = [r.stem for r in RECORDS if not any(Path(r.stem).match(p) for p in patterns)]
    assert not unused


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_measurement_says_how_it_was_made(path: Path) -> None:
    record = load_record(path)
    assert re.fullmatch(r"\d+\.\d+\.\d+(\+git)?", record.measured)
    assert record.result is not None
    for line in (*record.before, record.command):
        program, name, *rest = shlex.split(line)
        assert program == "subbit"
        command = app.get_command(Context(app), name)
        assert command is not None, line
        if isinstance(command, Group):
            command = command.get_command(Context(command), rest[0])
            assert command is not None, line
        options = {o for parameter in command.params for o in parameter.opts}
        used = {word for word in rest if word.startswith("--")}
        assert isinstance(command, Group) or not used - options, line


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_no_measurement_is_edited_by_hand(page: Path) -> None:
    lines = PLACE.sub("", page.read_text()).splitlines()
    heads = [line for line, after in pairwise(lines) if after[:4] == "|---"]
    for head in heads:
        cells = {cell.strip() for cell in head.strip("|").split("|")}
        assert head.startswith(PARTS) or not cells & TITLES, head
