"""From what a report is about to its page."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from subbit.sw.report.subject import Subject

__all__ = ["SECTIONS", "Part", "page", "render", "report_page"]

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = {
    "overview": "Overview",
    "graph": "Network",
    "layers": "Layers",
    "device": "Device",
    "floorplan": "Floorplan",
    "timing": "Timing",
    "roofline": "Roofline",
    "timeline": "Timeline",
    "weights": "Weights",
    "accuracy": "Accuracy",
    "tools": "Tools and digests",
}


@dataclass(frozen=True)
class Part:
    """A section of a page: its name in addresses, its title, and what stands in it."""

    name: str
    title: str
    body: Markup


@cache
def templates() -> Environment:
    """All templates; what they are given is escaped, and what they are not given is an error."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    found.filters["comma"] = lambda value: f"{value:,}"
    found.filters["percent"] = lambda share: f"{100 * share:.1f}%"
    return found


def render(name: str, values: dict[str, Any]) -> Markup:
    """The template of that name with ``values``, of which all that is no Markup is escaped."""
    return Markup(templates().get_template(f"{name}.html").render(values))


def page(title: str, parts: list[Part]) -> str:
    """A whole page."""
    style = Markup((TEMPLATES / "style.css").read_text())
    values = {"title": title, "style": style, "parts": parts}
    return str(render("page", values))


def report_page(subject: Subject) -> str:
    """The report as HTML: everything is in it, and it asks for nothing from elsewhere. The same
    subject gives the same page.
    """
    parts = []
    for name, title in SECTIONS.items():
        values = import_module(f"subbit.sw.report.sections.{name}").section(subject)
        if values is not None:
            parts.append(Part(name, title, render(name, values)))
    network, board = subject.network, subject.board
    return page(f"{network.name} on {board.title}", parts)
