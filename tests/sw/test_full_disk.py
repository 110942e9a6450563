"""What a user is told where a file cannot be written."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from subbit.sw import atomic
from subbit.sw.errors import NetworkError, PlanError, SubbitError
from subbit.sw.ir import save_network
from subbit.sw.lower.plan import save_plan, smallest_plan
from tests.networks import residual_network
from tests.sw.samples import message

ADVICE = [
    (errno.ENOSPC, "make room on that disk, or name a place on another one"),
    (errno.EDQUOT, "make room on that disk, or name a place on another one"),
    (errno.EACCES, "name another place"),
    (errno.EROFS, "name another place"),
    (errno.EFBIG, "name a place on a disk that takes large files"),
]


def network_to(path: Path) -> None:
    save_network(residual_network(), path)


def plan_to(path: Path) -> None:
    save_plan(smallest_plan(residual_network()), path)


@pytest.mark.parametrize(("number", "advice"), ADVICE)
@pytest.mark.parametrize(
    ("save", "kind", "what"),
    [(network_to, NetworkError, "network"), (plan_to, PlanError, "plan")],
)
def test_the_message_says_what_to_do(
    save: Callable[[Path], None],
    kind: type[SubbitError],
    what: str,
    number: int,
    advice: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic.os, "fsync", full)
    path = tmp_path / "file"
    assert message(lambda: save(path), kind) == (
        f"cannot write the {what} to {path} ({os.strerror(number)}); {advice}"
    )
    assert not list(tmp_path.iterdir())
