"""The families, a row each. Reading the table imports neither Amaranth nor any family."""

from functools import cache
from importlib import import_module

from subbit.hw.families.carry import PORTABLE
from subbit.hw.families.family import Family
from subbit.sw.errors import FamilyError

__all__ = ["FAMILIES", "adds_functions", "family"]

FAMILIES: dict[str, str] = {
    "ecp5": "subbit.hw.families.ecp5.family:Ecp5",
    "ice40": "subbit.hw.families.ice40.family:Ice40",
    "gowin": "subbit.hw.families.gowin.family:Gowin",
}
"""By the name that boards, plans and calibrations use, the class of each family's object."""


def family(name: str) -> Family:
    """The family of that name. Raises FamilyError, with the names there are, where none is."""
    if name not in FAMILIES:
        raise FamilyError(f"no FPGA family {name!r}; the known ones are {', '.join(FAMILIES)}")
    return made(FAMILIES[name])


@cache
def made(place: str) -> Family:
    """The object of the class at ``module:name``."""
    module, _, name = place.partition(":")
    found: Family = getattr(import_module(module), name)()
    return found


def adds_functions(form: str) -> bool:
    """Whether counters of that form, ``portable`` or a family's name, are made of carry chains
    whose places add functions of nets, such as xnors, and not nets alone.
    """
    return form != PORTABLE and not family(form).carry.plain
