"""What a name that is not known may have meant: a hint only where the spelling is really close."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["near"]

# Gelu and Relu are 0.75 alike, Sign and Softsign 0.67; a letter wrong in five leaves 0.8.
CLOSE = 0.78
LONGEST = 64


def near(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelt nearly as ``name``, capitals aside; None where none is."""
    names = {one.lower(): one for one in known}
    found = get_close_matches(name[:LONGEST].lower(), names, 1, CLOSE)
    return names[found[0]] if found else None
