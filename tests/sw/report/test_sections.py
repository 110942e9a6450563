"""What the parts of a report say, against what is known to be right."""

import numpy as np
import pytest

from subbit.hw.link.hdlc import CRC_BYTES
from subbit.hw.link.protocol import HEADER_BYTES
from subbit.sw.cycles.steps import Steps
from subbit.sw.evaluate import Evaluation
from subbit.sw.ir.weights import CodebookWeights
from subbit.sw.report.scored import Scored
from subbit.sw.report.sections import (
    accuracy,
    device,
    floorplan,
    graph,
    layers,
    roofline,
    timeline,
    timing,
    weights,
)
from subbit.sw.report.subject import Subject
from tests.networks import GRAPHS, residual_network
from tests.sw.report.pages import built_subject, read, subject_of


def test_the_graph_has_a_box_for_each_layer_and_an_edge_for_each_input() -> None:
    network = residual_network()
    made = graph.section(Subject(network, subject_of("plain").board))
    found = read(str(made["drawing"]))
    targets = found.values("href")
    assert targets == [f"#layer-{node.name}" for node in network.nodes]
    edges = [row for tag, row in found.tags if tag == "polyline"]
    assert len(edges) == sum(len(set(node.inputs)) for node in network.nodes)
    for row in edges:
        points = [tuple(map(float, point.split(","))) for point in (row["points"] or "").split()]
        heights = [y for _, y in points]
        assert heights == sorted(heights)  # downwards, bends included


def test_boxes_do_not_lie_on_each_other() -> None:
    count, edges = 7, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (0, 4), (4, 5), (5, 6)]
    places, routes = graph.layout(count, edges)
    assert len(routes) == len(edges)
    for a, (x, y) in enumerate(places):
        assert x >= 0 <= y
        for other, (p, q) in enumerate(places):
            apart = abs(x - p) >= graph.WIDTH or abs(y - q) >= graph.HEIGHT
            assert a == other or apart


def test_the_stage_that_bounds_is_marked() -> None:
    subject = subject_of("codebook")
    made = layers.section(subject)
    assert subject.planned is not None
    bound = [row["names"] for row in made["rows"] if row["bounds"]]
    assert bound == [list(subject.planned.slowest.stage.layers)]
    assert sum(row["bits"] for row in made["rows"]) == subject.network.weight_bits
    assert sum(row["weights"] for row in made["layers"]) == subject.network.weight_count
    assert all(0 < row["share"] <= 1 for row in made["rows"])
    assert made["bound"].startswith(", ".join(bound[0]))


def test_a_build_shows_what_was_routed_beside_what_was_expected() -> None:
    subject = built_subject()
    made = device.section(subject)
    assert made is not None
    assert subject.planned is not None
    assert [row["used"] for row in made["rows"]] == [14, 2, 1, 0]
    assert [row["expected"] for row in made["rows"]] == list(subject.planned.design.counts.values())
    planned = device.section(subject_of("tiled"))
    assert planned is not None
    assert [row["used"] for row in planned["rows"]] == [row["expected"] for row in made["rows"]]


def test_a_tile_has_the_colour_of_most_cells() -> None:
    subject = built_subject()
    made = floorplan.section(subject)
    assert made is not None
    first, *_, rest = made["rows"]
    assert (first["name"], first["counts"], first["tiles"]) == (
        ", ".join(subject.stages[0]),
        [10, 1, 0],
        2,
    )
    assert (rest["counts"], rest["tiles"]) == ([4, 1, 1], 2)
    found = read(str(made["drawing"]))
    paths = {row["class"]: row["d"] or "" for tag, row in found.tags if tag == "path"}
    cell = floorplan.CELL
    # Tile (4, 4) has two cells of the stage and three of the link; (3, 4) and (7, 9) one owner.
    assert paths[first["look"]] == f"M{3 * cell} {4 * cell}h{cell}v{cell}h-{cell}z"
    assert paths["other"].count("z") == 2
    assert "3 of 120 tiles" in found.values("aria-label")[0]


def test_the_path_that_takes_most_of_its_period_is_told() -> None:
    made = timing.section(built_subject())
    assert made is not None
    text = " ".join(made["sentences"])
    assert "bounds fast takes 3.00 ns" in text  # not the longer one of the slower clock
    assert "1 cell of logic" in text
    assert "2.25 ns of it (75%) are wires" in text
    assert "ends in the host link's sender" in text
    assert "over 9 tiles" in text


@pytest.mark.parametrize(
    ("cell", "place"),
    [
        ("core.accelerator.conv2_dot.popcount0_0.cells.U$490", "conv2_dot"),
        ("core.accelerator.o__payload$95_TRELLIS_FF_Q", "the accelerator"),
        ("core.link.tx$65.count_TRELLIS_FF_Q", "the host link's tx"),
        ("core.link.ready_LUT4_Z", "the host link"),
        ("clocks.pll.ehxplll", "clocks"),
        ("$nextpnr_ICESTORM_LC_1", "the design"),
        ("", "the design"),
    ],
)
def test_places_of_cells(cell: str, place: str) -> None:
    assert timing.place_of(cell) == place


def test_binary_products_of_a_frame() -> None:
    """Pixels times weights times bits of input and planes, counted by hand."""
    network = subject_of("plain").network
    by_hand = 0
    for node in network.nodes:
        if node.layer.weight_count:
            out, source = network.types[node.name], network.types[node.inputs[0]]
            by_hand += out.height * out.width * node.layer.weight_count * source.bits
    assert roofline.branch_macs(network) == by_hand > 0
    planes = subject_of("planes").network
    assert roofline.branch_macs(planes) > roofline.branch_macs(network)


def test_the_roofline_says_what_the_line_allows() -> None:
    subject = subject_of("plain")
    made = roofline.section(subject)
    assert made is not None
    sent = roofline.frame_bytes(subject.network)
    assert sent == 8 * 8 * 4 // 8 + HEADER_BYTES + CRC_BYTES + 2  # two pixels to a byte
    line = subject.board.uart_baud / 10 / sent
    assert f"{min(line, subject.fps or 0):,.0f} arrive" in " ".join(made["sentences"])


def test_states_of_a_process() -> None:
    """Cycle by cycle: it waits for input in 2 and 3, for room in 5, and is idle outside."""
    steps = Steps(np.array([1, 4, 6]), np.array([1, 2, 0]), np.array([0, 0, 1]))
    states = timeline.states_of(steps, 9)
    names = {0: ".", 1: "W", 2: "i", 3: "r"}
    assert "".join(names[state] for state in states.tolist()) == ".WiiWrW.."


@pytest.mark.parametrize("name", ["plain", "codebook"])
def test_cycles_of_the_timeline_add_up(name: str) -> None:
    subject = subject_of(name)
    made = timeline.section(subject)
    assert made is not None
    assert subject.planned is not None
    for row, stage in zip(made["rows"], subject.planned.rows, strict=True):
        (first, end), (again, last) = row["frames"]
        assert 0 <= first <= end < again <= last
        assert sum(row["counts"].values()) == last + 1 - first
        assert row["counts"]["works"] == 2 * stage.cycles
    assert made["rows"][-1]["frames"][0][1] <= subject.planned.timing.latency_cycles
    assert made["confirmed"] is False


def test_a_frame_of_very_many_steps_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MOST_STEPS", 10)
    made = timeline.section(subject_of("plain"))
    assert made is not None
    assert made["drawing"] is None
    assert "more than are drawn (10)" in made["reason"]


def test_kernels_stand_with_their_numbers_of_uses() -> None:
    subject = subject_of("codebook")
    made = weights.section(subject)
    node = next(
        node
        for node in subject.network.nodes
        if isinstance(getattr(node.layer, "weights", None), CodebookWeights)
    )
    book = node.layer.weights
    row = next(row for row in made["layers"] if row["name"] == node.name)
    found = read(str(row["figures"][0]["shape"]))
    uses = np.bincount(book.indices.ravel(), minlength=len(book.codewords))
    shown = [int(text) for text in found.texts if text.isdigit()]
    assert shown == sorted(uses.tolist(), reverse=True)
    ones = sum((row["d"] or "").count("z") for tag, row in found.tags if tag == "path")
    assert ones == book.codewords.sum()


def test_wrong_pictures_and_the_matrix() -> None:
    labels, predicted = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    found = Evaluation("n", "d", "test", predicted, labels, 9, classes=("a<b", "b", "c"))
    matrix = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 0]])
    codes = np.zeros((2, 8, 8, 1), np.uint8)
    scored = Scored(found, matrix, codes, ((0, 1), (2, 0)))
    subject = subject_of("plain")
    made = accuracy.section(Subject(subject.network, subject.board, scored=scored))
    counts = [[cell["count"] for cell in row["cells"]] for row in made["rows"]]
    assert counts == matrix.tolist()
    assert [(row["label"], row["taken"]) for row in made["wrong"]] == [("a<b", "b"), ("c", "a<b")]
    picture = read(str(made["wrong"][0]["picture"]))
    assert picture.values("alt") == ["a<b, taken for b"]


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_are_drawn(name: str) -> None:
    network = GRAPHS[name]()
    made = graph.section(Subject(network, subject_of("plain").board))
    assert len(read(str(made["drawing"])).values("href")) == len(network.nodes)
