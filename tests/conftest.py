"""The root of the tests, which import their helpers as ``tests.FOLDER.HELPER``."""

pytest_plugins = ["tests.flow.builds"]
