"""subbit plan: engine, folding and FIFOs of every layer, for a rate or for a board."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from subbit.boards import Board
from subbit.sw.cli.console import plain_console
from subbit.sw.cli.options import (
    as_json,
    board_option,
    goal_options,
    model_argument,
    note_link,
    plan_option,
    print_json,
    report_option,
    take_goal,
)
from subbit.sw.ir import load_network

if TYPE_CHECKING:
    from subbit.sw.lower.stages.stage import Stage
    from subbit.sw.planner.goal import Planned

__all__ = ["plan_command"]

KNOWN = ("layers", "cycles", "lut4", "flip_flops", "block_rams", "multipliers")
ALWAYS = ("pe", "simd", "lanes")


@click.command("plan", short_help="Plan a network for a rate or a board; check an edited plan.")
@model_argument
@board_option
@plan_option
@goal_options
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the plan, to edit it.")
@report_option
@as_json
def plan_command(
    model: Path,
    board: Board,
    plan: Path | None,
    out: Path | None,
    report: bool,
    json_: bool,
    **goal: Any,
) -> int:
    """Choose engine, folding, memories and FIFOs for every layer of MODEL on a board.

    With --fps the least area that reaches that rate, with --max the highest rate that fits; without
    either the plan that 'subbit bitstream' takes, which builds within minutes. With --plan an
    edited plan is checked, and its rate and cost shown. With --out the page OUT.html stands beside
    the plan. Exits with 1 if the plan does not fit the board.

    \b
    Example: subbit plan examples/digits-plain.safetensors --fps 20000 --out plan.json
             subbit plan examples/digits-plain.safetensors --plan plan.json
             subbit bitstream examples/digits-plain.safetensors --plan plan.json
    """
    from subbit.sw.lower.plan import save_plan
    from subbit.sw.planner.choose import choose
    from subbit.sw.planner.report import plan_report

    network = load_network(model)
    wanted = take_goal(goal)
    result = choose(network, board, plan, wanted)
    note_link(network)
    if out is not None:
        save_plan(result.plan, out)
        if report:
            write_plan_report(result, out)
    rows = plan_report(result, None if plan else wanted)
    if json_:
        print_json(rows)
    else:
        show(result, rows, edited=plan is not None)
        if out is not None:
            click.echo(f"written to {out}", err=True)
    return 1 if rows["lacking"] else 0


def write_plan_report(result: "Planned", out: Path) -> None:
    """Write the page of a plan beside it."""
    from subbit.sw.report.page import report_page
    from subbit.sw.report.subject import Subject
    from subbit.sw.report.write import write_page

    if out.suffix == ".json":
        why = "Ask `subbit report` for test images."
        page = report_page(Subject(result.network, result.board, result, unscored=why))
        write_page(out.with_suffix(".html"), page)


def show(result: "Planned", rows: dict[str, Any], edited: bool) -> None:
    """Print the plan as a table, and what it says of rate and size."""
    table = Table(title=f"plan of {rows['network']} for {rows['board']} (cells are estimates)")
    table.add_column("stage")
    table.add_column("settings", overflow="fold")
    for name in ("cycles", "LUT4", "FFs", "block RAMs", "mults"):
        table.add_column(name, justify="right", no_wrap=True)
    for stage, row in zip(result.plan.stages, rows["stages"], strict=True):
        bounds = row["layers"] == rows["bound_by"]
        table.add_row(
            ", ".join(row["layers"]),
            settings(stage, result.board.family.popcount_form),
            f"{row['cycles']:,}",
            *(f"{row[name]:,}" for name in KNOWN[2:]),
            style="bold" if bounds else None,
        )
    table.add_section()
    host = rows["host"]
    table.add_row("link and clocks", "", "", *(f"{host[name]:,}" for name in KNOWN[2:]))
    table.add_row("all", "", "", *(f"{rows[name]:,}" for name in KNOWN[2:]))
    table.add_row("of", "", "", *(f"{rows['available'][name]:,}" for name in KNOWN[2:]))
    console = plain_console()
    console.print(table)
    for line in sentences(rows, edited):
        console.print(line, highlight=False, markup=False)


def settings(stage: "Stage", form: str) -> str:
    """The settings that are not as usual, in one line; ``form``: the usual one of counters."""
    usual = {field.name: field.default for field in fields(stage) if field.name != "layers"}
    usual["popcount"] = form
    always = () if stage.is_wires else ALWAYS  # weights that are wires have neither
    row = stage.to_json()
    del row["layers"]
    shown = {k: value for k, value in row.items() if k in always or usual.get(k) != value}
    return " ".join(f"{key}={value}" for key, value in shown.items())


def sentences(rows: dict[str, Any], edited: bool = False) -> list[str]:
    """Rate, bound, and what would be next; the planner has chosen the depths unless ``edited``."""
    lines = [
        f"{rows['fps']:,.0f} frames/s: one every {rows['interval_cycles']:,} cycles at about "
        f"{rows['clock_mhz']:.0f} MHz, each after {rows['latency_cycles']:,} cycles",
        f"{', '.join(rows['bound_by'])} bounds the rate" + after(rows["next"]),
    ]
    if rows.get("ended"):
        lines.append(end(rows["ended"]))
    if rows["waiting_cycles"]:
        lines.append(
            f"{rows['waiting_cycles']:,} cycles a frame are lost where stages wait for each other"
            + "; greater depths of 'fifo' may save some" * edited
        )
    if rows["queues"]:
        lines.append("queues: " + ", ".join(f"{k} {v}" for k, v in rows["queues"].items()))
    lines += rows["notes"]
    if rows["lacking"]:
        missing = ", ".join(
            f"{more:,} {COST_COLUMNS[kind]}" for kind, more in rows["lacking"].items()
        )
        parts = [f"it does not fit {rows['board']}: {missing} too many", *rows["would_do"]]
        lines.append("; ".join(parts))
    return lines


COST_COLUMNS = {
    "lut4": "LUT4",
    "flip_flops": "flip-flops",
    "block_rams": "block RAMs",
    "multipliers": "multipliers",
}


def end(row: dict[str, Any]) -> str:
    """Why nothing faster was planned."""
    if row["by"] == "cycle":
        return "a frame comes in every cycle: nothing can be faster"
    if row["by"] == "stage":
        return "no variant of the stage that bounds the rate is faster, and the device has room"
    text = f"the device is full with {row['reserve']:.0%} in reserve: "
    if not row["lacking"]:
        return text + "what would be faster fits without its FIFOs, and not with them"
    parts = [
        f"{more:,} {COST_COLUMNS[kind]} more than the {row['allowed'][kind]:,}"
        for kind, more in row["lacking"].items()
    ]
    return text + f"the next step needs {' and '.join(parts)} that may be used"


def after(step: dict[str, Any] | None) -> str:
    """What would be next."""
    if step is None:
        return "; nothing is faster"
    more = f"{step['lut4']:+,} LUT4, {step['block_rams']:+,} block RAMs"
    if step["multipliers"]:
        more += f", {step['multipliers']:+,} multipliers"
    text = f"; next would be {step['cycles']:,} cycles with {more}"
    if step["lacking"]:
        missing = ", ".join(f"{n:,} {COST_COLUMNS[kind]}" for kind, n in step["lacking"].items())
        text += f", {missing} more than there are"
    return text
