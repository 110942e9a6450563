"""What the parts are made of that a design is elaborated for."""

from dataclasses import dataclass
from typing import Any

from amaranth.vendor import GowinPlatform, LatticePlatform, SiliconBluePlatform

__all__ = ["Part", "fabric_of"]


@dataclass(frozen=True)
class Part:
    """A platform that stands for any part with a fabric, without pins and tools.

    ``fabric``: as subbit.hw.families.carry names it.
    """

    fabric: str


def fabric_of(platform: Any) -> str | None:
    """The fabric of a platform's part, or None for simulation and parts that are not known."""
    if isinstance(platform, Part):
        return platform.fabric
    if isinstance(platform, LatticePlatform):
        return "ecp5" if getattr(platform, "family", None) == "ecp5" else None
    if isinstance(platform, SiliconBluePlatform):
        return "ice40"
    return "gowin" if isinstance(platform, GowinPlatform) else None
