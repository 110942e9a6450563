"""Files of torch.save, read without executing anything and with every size bounded."""

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from subbit.sw.errors import NetworkError, SubbitError

__all__ = ["MAX_FILE_BYTES", "load_torch"]

MAX_FILE_BYTES = 1 << 30
MAX_PICKLE_BYTES = 16 << 20


def load_torch(path: Path, kind: type[SubbitError] = NetworkError) -> Any:
    """What torch.save wrote into ``path``, on the CPU.

    Raises ``kind`` where the file is no archive of torch.save of a sane size, or holds something
    else than tensors and plain values; whatever else torch raises for a damaged file passes, and is
    for ``loading`` to turn into an error.
    """
    check_archive(path, kind)
    with warnings.catch_warnings():
        # On odd pickle protocols and storages: the file is read or refused, which says enough.
        warnings.simplefilter("ignore")
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            raise refusal(str(error), kind) from None


def refusal(text: str, kind: type[SubbitError]) -> SubbitError:
    """The error for what torch's unpickler refused: code, or bytes that are no pickle."""
    if "Unsupported global" in text or "was not an allowed global" in text:
        return kind(
            "it holds more than tensors, and would execute code; "
            "save the state_dict alone: torch.save(module.state_dict(), path)"
        )
    return kind("damaged: its index cannot be read; save it again")


def check_archive(path: Path, kind: type[SubbitError]) -> None:
    """Raise ``kind`` unless the file is an archive of torch.save of a sane size."""
    if path.exists() and not path.is_file():
        raise kind("not a file; name a checkpoint")
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            raise kind(
                "not written by torch.save of PyTorch 1.6 or newer; save the state_dict again"
            )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        raise kind("a damaged archive; save it again") from None
    if len({entry.filename for entry in entries}) != len(entries):
        raise kind("an archive with two files of one name; save it again")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise kind("a compressed archive, as torch.save writes none; save it again")
    if sum(entry.file_size for entry in entries) > MAX_FILE_BYTES:
        raise kind(f"larger than {MAX_FILE_BYTES} bytes; name a smaller checkpoint")
    pickles = [entry.file_size for entry in entries if entry.filename.endswith(".pkl")]
    if max(pickles, default=0) > MAX_PICKLE_BYTES:
        raise kind("its index is larger than that of any state_dict; save it alone")
