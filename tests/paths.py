"""Where the tests find the project's files, and the data that only some machines have."""

from pathlib import Path

__all__ = ["DOCS", "EXAMPLES", "ROOT", "SHARED"]

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples"
SHARED = ROOT.parent / "shared"
