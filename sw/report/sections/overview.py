"""What matters most, in a few numbers."""

from typing import Any

from subbit.sw.report.subject import Subject

__all__ = ["section"]


def section(subject: Subject) -> dict[str, Any]:
    """``facts``: name and value of each; ``sentences``: what they mean."""
    network, planned = subject.network, subject.planned
    facts = [
        ("input", str(network.input_type)),
        ("output", str(network.output_type)),
        ("weights", f"{network.weight_count:,}"),
        ("bits stored for them", f"{network.weight_bits:,}{each(subject)}"),
    ]
    if planned:
        timing = planned.timing
        facts += [
            ("frames a second", f"{subject.fps:,.0f}"),
            ("clock", f"{(subject.clock_hz or 0) / 1e6:.2f} MHz"),
            ("a frame every", f"{timing.interval_cycles:,} cycles"),
            ("latency of a frame", f"{timing.latency_cycles:,} cycles"),
        ]
    if accuracy := accuracy_text(subject):
        facts.append(("accuracy", accuracy))
    return {"facts": facts, "sentences": sentences(subject)}


def each(subject: Subject) -> str:
    """The bits of a weight."""
    count = subject.network.weight_count
    return f" ({subject.network.weight_bits / count:.2f} each)" if count else ""


def accuracy_text(subject: Subject) -> str:
    """What was measured for this report, or else what the network's file says."""
    if subject.scored:
        found = subject.scored.evaluation
        return f"{found.accuracy:.2%} of {found.images:,} test images"
    row = subject.network.metadata.get("accuracy")
    if isinstance(row, dict) and row.get("images"):
        what = "pixels" if row.get("of") == "pixels" else "images"
        return f"{row.get('correct')} of {row['images']} {what}, says its file"
    return ""


def sentences(subject: Subject) -> list[str]:
    """Where the numbers come from, and what a simulation found."""
    found = []
    if subject.planned is None:
        found.append(f"There is no plan for {subject.board.title}: {subject.unplanned}")
    elif subject.built is None:
        found.append("Cells and clock are the planner's estimates; cycles are exact.")
    else:
        found.append("Cells and clock are those of the routed design; cycles are exact.")
    if subject.simulated:
        found.append(simulation_text(subject))
    return found


def simulation_text(subject: Subject) -> str:
    """What a simulation found, in words."""
    row = subject.simulated
    text = f"{row['frames']:,} frames ({row['images']}) went through the circuit in simulation"
    if row["mismatches"]:
        first = (row["first_difference"] or {}).get("text", "")
        return f"{text}: {row['mismatches']:,} mismatches, the first one {first}."
    exact = ", and each beat moved in the cycle that the model says"
    exact = exact if row["backpressure"] == "none" else ", with random pauses at both ends"
    by = "the golden model and the units' references" if row["golden"] else "the units' references"
    return f"{text}: what went over {row['streams']} streams is as {by} say{exact}."
