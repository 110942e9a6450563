"""What an import did: layers, what was folded into them, bits, and agreement with the source."""

from collections.abc import Iterable
from typing import Any

from subbit.sw.importers.agree import ImportAgreement
from subbit.sw.ir import INPUT, Network

__all__ = ["deviations", "import_report", "verdict"]


def import_report(
    network: Network,
    folded: dict[str, list[str]],
    notes: dict[str, Any],
    agreement: ImportAgreement | None,
) -> dict[str, Any]:
    """The report as JSON values: ``layers`` with kind, output, weights, bits, nodes of the source
    and agreement of each, and the whole network's.
    """
    layers = []
    for node in network.nodes:
        rows = [row for row in agreement.layers if row.layer == node.name] if agreement else []
        layers.append(
            {
                "name": node.name,
                "kind": node.layer.kind,
                "output": str(network.types[node.name]),
                "weights": node.layer.weight_count,
                "weight_bits": node.layer.weight_bits,
                "source": folded.get(node.name, []),
                "compared": sum(row.elements for row in rows),
                "apart": sum(row.apart for row in rows),
                "rounded": sum(row.rounded for row in rows),
                "deviation": greatest(row.deviation for row in rows),
                "last_places": greatest(row.last_places for row in rows),
            }
        )
    return {
        "network": network.name,
        "digest": network.digest,
        "input": str(network.input_type),
        "preprocess": network.dataset.get("preprocess"),
        "folded_into_input": folded.get(INPUT, []),
        "weights": network.weight_count,
        "weight_bits": network.weight_bits,
        "layers": layers,
        "notes": notes,
        "agreement": agreement.summary() if agreement else None,
    }


def deviations(report: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Of a report, by layer behind fixed point: how far it is from the source at most,
    ``deviation`` in the source's units and ``last_places`` in steps of its own.
    """
    keys = ("deviation", "last_places")
    rows = [row for row in report["layers"] if row["deviation"] is not None]
    return {row["name"]: {key: row[key] for key in keys} for row in rows}


def greatest(numbers: Iterable[float | None]) -> float | None:
    """The greatest of the numbers that are known, or None."""
    return max((number for number in numbers if number is not None), default=None)


def verdict(summary: dict[str, Any] | None) -> str:
    """One line on the agreement with the source."""
    if summary is None:
        return "not compared with the source"
    images, apart = summary["images"], summary["classes_apart"]
    numbers = f"{summary['elements_apart']} of {summary['elements']} numbers differ"
    text = f"{images - apart} of {images} images have the source's class; {numbers}"
    if summary["fixed"]:
        text += " of those that are exact"
    if summary["output"] == "numbers":
        text = f"on {images} images {numbers}"
    for key, what in (("classes_tied", "classes"), ("elements_rounded", "numbers")):
        if summary[key]:
            text += f"; {summary[key]} {what} apart within the source's rounding"
    if summary["correct"] is not None:
        text += (
            f"; {summary['correct']} classes are right, {summary['source_correct']} the source's"
        )
    first = summary["first_difference"]
    if first:
        text += (
            f"; the first in {first['layer']} ({first['node']}), image {first['image']} at "
            f"{first['place']}: {first['source']:g} in the source, {first['network']:g} here"
        )
    return text
