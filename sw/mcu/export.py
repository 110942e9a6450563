"""Writing a network as a folder of C99."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.atomic import advice, write_atomic
from subbit.sw.errors import NetworkError, SubbitError
from subbit.sw.evaluate import load_frames
from subbit.sw.ir.network import Network
from subbit.sw.mcu.program import Program
from subbit.sw.mcu.text import header, memory_bytes, project_files, runtime, source, vectors

__all__ = ["CExport", "export_c", "frames_of"]

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
VECTORS = 10
MAX_VECTOR_BYTES = 200_000  # of frames in the test; large frames are fewer


@dataclass(frozen=True)
class CExport:
    """What was written: ``parameter_bytes`` of constants, ``memory_bytes`` of static memory, and
    ``frames`` in the test, which are ``images``.
    """

    network: str
    name: str
    folder: Path
    parameter_bytes: int
    memory_bytes: int
    sum_bits: int
    frames: int
    images: str

    def summary(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"folder": str(self.folder)}


def export_c(
    network: Network,
    folder: Path,
    *,
    name: str | None = None,
    data: Path | None = None,
    seed: int = 1,
) -> CExport:
    """Write ``network`` as C99 into ``folder``: source, header, test, CMake and Arduino files.

    Tiles and codebooks stay compressed, results are the golden model's in every bit. ``name``: of
    the functions, by default made from the network's. The test has frames of the network's data
    set (its files in ``data``), or random ones, drawn by ``seed``. Needs torch for the outputs that
    it is to give.

    Raises NetworkError where the network has a layer without C or the name is no identifier of C,
    SubbitError where a file cannot be written.
    """
    from subbit.sw.golden import evaluate

    name = name or re.sub(r"[^a-z0-9]+", "_", network.name.lower()).strip("_")
    if not name[:1].isalpha():
        name = f"net_{name}"
    if not IDENTIFIER.fullmatch(name):
        raise NetworkError(
            f"the name of C functions is 1 to 63 of a-z, 0-9 and '_', starting with a letter, not "
            f"{name[:64]!r}"
        )
    program = Program(network)
    codes, images = frames_of(network, data, seed)
    outputs = evaluate(network, codes)[program.output_name].numpy()
    texts = {
        f"src/{name}.h": header(program, name),
        f"src/{name}.c": source(program, name),
        "src/subbit_runtime.h": runtime(),
        "test/vectors.h": vectors(program, name, codes.astype(np.uint8), outputs),
        **project_files(network, name),
    }
    for path, text in texts.items():
        try:
            write_atomic(folder / path, text)
        except OSError as error:
            raise SubbitError(f"cannot write {folder / path}: {error}; {advice(error)}") from None
    return CExport(
        network=network.name,
        name=name,
        folder=folder,
        parameter_bytes=program.constants.bytes,
        memory_bytes=memory_bytes(program),
        sum_bits=program.sum_bits,
        frames=len(codes),
        images=images,
    )


def frames_of(
    network: Network, data: Path | None, seed: int
) -> tuple[NDArray[np.integer[Any]], str]:
    """Frames of a test, and what they are: ``images of the data set``, of each class if they can
    be, or random ones.
    """
    kind = network.input_type
    count = max(1, min(VECTORS, MAX_VECTOR_BYTES // kind.elements))
    try:
        return load_frames(network, data, count, seed=seed).codes, "images of the data set"
    except SubbitError as error:
        if data is not None:
            raise
        draw = np.random.default_rng(seed)
        codes = draw.integers(kind.low, kind.high + 1, (count, *kind.shape), np.int64)
        return codes, f"random ({error})"
