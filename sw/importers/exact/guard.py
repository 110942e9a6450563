"""Whatever a malformed node makes a rule raise becomes an error that names the node."""

from collections.abc import Callable
from typing import TypeVar

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.op import Op, Refusal

__all__ = ["guarded"]

T = TypeVar("T")
MALFORMED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def guarded(op: Op, rule: Callable[[], T]) -> T:
    """What the rule gives; whatever a malformed node makes it raise names the node."""
    try:
        return rule()
    except Refusal:
        raise
    except NetworkError as error:
        raise op.refuse(str(error), "change the node and export again") from None
    except MALFORMED as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise op.refuse(f"malformed ({reason})", "export the network again") from None
