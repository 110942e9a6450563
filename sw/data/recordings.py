"""Folders of recordings by class, as log-mel features."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.data.class_folders import Files, has_parts, holds, list_files
from subbit.sw.data.mel import BANDS, frame_count, log_mel
from subbit.sw.data.source import DataOptions, Kind, Reading, Source, check_size, int_in
from subbit.sw.data.wav import MAX_SAMPLES, RATES, read_wav
from subbit.sw.errors import DataError

__all__ = ["Recordings"]

SOUND_FILES = frozenset({".wav"})
LONGEST_SECONDS = 2


class Recordings(Kind):
    """WAV files in a sub-folder for each class, as pictures of ``[frames][32][1]``, see mel."""

    name = "wav"
    what = "a folder of WAV files by class"
    family = "audio"
    inside = "WAV files"

    def is_it(self, path: Path) -> bool:
        """Whether a sub-folder holds a WAV file."""
        return holds(path, SOUND_FILES)

    def parts(self, path: Path) -> tuple[str, ...]:
        """By the names of the sub-folders."""
        return ("train", "test") if has_parts(path) else ("all",)

    def look(self, path: Path, options: DataOptions) -> Reading:
        """``rate``, samples a second, which is that of all files, and ``samples`` of the longest,
        at most two seconds; what is longer is cut, what is shorter followed by silence.
        """
        files = list_files(path, self.parts(path)[0], SOUND_FILES, "WAV files")
        rate, longest = 0, 1
        for found in files.paths:
            here, sound = read_wav(found)
            rate = rate or here
            check_rate(found, here, rate, files.paths[0].name)
            longest = max(longest, min(len(sound), LONGEST_SECONDS * rate))
        return {"rate": rate, "samples": longest}

    def check(self, reading: Reading) -> None:
        """Rate and samples."""
        if reading.keys() != {"rate", "samples"}:
            raise DataError("the network's 'reading' of recordings must have 'rate' and 'samples'")
        int_in(reading, "rate", *RATES)
        int_in(reading, "samples", 1, MAX_SAMPLES)

    def open(self, path: Path, part: str, reading: Reading) -> Source:
        """The recordings, each read when it is asked for."""
        files = list_files(path, part, SOUND_FILES, "WAV files")
        check_size(path, len(files.paths), shape_of(reading))

        def read(places: NDArray[np.int64]) -> NDArray[Any]:
            return read_all(files, places, reading)

        return Source(files.labels, files.classes, read, files.names)

    def samples(self, path: Path, reading: Reading) -> tuple[list[str], NDArray[Any]]:
        """The one recording of a file."""
        return [str(path)], features(path, reading)[None]


def check_rate(path: Path, rate: int, wanted: int, whose: str) -> None:
    """Raise DataError where a file has another rate."""
    if rate != wanted:
        raise DataError(
            f"{path} has {rate} samples a second, {whose} has {wanted}; bring all to one rate"
        )


def shape_of(reading: Reading) -> tuple[int, int, int]:
    """The shape of the features."""
    return frame_count(reading["rate"], reading["samples"]), BANDS, 1


def features(path: Path, reading: Reading) -> NDArray[np.uint8]:
    """The features of one file."""
    rate, sound = read_wav(path)
    check_rate(path, rate, reading["rate"], "the training set")
    return log_mel(sound, rate, reading["samples"])[..., None]


def read_all(files: Files, places: NDArray[np.int64], reading: Reading) -> NDArray[np.uint8]:
    """The features of the recordings at these places."""
    found = np.empty((len(places), *shape_of(reading)), np.uint8)
    for row, place in enumerate(places.tolist()):
        found[row] = features(files.paths[place], reading)
    return found
