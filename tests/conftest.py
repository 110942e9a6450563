"""The root of the tests, which import their helpers as ``tests.FOLDER.HELPER``."""
