"""The glossary is in order, and each of its words is used."""

import re

import pytest

from tests.paths import ROOT

PAGE = ROOT / "docs" / "reference" / "glossary.md"
ENTRIES = re.findall(r"^- \*\*(.+?)\*\*: (.+)$", PAGE.read_text(), re.M)
TERMS = [term for term, _ in ENTRIES]
FOLDERS = ("hw", "sw", "sim", "boards", "docs")


@pytest.fixture(scope="module")
def text() -> str:
    """Code and pages of the project, the glossary left out, with single spaces and lower case."""
    files = [
        *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")),
        *(page for page in (ROOT / "docs").rglob("*.md") if page != PAGE),
        ROOT / "README.md",
    ]
    return re.sub(r"[\s_]+", " ", "\n".join(file.read_text() for file in files)).lower()


def test_there_are_entries_and_each_line_is_one() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("- ")]
    assert len(lines) == len(ENTRIES) > 50
    assert all(meaning.endswith(".") for _, meaning in ENTRIES)


def test_terms_are_in_alphabetical_order_and_defined_once() -> None:
    assert [term.lower() for term in TERMS] == sorted({term.lower() for term in TERMS})


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_used(term: str, text: str) -> None:
    assert re.search(rf"(?<!\w){re.escape(term.lower())}(?!\w)", text)
