"""Which family the part is of that a design is elaborated for."""

from dataclasses import dataclass
from typing import Any

from subbit.hw.families.family import Family
from subbit.hw.families.table import FAMILIES, family

__all__ = ["Part", "fabric_of", "family_of"]


@dataclass(frozen=True)
class Part:
    """A platform that stands for any part of a family, without pins and tools.

    ``fabric``: the family's name in subbit.hw.families.table. Raises FamilyError for another name.
    """

    fabric: str

    def __post_init__(self) -> None:
        family(self.fabric)


def family_of(platform: Any) -> Family | None:
    """The family of a platform's part; None for simulation and parts of no known family, for which
    everything is made of portable logic.
    """
    if platform is None:
        return None
    if isinstance(platform, Part):
        return family(platform.fabric)
    return next((known for known in map(family, FAMILIES) if known.covers(platform)), None)


def fabric_of(platform: Any) -> str | None:
    """The name of that family, or None, to compare with the form that counters are meant for."""
    found = family_of(platform)
    return found.name if found else None
