"""A headless Chromium for tests of pages; they are skipped where there is none."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

__all__ = ["answer", "answering", "ask", "browser", "needs_browser"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ANSWER = re.compile(r'<pre id="the-answer">(.*?)</pre>', re.S)
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def browser() -> str | None:
    """The first one on the path."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


needs_browser = pytest.mark.skipif(browser() is None, reason="needs a Chromium (Debian: chromium)")


def ask(
    page: str, script: str, folder: Path, width: int = 1280, dark: bool = False, library: str = ""
) -> Any:
    """What ``script``, the body of an asynchronous function, returns on the page, as JSON.

    The page's policy, which allows no scripts, is taken out for it. ``library``: a script that it
    needs.
    """
    ending = f"<script>{library}</script><script>{answering(script)}</script>"
    path = folder / "asked.html"
    path.write_text(POLICY.sub("", page).replace("</body>", ending + "</body>"))
    return answer(path.as_uri(), folder, width, dark)


def answering(script: str) -> str:
    """A script that leaves on the page what ``script`` returns."""
    return (
        f"(async () => {{{script}}})().then(value => {{"
        "const place = document.createElement('pre'); place.id = 'the-answer';"
        "place.textContent = JSON.stringify(value); document.body.append(place); });"
    )


def answer(url: str, folder: Path, width: int = 1280, dark: bool = False) -> Any:
    """What a script of ``answering`` has left on the page."""
    program = browser()
    assert program is not None
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
    options += ["--blink-settings=preferredColorScheme=0"] * dark
    options += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=60000"]
    done = subprocess.run(
        [program, *options, "--dump-dom", url], capture_output=True, text=True, timeout=240
    )
    found = ANSWER.search(done.stdout)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found.group(1)))
