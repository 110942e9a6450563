"""The network drawn as a graph: layers from top to bottom, as Sugiyama's method places them."""

from typing import Any

import igraph
from markupsafe import Markup

from subbit.sw.ir.describe import encoding
from subbit.sw.ir.network import INPUT, Node
from subbit.sw.report.subject import Subject
from subbit.sw.report.svg import drawing, element, number, text

__all__ = ["MOST_NODES", "section"]

MOST_NODES = 300  # a drawing of more cannot be read
WIDTH, HEIGHT, GAP_X, GAP_Y = 190, 52, 24, 26
Point = tuple[float, float]


def section(subject: Subject) -> dict[str, Any]:
    """``drawing``, or ``reason`` why there is none."""
    network = subject.network
    if len(network.nodes) > MOST_NODES:
        reason = f"{len(network.nodes):,} layers are too many to draw; the table below has them."
        return {"drawing": None, "reason": reason}
    names = [INPUT, *(node.name for node in network.nodes)]
    numbers = {name: place for place, name in enumerate(names)}
    edges = sorted({(numbers[i], numbers[n.name]) for n in network.nodes for i in n.inputs})
    places, routes = layout(len(names), edges)
    shapes = [
        path(places[a], places[b], route) for (a, b), route in zip(edges, routes, strict=True)
    ]
    boxes = [box(places[0], INPUT, "input", str(network.input_type), None, None)]
    boxes += [layer_box(subject, node, places[numbers[node.name]]) for node in network.nodes]
    wide = max(x for x, _ in places) + WIDTH + 4
    tall = max(y for _, y in places) + HEIGHT + 4
    about = f"{len(network.nodes)} layers from the input at the top to the output at the bottom"
    title = f"Graph of {network.name}"
    made = drawing(wide, tall, title, about, *shapes, *boxes, links=True, wide=wide > 700)
    return {"drawing": made, "reason": ""}


def layout(count: int, edges: list[tuple[int, int]]) -> tuple[list[Point], list[list[Point]]]:
    """The upper left corner of each box, and the points that each edge goes through."""
    graph = igraph.Graph(count, edges, directed=True)
    found = graph.layout_sugiyama(hgap=WIDTH + GAP_X, vgap=HEIGHT + GAP_Y)
    bends = [[(p[0], p[1]) for p in route] for route in found.edge_routing]
    left = min(x for x, _ in [*found.coords, *(p for route in bends for p in route)])
    places = [(x - left + 2, y + 2) for x, y in found.coords]
    middle = WIDTH / 2 + 2 - left
    return places, [[(x + middle, y + HEIGHT / 2 + 2) for x, y in route] for route in bends]


def path(start: Point, end: Point, route: list[Point]) -> Markup:
    """A line from the middle of a box's foot to the middle of another one's head."""
    points = [
        (start[0] + WIDTH / 2, start[1] + HEIGHT),
        *sorted(route, key=lambda point: point[1]),
        (end[0] + WIDTH / 2, end[1]),
    ]
    line = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return element("polyline", points=line, class_="edge")


def layer_box(subject: Subject, node: Node, place: Point) -> Markup:
    """A layer with its kind, and what it makes."""
    how = encoding(node.layer)
    kind = f"{node.layer.kind}, {how}" if how else node.layer.kind
    made = str(subject.network.types[node.name])
    return box(place, node.name, kind, made, subject.colours[node.name], f"#layer-{node.name}")


def box(
    place: Point, name: str, kind: str, made: str, colour: int | None, target: str | None
) -> Markup:
    """A rectangle with three lines of text, which leads to ``target``."""
    x, y = place
    look = "plain" if colour is None else f"c{colour}"
    rectangle = element("rect", x=x, y=y, width=WIDTH, height=HEIGHT, rx=6, class_=f"box {look}")
    lines = [
        text(x + 10, y + 17, name[:28], class_="name"),
        text(x + 10, y + 32, kind[:34], class_="small"),
        text(x + 10, y + 45, made[:36], class_="small"),
    ]
    said = element("title", f"{name}: {kind}, gives {made}")
    if target is None:
        return element("g", said, rectangle, *lines)
    label = f"{name}: {kind}, gives {made}"
    return element("a", said, rectangle, *lines, href=target, aria_label=label)
