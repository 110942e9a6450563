"""What the tests of pages share: subjects, and a strict reader of HTML."""

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser

from subbit.boards import board
from subbit.sw.lower.plan import smallest_plan
from subbit.sw.planner.goal import planned
from subbit.sw.report.subject import Built, Subject
from tests.networks import small_network

__all__ = ["Page", "built_subject", "read", "subject_of"]

VOID = {"meta", "img", "br", "hr", "input", "link"}


@dataclass
class Page(HTMLParser):
    """A page that was read: raises AssertionError where an element is not closed in its place."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def __hash__(self) -> int:
        return id(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag} has an attribute twice: {names}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        last = self.open.pop()
        assert last == tag, f"<{last}> is closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, attribute: str) -> list[str]:
        """The values of an attribute in the whole page."""
        return [value or "" for _, row in self.tags if (value := row.get(attribute)) is not None]

    @property
    def text(self) -> str:
        """All text."""
        return " ".join(" ".join(self.texts).split())


def read(text: str) -> Page:
    """The page, every element of which is closed."""
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open, f"not closed: {page.open}"
    return page


@cache
def subject_of(name: str, board_name: str = "ulx3s-85f") -> Subject:
    """One of tests.networks under the smallest plan."""
    network, target = small_network(name), board(board_name)
    plan = smallest_plan(network)
    return Subject(network, target, planned(network, target, plan), unscored="none were asked for")


@cache
def built_subject() -> Subject:
    """A build whose files are made up: two tiles of the first stage, one of the link."""
    found = subject_of("tiled")
    assert found.pipeline is not None
    unit = found.pipeline.steps[0].name
    step = {"cell": f"core.accelerator.{unit}.a_TRELLIS_FF_Q", "loc": [3, 4], "port": "Q"}
    end = {"cell": "core.link.sender.b_LUT4_Z", "loc": [7, 9], "port": "D"}
    path = [
        {"delay": 0.5, "from": step, "to": step, "type": "clk-to-q"},
        {"delay": 2.25, "from": step, "to": end, "net": "core.a", "type": "routing"},
        {"delay": 0.25, "from": end, "to": end, "type": "logic"},
    ]
    slow = {"from": "posedge slow", "to": "posedge slow", "path": [{**path[1], "delay": 9.0}]}
    timing = {
        "fmax": {
            "fast": {"achieved": 333.3, "constraint": 160.0},
            "slow": {"achieved": 90.0, "constraint": 25.0},
        },
        "critical_paths": [slow, {"from": "posedge fast", "to": "posedge fast", "path": path}],
    }
    placement = {
        "subbit_placement": 1,
        "columns": 10,
        "rows": 12,
        "kinds": ["lut4", "flip_flops", "block_rams"],
        "parts": {
            f"core.accelerator.{unit}": [[3, 4, 8, 1, 0], [4, 4, 2, 0, 0]],
            "core.link.sender": [[4, 4, 3, 0, 0], [7, 9, 1, 1, 1]],
        },
    }
    summary = {
        "lut4": 14,
        "flip_flops": 2,
        "block_rams": 1,
        "clock_mhz": 150.0,
        "fps": 1234.0,
        "bitstream_sha256": "ab" * 32,
        "seed": 3,
        "tools": {"yosys": "0.1"},
    }
    built = Built(summary, timing, placement)
    return Subject(found.network, found.board, found.planned, built=built)
