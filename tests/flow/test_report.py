"""`subbit report` and subbit.write_report: from files to a page, or to one clear error."""

import json
from pathlib import Path

import pytest

from subbit.boards import board
from subbit.sw.errors import PlanError, SubbitError
from subbit.sw.flow.report import write_report
from subbit.sw.ir import Network, save_network
from subbit.sw.lower.plan import save_plan, smallest_plan
from tests.networks import small_network

BOARD = board("ulx3s-12f")


@pytest.fixture
def network() -> Network:
    return small_network("plain")


def test_a_network_goes_into_the_folder_of_its_board(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_report(network, board=BOARD)
    assert path == Path("build") / f"{network.name}-ulx3s-12f" / "plan.html"
    page = path.read_text()
    assert "LFE5U-12F" in page
    assert "names no data set" in page
    save_network(network, "a.safetensors")
    other = write_report("a.safetensors", "mine.html", board=BOARD)
    assert other.read_text() == page


def test_a_plan_finds_its_network_and_its_board(network: Network, tmp_path: Path) -> None:
    save_network(small_network("tiled"), tmp_path / "a.safetensors")
    save_network(network, tmp_path / "b.safetensors")
    plan = tmp_path / "plan.json"
    save_plan(smallest_plan(network), plan)
    row = json.loads(plan.read_text()) | {"device": "iCE40UP5K"}
    plan.write_text(json.dumps(row))
    path = write_report(plan)
    assert path == tmp_path / "plan.html"
    assert "iCEBreaker" in path.read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "not a plan"),
        ("{", "not a plan"),
        ('{"network": "aa"}', "the network of the plan, 'aa', is not in its folder"),
        ('{"network": 1, "device": 2}', "the network of the plan, 1, is not in its folder"),
    ],
)
def test_a_plan_that_is_none(content: str, message: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(content)
    with pytest.raises(SubbitError, match=message):
        write_report(plan, board=BOARD)


def test_a_part_that_no_board_has(network: Network, tmp_path: Path) -> None:
    save_network(network, tmp_path / "a.safetensors")
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"network": network.digest, "device": "XC7"}))
    with pytest.raises(SubbitError, match="for a part 'XC7', which no board has"):
        write_report(plan)


def test_a_plan_of_another_network_is_refused(network: Network, tmp_path: Path) -> None:
    save_plan(smallest_plan(small_network("tiled")), tmp_path / "plan.json")
    with pytest.raises(PlanError, match="for another network"):
        write_report(network, plan=tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"summary\.json: cannot read the summary of a build"),
        ({"summary.json": "{"}, "not what a build has left"),
        ({"summary.json": "{}"}, "not what a build has left"),
    ],
)
def test_a_folder_that_is_no_build(files: dict[str, str], message: str, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(SubbitError, match=message):
        write_report(tmp_path)
    with pytest.raises(SubbitError, match="which has its board and plan; name neither"):
        write_report(tmp_path, board=BOARD)


def test_a_subject_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SubbitError, match="nothing"):
        write_report(tmp_path / "nothing.json")
    with pytest.raises(SubbitError, match="nothing"):
        write_report(tmp_path / "nothing.safetensors")
