"""Options and arguments that several commands share, and what they mean."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from subbit.boards import DEFAULT_BOARD, Board, board, board_names
from subbit.sw.errors import quote
from subbit.sw.ir import Network
from subbit.sw.lower.plan import Plan

if TYPE_CHECKING:
    from subbit.sw.planner.goal import Goal

__all__ = [
    "MOST_SEED",
    "as_json",
    "board_option",
    "chosen_plan",
    "goal_options",
    "model_argument",
    "note_link",
    "plan_option",
    "print_json",
    "report_option",
    "reserve_option",
    "route_options",
    "seed_option",
    "take_goal",
    "take_share",
]

MOST_SEED = (1 << 31) - 1  # that nextpnr takes
Command = TypeVar("Command", bound=Callable[..., Any])


def take_board(ctx: click.Context, parameter: click.Parameter, value: str) -> Board:
    """The board of that name."""
    return board(value)


def model_argument(command: Command) -> Command:
    """MODEL, the path of a network."""
    return click.argument("model", type=click.Path(path_type=Path))(command)


def board_option(command: Command) -> Command:
    """--board, as a Board."""
    return click.option(
        "--board",
        default=DEFAULT_BOARD,
        show_default=True,
        callback=take_board,
        help=f"The board: {', '.join(board_names())}.",
    )(command)


def plan_option(command: Command) -> Command:
    """--plan, the path of a plan."""
    return click.option(
        "--plan",
        type=click.Path(path_type=Path),
        help="A plan made by 'subbit plan' and edited; by default one is made for the board.",
    )(command)


def as_json(command: Command) -> Command:
    """--json."""
    return click.option("--json", "json_", is_flag=True, help="Print the result as JSON.")(command)


def report_option(command: Command) -> Command:
    """--report and --no-report."""
    return click.option(
        "--report/--no-report",
        default=True,
        show_default=True,
        help="Write everything about the result as an HTML page, too.",
    )(command)


def goal_options(command: Command) -> Command:
    """--fps, --max, --reserve and --clock; see take_goal."""
    options = (
        click.option("--fps", type=float, help="Frames a second that the plan has to reach."),
        click.option("--max", "most", is_flag=True, help="The highest rate that fits the board."),
        reserve_option("20%", ", with --fps or --max"),
        click.option(
            "--clock", type=float, metavar="MHZ", help="The clock instead of the expected one."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def reserve_option(usual: str, when: str = "") -> Callable[[Command], Command]:
    """--reserve, ``usual`` unless given."""
    return click.option(
        "--reserve",
        callback=take_share,
        default=usual,
        show_default=True,
        help=f"The share of the device to leave free{when}.",
    )


def seed_option(command: Command) -> Command:
    """--seed, for a command that has --seeds, an eager option, too."""
    return click.option(
        "--seed",
        type=click.IntRange(1, MOST_SEED),
        callback=without_seeds,
        help="Place and route with exactly this seed of nextpnr, instead of --seeds.",
    )(command)


def without_seeds(ctx: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    """The seed; raises UsageError where --seeds is given too."""
    given = ctx.get_parameter_source("seeds") is ParameterSource.COMMANDLINE
    if value is not None and given:
        raise click.UsageError("take --seed or --seeds, not both", ctx)
    return value


def route_options(command: Command) -> Command:
    """--seeds, --seed, --mhz, --placer and --route-mhz of a command that builds a bitstream."""
    seeds = click.option(
        "--seeds",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        is_eager=True,
        help="Place and route with the seeds 1 to N, in parallel; the fastest result is kept.",
    )
    mhz = click.option(
        "--mhz",
        type=click.FloatRange(1),
        help="The clock that place-and-route is driven to; by default 160 on an ECP5, 60 on an "
        "iCE40. The PLL is set to what is reached, whatever that is.",
    )
    placer = click.option(
        "--placer",
        type=click.Choice(["heap", "static"]),
        help="nextpnr's placer, instead of the one for the design's size.",
    )
    second = click.option(
        "--route-mhz",
        type=click.FloatRange(1),
        help="Route in a second run of nextpnr, with the seed anew, and drive all clocks to this.",
    )
    return seeds(seed_option(mhz(placer(second(command)))))


def take_share(ctx: click.Context, parameter: click.Parameter, value: str) -> float:
    """A share as ``20%`` or ``0.2``."""
    text = value.strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise click.BadParameter(f"{quote(value)} is no share from 0% to 99%", ctx, parameter)
    return share


def take_goal(options: Mapping[str, Any]) -> "Goal | None":
    """What the options of goal_options ask for; None for the default."""
    from subbit.sw.planner.goal import Goal

    fps, clock = options["fps"], options["clock"]
    if fps is not None and options["most"]:
        raise click.UsageError("take --fps or --max, not both")
    for name, value in (("--fps", fps), ("--clock", clock)):
        if value is not None and not 0 < value < math.inf:
            raise click.UsageError(f"{name} must be more than 0, not {value:g}")
    clock_hz = 1e6 * clock if clock is not None else None
    if fps is None and not options["most"] and clock_hz is None:
        return None
    return Goal(fps=fps, reserve=options["reserve"], clock_hz=clock_hz, wires=True)


def chosen_plan(
    network: Network, board: Board, path: Path | None, goal: "Goal | None" = None
) -> Plan:
    """The plan of the file, or for the goal, or the default one for the board."""
    from subbit.sw.planner.choose import choose

    return choose(network, board, path, goal).plan


def note_link(network: Network) -> None:
    """Say on stderr where a network cannot go onto a board as it is."""
    from subbit.hw.link.logits import link_fault

    if fault := link_fault(network):
        click.echo(f"note: no bitstream can be built of this network: {fault}", err=True)


def print_json(value: Any) -> None:
    """Print a JSON value on stdout."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))
