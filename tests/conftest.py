"""The root of the tests, which import their helpers as ``tests.FOLDER.HELPER``."""

from tests.flow.builds import built, built_ice40

__all__ = ["built", "built_ice40"]
