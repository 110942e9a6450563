"""The errors that a user is meant to read: one line, exit code 2, no traceback."""

from typing import Any


class SubbitError(Exception):
    """Base of every error whose message is meant for the user.

    The message is one line that says what is wrong, where, and what to do about it.
    """


class NetworkError(SubbitError):
    """A network, or the file that holds one, breaks a rule of the format."""


class DifferentError(NetworkError):
    """A network that was made from another, or from a module, does not do the same; what was made
    is there all the same: the ``network``, and the ``report`` on the comparison.
    """

    def __init__(self, message: str, network: Any, report: dict[str, Any]) -> None:
        super().__init__(message)
        self.network, self.report = network, report


class PlanError(SubbitError):
    """A plan does not fit its network."""


class DataError(SubbitError):
    """A data set or an image cannot be read as what it should be."""


class ToolError(SubbitError):
    """A tool is missing or failed."""


class FitError(SubbitError):
    """A design does not fit its device."""


class LinkError(SubbitError):
    """The board did not answer as the protocol asks."""


class BoardError(SubbitError):
    """There is no such board, or its platform lacks what every design needs."""


class FamilyError(SubbitError):
    """There is no such FPGA family, or it lacks what was asked of it."""


QUOTED = 200


def quote(value: object) -> str:
    """``repr(value)``, of which a message shows at most 200 characters."""
    text = repr(value)
    return text if len(text) <= QUOTED else text[: QUOTED - 3] + "..."
