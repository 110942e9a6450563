"""Hints only where a name is spelt nearly alike."""

import pytest

from subbit.sw.hints import near

KNOWN = ("Softsign", "Reshape", "Conv", "MaxPool", "icebreaker")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Sign", None),
        ("Resize", None),
        ("orangecrab", None),
        ("", None),
        ("Convv", "Conv"),
        ("maxpool", "MaxPool"),
        ("Reshap", "Reshape"),
        ("icebreakr", "icebreaker"),
        ("c" * 5000, None),
    ],
)
def test_near(name: str, found: str | None) -> None:
    assert near(name, KNOWN) == found
