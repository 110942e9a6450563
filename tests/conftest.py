"""Helpers that several test folders import by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "hw"))
