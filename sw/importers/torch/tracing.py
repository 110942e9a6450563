"""The graph of a torch module by torch.fx, and where in its user's files each part was written."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import fx, nn

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.torch.channel_rules import CHANNEL_MODULES
from subbit.sw.importers.torch.ending_rules import ENDING_MODULES
from subbit.sw.importers.torch.module_rules import MODULES
from subbit.sw.nn.joins import Concat, Residual

__all__ = [
    "RULES",
    "Places",
    "creation_places",
    "evaluating",
    "operation",
    "trace",
    "users_place",
]

RULES = [*MODULES, *CHANNEL_MODULES]
"""What is a node of its own, and its rule; the first kind that a module is of decides."""

LEAVES = (
    *(kind for kinds, _ in RULES for kind in (kinds if isinstance(kinds, tuple) else (kinds,))),
    *ENDING_MODULES,
)
Places = dict[int, str]
"""Where modules were created, ``file:line`` by ``id(module)``."""
PLACE = "place"
FOREIGN = tuple(
    f"{os.path.realpath(folder)}{os.sep}"
    for folder in (Path(torch.__file__).parent, Path(__file__).parents[2])
)


def is_users(frame: FrameType) -> bool:
    """Whether the frame runs a file that is neither torch's nor ours."""
    file = frame.f_code.co_filename
    return not file.startswith("<") and not os.path.realpath(file).startswith(FOREIGN)


def shown(frame: FrameType, line: int | None = None) -> str:
    """``file:line``, the file as seen from the working folder where it lies below that."""
    return users_place(frame.f_code.co_filename, frame.f_lineno if line is None else line)


def users_place(file: str, line: int) -> str:
    """``file:line``, the file as seen from the working folder where it lies below that."""
    near = os.path.relpath(file) if os.path.isabs(file) else file
    return f"{file if near.startswith(os.pardir) else near}:{line}"


@contextmanager
def creation_places() -> Iterator[Places]:
    """Note within this where each module is created: the innermost line of a user's file that is
    not in the module's own ``__init__``.
    """
    found: Places = {}
    real = nn.Module.__init__
    # That of whoever asks, behind contextlib's: what lies beyond creates nothing.
    asking = sys._getframe(2)

    def noted(self: nn.Module, *args: Any, **named: Any) -> None:
        """The module's, with a note."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame is not asking:
            own = frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is self
            if not own and is_users(frame):
                found[id(self)] = shown(frame)
                break
            frame = frame.f_back
        real(self, *args, **named)

    type.__setattr__(nn.Module, "__init__", noted)
    try:
        yield found
    finally:
        type.__setattr__(nn.Module, "__init__", real)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Within this the module is in eval mode; behind it each part is as it was before."""
    before = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training


class Tracer(fx.Tracer):
    """Takes as one node what there is a rule for; looks into everything else."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """See fx.Tracer."""
        return isinstance(m, LEAVES) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """See fx.Tracer; paths that join are their parts: a Residual checks shapes, which a trace
        has not.
        """
        if isinstance(m, Residual):
            one, other = m.body(*args), m.shortcut(*args)
            return one + (other if not m.shift else (1 << m.shift) * other)
        if isinstance(m, Concat):
            return torch.cat([path(*args) for path in m.paths], 1)
        return super().call_module(m, forward, args, kwargs)

    def create_node(self, *args: Any, **kwargs: Any) -> fx.Node:
        """See fx.Tracer; notes the line of the user's forward that makes the node."""
        node = super().create_node(*args, **kwargs)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code is not trace.__code__:
            if is_users(frame):
                node.meta[PLACE] = shown(frame)
                break
            frame = frame.f_back
        return node


def trace(module: nn.Module) -> tuple[nn.Module, fx.Graph]:
    """A module and its graph; raises NetworkError where torch.fx cannot trace it."""
    root = nn.Sequential(module) if isinstance(module, (*LEAVES, Concat, Residual)) else module
    try:
        return root, Tracer().trace(root)
    except (fx.proxy.TraceError, TypeError, RuntimeError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:200]
        where = raised_at(error)
        raise NetworkError(
            f"{where}torch.fx cannot trace {type(module).__name__} ({reason}); "
            "take control flow out of its forward"
        ) from None


def raised_at(error: BaseException) -> str:
    """``file:line: `` of the innermost frame of a user's file in an error's traceback, or nothing.

    The frames of whoever called ``trace`` do not count: a traceback begins where it was caught.
    """
    found, row = "", error.__traceback__
    while row is not None:
        if is_users(row.tb_frame):
            found = f"{shown(row.tb_frame, row.tb_lineno)}: "
        row = row.tb_next
    return found


def operation(node: fx.Node, module: nn.Module, places: Places | None = None) -> Op:
    """A node as an Op, which names it in messages; ``places``: where modules were created."""
    kind = getattr(node.target, "__name__", str(node.target))
    name, place = node.name, str(node.meta.get(PLACE, ""))
    if node.op == "call_module":
        part = module.get_submodule(str(node.target))
        kind, name = type(part).__name__, str(node.target)
        place = (places or {}).get(id(part), place)
    inputs = tuple(row.name for row in node.all_input_nodes)
    return Op(name, kind, inputs, (node.name,), {}, place=place)
