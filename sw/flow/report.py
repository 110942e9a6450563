"""The report of a network, of a plan or of a build: from files to a page."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from subbit import boards
from subbit.boards import Board
from subbit.sw.errors import FitError, SubbitError, quote
from subbit.sw.flow.bitstream import BUILD_PAGE, default_folder
from subbit.sw.flow.summary import Summary
from subbit.sw.ir import Network, load_network
from subbit.sw.loading import loading, strict_json
from subbit.sw.planner.choose import choose
from subbit.sw.report.page import report_page
from subbit.sw.report.scored import MOST_IMAGES, score_network
from subbit.sw.report.subject import Built, Subject
from subbit.sw.report.write import write_page

__all__ = ["build_subject", "network_subject", "read_subject", "write_report"]

PLAN_PAGE = "plan.html"
DAMAGED = "not what a build has left ({reason}); build it again with `subbit bitstream`"


def write_report(
    subject: Network | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    board: Board | None = None,
    plan: str | os.PathLike[str] | None = None,
    data: Any = None,
    kind: str | None = None,
    limit: int = MOST_IMAGES,
    score: bool = True,
) -> Path:
    """Write the report of ``subject`` as one HTML page; returns where it is.

    ``subject``: a network or its file, the folder of a build, or a plan, whose network lies in the
    same folder. ``out``: by default ``report.html`` in the folder of a build, the plan's name with
    ``.html``, or ``build/NETWORK-BOARD/plan.html``. ``board`` (by default the one that commands
    take) and ``plan``: of a network alone. ``data`` and ``kind``: of the test images, as in
    evaluate_dataset, of which ``limit`` are looked at, or none without ``score``.

    Raises SubbitError where the subject cannot be read, or the page not be written.
    """
    options = {"data": data, "kind": kind, "limit": limit, "score": score}
    made, place = read_subject(subject, board, plan, options)
    return write_page(out or place, report_page(made))


def read_subject(
    subject: Network | str | os.PathLike[str],
    board: Board | None,
    plan: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> tuple[Subject, Path]:
    """What a network, a plan or a build is, and where its page goes; see write_report."""
    chosen = board or boards.board(boards.DEFAULT_BOARD)
    if isinstance(subject, Network):
        made = network_subject(subject, chosen, plan, options)
        return made, plan_page(made)
    path = Path(subject)
    if path.is_dir():
        if board is not None or plan is not None:
            raise SubbitError(f"{path} is a build, which has its board and plan; name neither")
        return build_subject(path, options), path / BUILD_PAGE
    if path.suffix == ".json" and plan is None:
        made = network_subject(network_of_plan(path), board or board_of_plan(path), path, options)
        return made, path.with_suffix(".html")
    made = network_subject(load_network(path), chosen, plan, options)
    return made, plan_page(made)


def plan_page(subject: Subject) -> Path:
    """Where the page of a plan goes that has no file."""
    return default_folder(subject.network, subject.board) / PLAN_PAGE


def network_subject(
    network: Network,
    board: Board,
    plan: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> Subject:
    """A network with its plan, or with the default one; without where nothing fits the board."""
    scored, why = scores(network, options)
    try:
        planned, unplanned = choose(network, board, None if plan is None else Path(plan)), ""
    except FitError as error:
        if plan is not None:
            raise
        planned, unplanned = None, str(error)
    return Subject(network, board, planned, unplanned, scored=scored, unscored=why)


def build_subject(folder: Path, options: Mapping[str, Any]) -> Subject:
    """What a build has left in its folder."""
    place = folder / "summary.json"
    with loading(place, SubbitError, DAMAGED, "the summary of a build"):
        summary = Summary.from_json(place.read_text())
    board = boards.board(summary.board)
    network = load_network(folder / f"{summary.network}.safetensors")
    if network.digest != summary.digest:
        raise SubbitError(f"{folder}: its network is not the one of its bitstream; build it again")
    planned = choose(network, board, folder / "plan.json")
    built = Built(
        asdict(summary), json_of(folder / "timing.json"), json_of(folder / "placement.json")
    )
    scored, why = scores(network, options)
    return Subject(network, board, planned, built=built, scored=scored, unscored=why)


def scores(network: Network, options: Mapping[str, Any]) -> Any:
    """What score_network says, if it is asked."""
    if not options["score"]:
        return None, ""
    return score_network(network, options["data"], options["kind"], options["limit"])


def json_of(path: Path) -> Mapping[str, Any] | None:
    """The object in a file of a build; None where an older one has left none."""
    if not path.exists():
        return None
    with loading(path, SubbitError, DAMAGED, "a file of the build"):
        found = strict_json(path.read_text())
        if not isinstance(found, dict):
            raise ValueError("no JSON object")
        return found


def plan_row(path: Path) -> dict[str, Any]:
    """The JSON object in a plan's file."""
    with loading(path, SubbitError, "not a plan ({reason}); make one with `subbit plan`", "it"):
        row = strict_json(path.read_bytes())
        if not isinstance(row, dict):
            raise ValueError("no JSON object")
        return row


def network_of_plan(path: Path) -> Network:
    """The network in the plan's folder that the plan is for."""
    digest = plan_row(path).get("network")
    for place in sorted(path.parent.glob("*.safetensors")):
        network = load_network(place)
        if network.digest == digest:
            return network
    raise SubbitError(
        f"{path}: the network of the plan, {quote(digest)}, is not in its folder; name the network "
        "and the plan with --plan"
    )


def board_of_plan(path: Path) -> Board:
    """The default board, or the first one with the part that the plan is for."""
    device = plan_row(path).get("device")
    default = boards.board(boards.DEFAULT_BOARD)
    if device is None or default.device.name == device:
        return default
    found = [board for board in boards.BOARDS.values() if board.device.name == device]
    if not found:
        raise SubbitError(f"{path}: it is for a part {quote(device)}, which no board has")
    return found[0]
