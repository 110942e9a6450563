"""Drawings as SVG: elements whose texts and attributes are escaped, and shapes made of many."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

__all__ = ["Run", "drawing", "element", "joined_runs", "number", "runs_path", "text"]

Run = tuple[float, float, float]


def number(value: float) -> str:
    """A coordinate with at most two digits behind the point, the same on every machine."""
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def element(name: str, *content: object, **attributes: object) -> Markup:
    """An element. Attributes that are None are left out; ``class_`` is ``class``, and other ``_``
    are ``-``. What is no Markup is escaped.
    """
    parts = [Markup("<" + name)]
    for key, value in attributes.items():
        if value is not None:
            shown = number(value) if isinstance(value, int | float) else value
            parts.append(Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), shown))
    inside = Markup("").join(escape(part) for part in content)
    return Markup("").join(parts) + Markup(">") + inside + Markup(f"</{name}>")


def text(x: float, y: float, content: object, **attributes: object) -> Markup:
    """A line of text at a place."""
    return element("text", content, x=x, y=y, **attributes)


def drawing(
    width: float,
    height: float,
    title: str,
    description: str,
    *content: Markup,
    links: bool = False,
    wide: bool = False,
) -> Markup:
    """A whole drawing, which screen readers know by ``title`` and ``description``.

    ``links``: whether parts of it can be followed, and are read one by one. ``wide``: keep its
    size on a narrow screen, where it is then moved sideways.
    """
    svg = element(
        "svg",
        element("title", title),
        element("desc", description),
        *content,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="group" if links else "img",
        aria_label=f"{title}. {description}",
        style=f"{f'min-width:{number(width)}px;' * wide}max-width:{number(width)}px",
    )
    if not wide:
        return element("div", svg, class_="drawing")
    name = f"{title}, can be scrolled"
    return element("div", svg, class_="drawing scroll", tabindex=0, role="region", aria_label=name)


def runs_path(runs: Iterable[Run], height: float = 1.0) -> str:
    """Path data of bars of one ``height``: each from x at y, so wide."""
    tall = number(height)
    return "".join(
        f"M{number(x)} {number(y)}h{number(wide)}v{tall}h{number(-wide)}z" for x, y, wide in runs
    )


def joined_runs(places: Sequence[tuple[int, int]]) -> list[Run]:
    """Squares at whole ``(x, y)`` as bars, joined along x."""
    runs: list[list[int]] = []
    for y, x in sorted((y, x) for x, y in set(places)):
        if runs and runs[-1][1] == y and runs[-1][0] + runs[-1][2] == x:
            runs[-1][2] += 1
        else:
            runs.append([x, y, 1])
    return [(x, y, wide) for x, y, wide in runs]
