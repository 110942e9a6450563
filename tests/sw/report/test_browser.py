"""Pages in a browser: wide and narrow, light and dark, held to axe's rules."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from subbit.sw.report.page import report_page
from tests.sw.report.browser import ask, needs_browser
from tests.sw.report.pages import built_subject

pytestmark = needs_browser

LOADED = """
return {
  overflow: document.documentElement.scrollWidth - window.innerWidth,
  requests: performance.getEntriesByType('resource')
    .filter(entry => !entry.name.startsWith('data:')).length,
  ground: getComputedStyle(document.body).backgroundColor,
  empty: [...document.images].filter(image => !image.complete || !image.naturalWidth).length,
  focusable: document.querySelectorAll('a[href], summary, [tabindex="0"]').length,
};
"""
AXE = """
const found = await axe.run(document, {resultTypes: ['violations']});
return found.violations.map(v => [v.id, v.impact, v.nodes.slice(0, 3).map(n => n.html)]);
"""


@pytest.fixture(scope="module")
def text() -> str:
    return report_page(built_subject())


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (500, True)])
def test_a_page_fits_its_window(text: str, width: int, dark: bool, tmp_path: Path) -> None:
    found = ask(text, LOADED, tmp_path, width, dark)
    assert found["overflow"] <= 0
    assert found["requests"] == 0
    assert found["empty"] == 0
    assert found["focusable"] > 20
    assert (found["ground"] == "rgb(13, 17, 23)") is dark


@pytest.mark.skipif(find_spec("axe_core_python") is None, reason="needs axe-core-python")
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(text: str, dark: bool, tmp_path: Path) -> None:
    import axe_core_python

    script = Path(axe_core_python.__path__[0]) / "axe.min.js"
    found = ask(text, AXE, tmp_path, 1000, dark, script.read_text())
    assert found == []
    bad = text.replace('alt="', 'data-alt="').replace('lang="en"', "")
    found = ask(bad, AXE, tmp_path, 1000, dark, script.read_text())
    assert {"html-has-lang", "image-alt"} <= {rule for rule, *_ in found}
