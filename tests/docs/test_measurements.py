"""Tables of measurements come from docs/measurements, and from nowhere else."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from click import Context, Group
from click.core import ParameterSource

from subbit.boards import board
from subbit.sw.bench.doc_tables import TABLES
from subbit.sw.bench.pages import stale_pages
from subbit.sw.bench.records import load_record
from subbit.sw.bench.tables import PLACE
from subbit.sw.cli.app import app
from subbit.sw.lower.plan import load_plan
from subbit.sw.models.cnv import build_cnv
from subbit.sw.planner import planned
from tests.paths import DOCS, ROOT, SHARED

RECORDS = sorted((DOCS / "measurements").glob("*.json"))
TITLES = {"LUT4", "logic cells", "flip-flops", "registers", "MHz", "clock, MHz", "frames/s"}
REAL = SHARED / "models" / "cnv-w1a1-cifar10.npz"
# Files that a command makes in its usual folder.
MADE = {"cnv": {"build/bench/cnv/cnv.safetensors", "build/bench/cnv/plan.json"}}
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
    made: set[str] = set()
    for line in (*record.before, record.command):
        given = parsed(line)
        for file in files_of(given):
            assert file in made or not file.startswith("build/"), f"{file} is made by no command"
            assert not file.startswith("docs/") or (ROOT / file).exists(), file
        made |= {str(given.params[key]) for key in ("out", "output") if given.params.get(key)}
        made |= MADE.get(str(given.info_name), set())
    assert given.params["json_"]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_command_that_routes_names_its_seeds(path: Path) -> None:
    record = load_record(path)
    given = parsed(record.command)
    sources = {given.get_parameter_source(key) for key in ("seed", "seeds")}
    assert "seeds" not in given.params or ParameterSource.COMMANDLINE in sources
    seeds = record.result.get("seeds") if isinstance(record.result, dict) else None
    if isinstance(seeds, dict):  # by seed the clock
        assert tuple(map(int, seeds)) == given.params["seeds"]
    elif seeds:
        assert seeds == list(range(1, given.params["seeds"] + 1))
    if given.info_name == "network" and record.result.get("seed") is not None:
        assert record.result["seed"] in (given.params["seed"], *range(1, given.params["seeds"] + 1))


def test_every_stored_plan_is_that_of_a_row() -> None:
    records = {record.command: record for record in map(load_record, RECORDS)}
    for path in sorted((DOCS / "measurements" / "plans").glob("*.json")):
        name = path.relative_to(ROOT).as_posix()
        (row,) = [r.result for command, r in records.items() if name in files_of(parsed(command))]
        assert row["board"] in path.stem


def test_the_stored_plan_of_cnv_is_the_one_that_was_routed() -> None:
    if not REAL.exists():
        pytest.skip("the published parameters of CNV are not at hand")
    network = build_cnv(REAL)
    plan = load_plan(DOCS / "measurements" / "plans" / "cnv-ulx3s-85f.json", network)
    row = load_record(DOCS / "measurements" / "network-cnv-ulx3s-85f.json").result
    found = planned(network, board("ulx3s-85f"), plan)
    assert found.timing.interval_cycles == row["interval_cycles"]
    assert found.design.block_rams == row["block_rams"]


def parsed(line: str) -> Context:
    """The command line as click takes it, without running it; fails where click refuses it."""
    program, name, *rest = shlex.split(line)
    assert program == "subbit"
    command = app.get_command(Context(app), name)
    assert command is not None, line
    if isinstance(command, Group):
        name, *rest = rest
        command = command.get_command(Context(command), name)
        assert command is not None, line
    return command.make_context(name, list(rest))


def files_of(given: Context) -> list[str]:
    """The files that a command reads."""
    found = [given.params.get(key) for key in ("model", "source", "plan", "description")]
    models = given.params.get("models") or ()
    return [str(path) for path in (*found, *models) if path is not None]


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_no_measurement_is_edited_by_hand(page: Path) -> None:
    lines = PLACE.sub("", page.read_text()).splitlines()
    heads = [line for line, after in pairwise(lines) if after[:4] == "|---"]
    for head in heads:
        cells = {cell.strip() for cell in head.strip("|").split("|")}
        assert head.startswith(PARTS) or not cells & TITLES, head
