"""A model in a user's Python file: found, executed and built, with an error in words for each way
in which that can fail.

The file is the user's own program, and is run as such: nothing about it is restricted.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from subbit.sw.errors import NetworkError, quote
from subbit.sw.importers.torch.tracing import Places, creation_places, raised_at, users_place
from subbit.sw.ir import TensorType

__all__ = ["Built", "build_model_file", "is_model_file", "said_by"]

LOADED = "subbit_user_model"
SAID = 200
Maker = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Built:
    """A user's module, its ``name`` for files and reports, and where its parts were created."""

    module: nn.Module
    name: str
    places: Places


def is_model_file(text: str) -> bool:
    """Whether what a command was given is a file of Python, ``FILE.py`` or ``FILE.py:NAME``."""
    path, _, _ = split_name(text)
    return path.suffix == ".py"


def split_name(text: str) -> tuple[Path, str, str]:
    """The file, the name behind the colon or nothing, and the text."""
    head, colon, tail = text.rpartition(":")
    if colon and head.endswith(".py"):
        return Path(head), tail, text
    return Path(text), "", text


def build_model_file(text: str, input_type: TensorType, classes: int, seed: int) -> Built:
    """The module that ``FILE.py:NAME`` makes, or the only one of ``FILE.py``; with ``seed`` for
    torch's random numbers, whose state stays as it is.

    NAME is a class, a function or an object. What a class or function names among its parameters
    is given: ``classes``, ``channels``, ``height``, ``width``, ``bits``. Raises NetworkError, with
    file and line, for whatever goes wrong.
    """
    path, name, _ = split_name(text)
    if not path.is_file():
        raise NetworkError(f"there is no file {path}; name a Python file, as in my_model.py:Net")
    height, width, channels = input_type.shape
    facts = {
        "classes": classes,
        "channels": channels,
        "height": height,
        "width": width,
        "bits": input_type.bits,
    }
    with torch.random.fork_rng(devices=[]), creation_places() as places:
        torch.manual_seed(seed)
        file = executed(path)
        found = maker_of(file, path, name)
        module = made(found, path, facts)
    label = name or getattr(found, "__name__", path.stem)
    whole = path.stem if label == path.stem else f"{path.stem}-{label}"
    return Built(module, network_name(whole), places)


def network_name(text: str) -> str:
    """The text with what the name of a network may not have as dashes."""
    kept = (c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text.lower())
    return "".join(kept).lstrip("._-")[:60] or "model"


def executed(path: Path) -> ModuleType:
    """The file as a module; what it imports is found beside it, as when Python runs it."""
    spec = importlib.util.spec_from_file_location(LOADED, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.absolute().parent))
    # Classes look their module up, dataclasses for one.
    sys.modules[LOADED] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        where = users_place(error.filename or str(path), error.lineno or 1)
        raise NetworkError(f"{where}: {error.msg}; correct the file") from None
    except SystemExit:
        raise NetworkError(
            f"{path} ends the program when it is loaded; put what it runs behind "
            "if __name__ == '__main__':"
        ) from None
    except Exception as error:
        raise NetworkError(f"{said_by(error, str(path))}; the file must load") from None
    finally:
        sys.path.remove(str(path.absolute().parent))
    return module


def said_by(error: Exception, place: str = "") -> str:
    """``file:line: kind: text`` of what a user's code raised; ours without its kind."""
    where = raised_at(error) or (f"{place}: " if place else "")
    text = " ".join(str(error).split())[:SAID]
    if isinstance(error, NetworkError):
        return f"{where}{text}"
    return f"{where}{type(error).__name__}{f': {text}' if text else ''}"


def own_classes(file: ModuleType) -> list[str]:
    """The names of the modules that the file itself defines."""
    return [
        name
        for name, value in vars(file).items()
        if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == LOADED
    ]


def maker_of(file: ModuleType, path: Path, name: str) -> Any:
    """The class, function or module of that name; without a name the only class of the file."""
    classes = own_classes(file)
    if not name:
        used = [n for n in classes if not any(is_part(file, n, other) for other in classes)]
        if len(used) == 1:
            return vars(file)[used[0]]
        known = ", ".join(f"{path}:{n}" for n in classes)
        raise NetworkError(
            f"{path} defines {len(classes)} modules of torch; name the one to train: {known[:SAID]}"
            if classes
            else f"{path} defines no nn.Module; name a function that returns one, as in "
            f"{path}:make_model"
        )
    if not hasattr(file, name):
        known = ", ".join(classes)[:SAID] or "no modules of torch"
        raise NetworkError(f"{path} has no {quote(name)}; it has {known}")
    found = getattr(file, name)
    if isinstance(found, nn.Module) or callable(found):
        return found
    raise NetworkError(
        f"{path}: {name} is of type {type(found).__name__}; name an nn.Module, or a function that "
        "returns one"
    )


def is_part(file: ModuleType, name: str, other: str) -> bool:
    """Whether the class ``other`` names the class ``name`` in its code, as a block of its own."""
    if name == other:
        return False
    methods = (getattr(vars(file)[other], key, None) for key in ("__init__", "forward"))
    return any(name in code.co_names for m in methods if (code := getattr(m, "__code__", None)))


def made(found: Any, path: Path, facts: dict[str, int]) -> nn.Module:
    """The module, or what the class or function makes."""
    if isinstance(found, nn.Module):
        return found
    name = getattr(found, "__name__", "it")
    given = arguments(found, f"{path}: {name}", facts)
    try:
        module = found(**given)
    except Exception as error:
        raise NetworkError(f"{said_by(error, str(path))}; {name} must build without it") from None
    if not isinstance(module, nn.Module):
        raise NetworkError(
            f"{path}: {name} returns {type(module).__name__}; it must return an nn.Module"
        )
    return module


def arguments(found: Maker, what: str, facts: dict[str, int]) -> dict[str, int]:
    """What of ``facts`` a class or function asks for; raises NetworkError where it asks for
    more.
    """
    parameters = inspect.signature(found).parameters.values()
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in variable and p.name not in facts
    ]
    if needed:
        raise NetworkError(
            f"{what} needs {', '.join(needed)}; give defaults (only {', '.join(facts)} are given)"
        )
    return {p.name: facts[p.name] for p in parameters if p.name in facts}
