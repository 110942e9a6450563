"""Where compiled models are kept between tests, and between runs of them."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def models(pytestconfig: pytest.Config) -> Path:
    """The folder of compiled models."""
    return pytestconfig.rootpath / "build" / "models"
