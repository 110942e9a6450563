"""The whole page: complete, self-contained, escaped, accessible, and the same each time."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from subbit.sw.report.page import SECTIONS, report_page
from subbit.sw.report.subject import Subject
from tests.networks import NETWORKS, small_network
from tests.sw.report.pages import Page, built_subject, read, subject_of

EVIL = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def page() -> Page:
    return read(report_page(built_subject()))


def test_every_part_is_there_and_can_be_reached(page: Page) -> None:
    ids = page.values("id")
    assert [name for name in ids if name in SECTIONS] == list(SECTIONS)
    assert len(set(ids)) == len(ids)
    links = page.values("href")
    assert links
    for link in links:
        assert link.startswith("#")
        assert link[1:] in ids, link
    for name in page.values("aria-labelledby"):
        assert name in ids


def test_nothing_comes_from_elsewhere(page: Page) -> None:
    """No script, no style or picture of another place, and a policy that would refuse them."""
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "iframe", "object", "base", "form"}
    assert all(source.startswith("data:image/png;base64,") for source in page.values("src"))
    policy = next(row for tag, row in page.tags if tag == "meta" and "http-equiv" in row)
    assert (policy["content"] or "").startswith("default-src 'none'")
    text = report_page(built_subject())
    assert not re.search(r"https?://|@import|url\(", text)


def test_a_screen_reader_finds_names(page: Page) -> None:
    for tag, row in page.tags:
        if tag == "img":
            assert row["alt"]
        if tag == "svg":
            assert row["role"] in ("img", "group")
            assert len(row["aria-label"] or "") > 20
        if row.get("tabindex") == "0":
            assert row["role"] == "region"
            assert row["aria-label"]
        if tag == "th":
            assert row["scope"] in ("col", "row")
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert ("html", {"lang": "en"}) in page.tags
    viewport = next(row for tag, row in page.tags if row.get("name") == "viewport")
    assert "user-scalable" not in (viewport["content"] or "")


@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_has_a_page(name: str) -> None:
    subject = subject_of(name)
    text = report_page(subject)
    assert len(text.encode()) < 2_000_000
    found = read(text)
    for node in subject.network.nodes:
        assert f"layer-{node.name}" in found.values("id")
    assert subject.planned is not None
    assert f"{subject.planned.timing.interval_cycles:,} cycles" in found.text


def test_the_same_subject_gives_the_same_page() -> None:
    first, again = (report_page(replace(subject_of("codebook"))) for _ in range(2))
    assert first == again


def test_what_comes_from_files_is_escaped() -> None:
    """Names in metadata, tools and reasons may hold anything."""
    subject = built_subject()
    assert subject.built is not None
    summary = {**subject.built.summary, "tools": {EVIL: EVIL}}
    timing = {"fmax": {EVIL: {"achieved": 1.0, "constraint": 1.0}}, "critical_paths": []}
    evil = replace(subject, built=replace(subject.built, summary=summary, timing=timing))
    evil = replace(evil, unscored=EVIL, network=replace(subject.network, metadata={EVIL: EVIL}))
    text = report_page(evil)
    assert "<script" not in text
    assert read(text).text.count("alert(1)") == 4


def test_a_network_that_fits_no_plan_has_a_page_too() -> None:
    network = small_network("plain")
    found = read(report_page(Subject(network, subject_of("plain").board, None, "it is too large")))
    assert "it is too large" in found.text
    assert "timeline" not in found.values("id")
    assert "weights" in found.values("id")
