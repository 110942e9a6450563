"""A small project in a folder: data, training, simulation, bitstream and a test."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from subbit.sw.atomic import advice
from subbit.sw.errors import SubbitError, quote

__all__ = ["TEMPLATES", "Project", "Template", "new_project"]

FOLDER = Path(__file__).parent / "templates"
SUFFIX = ".template"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")
PLACE = re.compile(r"@([A-Z]+)@")


@dataclass(frozen=True)
class Template:
    """What a project is about: its ``what`` in words, the ``data`` in its folder, a ``sample`` of
    them that a board can classify, the ``recipe``, none where it has a model of its own, and the
    ``classes``.
    """

    what: str
    data: str
    sample: str
    recipe: str
    classes: tuple[str, ...]


TEMPLATES = {
    "images": Template(
        "pictures of circles, squares and triangles",
        "data",
        "data/circle/000.png",
        "cnn-plain",
        ("circle", "square", "triangle"),
    ),
    "tabular": Template(
        "a table of measured fruit",
        "data/fruit.csv",
        "data/few.csv",
        "mlp-plain",
        ("apple", "lemon", "plum"),
    ),
    "signal": Template(
        "series of sine, square and sawtooth waves",
        "data/waves.ts",
        "data/few.ts",
        "signal-plain",
        ("sine", "square", "saw"),
    ),
    "audio": Template(
        "recordings of falling, rising and steady tones",
        "data",
        "data/rising/000.wav",
        "cnn-plain",
        ("falling", "rising", "steady"),
    ),
    "segmentation": Template(
        "the pixels of discs, squares and their background",
        "data/shapes.npz",
        "data/few.npz",
        "",
        ("background", "disc", "square"),
    ),
}


@dataclass(frozen=True)
class Project:
    """A project that was written: its ``folder``, and the ``files`` in it."""

    folder: Path
    files: tuple[str, ...]


def new_project(folder: str | os.PathLike[str], template: str = "images") -> Project:
    """Write a project into ``folder``, which must not exist or be empty; its last part is the name.

    ``template``: one of TEMPLATES. The project makes its sample data itself, and is the user's own
    from then on. Raises SubbitError where the name is none, the template is unknown, or the folder
    holds something or cannot be written.
    """
    place = Path(folder)
    name = place.name if place.name not in ("", ".", "..") else place.resolve().name
    if not NAME.fullmatch(name):
        raise SubbitError(
            f"a project's name must be 1 to 41 of a-z, 0-9, '_', '-', starting with a letter or "
            f"digit, not {quote(name)}; name it such as my-shapes"
        )
    if template not in TEMPLATES:
        raise SubbitError(
            f"there is no project to start from of the name {quote(template)}; there are "
            f"{', '.join(TEMPLATES)}"
        )
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise SubbitError(f"{place} is there already and not empty; name another folder")
    texts = project_texts(name, template)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            (place / file).write_text(text)
    except OSError as error:
        raise SubbitError(
            f"cannot write the project to {place} ({error.strerror}); {advice(error)}"
        ) from None
    return Project(place, tuple(texts))


def project_texts(name: str, template: str) -> dict[str, str]:
    """The text of every file, by its name."""
    row = TEMPLATES[template]
    values = {
        "NAME": name,
        "WHAT": row.what,
        "DATA": row.data,
        "SAMPLE": row.sample,
        "RECIPE": row.recipe,
        "CLASSES": ", ".join(f'"{each}"' for each in sorted(row.classes)),
        "FIRST": row.classes[0],
    }
    paths = [path for part in ("common", template) for path in (FOLDER / part).glob(f"*{SUFFIX}")]
    return {
        path.name.removesuffix(SUFFIX): PLACE.sub(
            lambda found: values[found.group(1)], path.read_text()
        )
        for path in sorted(paths, key=lambda path: path.name)
    }
