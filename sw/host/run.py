"""Images classified on a board, or on a simulation of one: what ``subbit run`` does."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from subbit import boards
from subbit.boards import Board
from subbit.sw.errors import LinkError, NetworkError
from subbit.sw.host.classify import (
    Classification,
    classify_codes,
    classify_pictures,
    ends_in_codes,
    map_sides,
)
from subbit.sw.host.device import Device
from subbit.sw.host.pictures import Picture, read_pictures
from subbit.sw.host.preview import save_maps, save_preview
from subbit.sw.host.transport import SerialTransport
from subbit.sw.ir import Network, load_network
from subbit.sw.labels import class_name
from subbit.sw.shares import sampled

__all__ = ["SampleRun", "known_network", "open_device", "run_images", "run_samples"]

SIMULATED = "sim"
TIMEOUT_S = 2.0
# A simulated board takes a few thousand times as long as a real one.
SIMULATED_TIMEOUT_S = 60.0
FOLDERS = (Path("examples"), Path("build"))


@dataclass(frozen=True)
class SampleRun:
    """What a board made of test images: ``results``, of which ``correct`` are right.

    ``population``: images of the test set, from which these were drawn by class with ``seed`` where
    they are fewer.
    """

    results: list[Classification]
    population: int
    seed: int

    @property
    def correct(self) -> int:
        """How many images have the class that the data set says."""
        return sum(row.index == row.wanted for row in self.results)

    def summary(self) -> dict[str, Any]:
        """What ``subbit run --samples --json`` prints."""
        images = len(self.results)
        return {
            "images": images,
            "correct": self.correct,
            "accuracy": self.correct / images,
            **sampled(self.correct, images, self.population, self.seed),
            "results": [asdict(row) for row in self.results],
        }


def run_images(
    port: str,
    images: Sequence[Path] = (),
    *,
    network: Network | None = None,
    samples: int | None = None,
    data: Any = None,
    kind: str | None = None,
    board: Board | None = None,
    invert: bool = False,
    preview: Path | None = None,
    maps: Path | None = None,
    seed: int = 1,
    seen: Callable[[Network, Sequence[Picture]], object] | None = None,
    timeout_s: float | None = None,
) -> list[Classification]:
    """Classify image files, or ``samples`` test images of the network's data set (its files in
    ``data``, of another ``kind`` if named; see run_samples), on the board at a serial port, or for
    the port ``sim`` on a simulated one.

    ``network``: that the board holds; by default the one below examples/ and build/ that it is.
    ``board``: by default the ULX3S. Image files become what the network was trained on, see
    read_pictures, white and black exchanged with ``invert``; ``preview`` is a PNG to write of what
    the network sees, ``maps`` one of the maps of classes that it gives, and ``seen`` is told before
    anything is classified. ``timeout_s``: how long an
    answer may take. A frame for which no result comes says why in ``failure``, beside the results
    of the others. Raises LinkError, NetworkError and DataError.
    """
    if bool(images) == bool(samples):
        raise LinkError("name images, or ask for a number of samples")
    if samples:
        found = run_samples(
            *(port, samples),
            network=network,
            data=data,
            kind=kind,
            board=board,
            seed=seed,
            timeout_s=timeout_s,
        )
        return found.results
    with open_device(port, network, board, timeout_s) as device:
        network = network or known_network(device.info.digest)
        pictures = read_pictures(network, images, invert)
        if preview is not None:
            save_preview(pictures, network.input_type.high, preview)
        if seen is not None:
            seen(network, pictures)
        results = classify_pictures(device, network, pictures)
    if maps is not None:
        drawn = [np.array(row.map, np.int64) for row in results if row.map]
        save_maps([pixels for pixels in drawn if pixels.ndim == 2], maps)
    return results


def run_samples(
    port: str,
    samples: int,
    *,
    network: Network | None = None,
    data: Any = None,
    kind: str | None = None,
    board: Board | None = None,
    seed: int = 1,
    timeout_s: float | None = None,
) -> SampleRun:
    """Classify ``samples`` test images of the network's data set, drawn by ``seed`` so that each
    class has its share; arguments as of run_images. Raises LinkError, NetworkError and DataError.
    """
    from subbit.sw.evaluate import load_frames

    with open_device(port, network, board, timeout_s) as device:
        network = network or known_network(device.info.digest)
        if map_sides(network) is not None or ends_in_codes(network):
            end = "codes" if ends_in_codes(network) else "a map"
            raise NetworkError(
                f"network {network.name!r} ends in {end}; test images have one class each: name "
                "image files"
            )
        frames = load_frames(network, data, samples, seed=seed, kind=kind)
        labels = frames.labels.tolist()
        places = frames.places.tolist()
        right = [class_name(network, label) for label in labels]
        names = [
            f"test image {place} (is {name})" for place, name in zip(places, right, strict=True)
        ]
        found = classify_codes(device, network, frames.codes, names)
        pairs = zip(found, labels, strict=True)
        results = [replace(row, wanted=label) for row, label in pairs]
        return SampleRun(results, frames.population, seed)


@contextmanager
def open_device(
    port: str,
    network: Network | None = None,
    board: Board | None = None,
    timeout_s: float | None = None,
) -> Iterator[Device]:
    """The board at the serial port, or for the port ``sim`` a simulated one that holds the network
    with its default plan. ``board``: by default the ULX3S. ``timeout_s``: how long an answer may
    take, by default 2 s, and a minute where the board is simulated. Raises LinkError.
    """
    target = board or boards.board(boards.DEFAULT_BOARD)
    if port != SIMULATED:
        line = SerialTransport(port, target.uart_baud)
        with Device(line, timeout_s=timeout_s or TIMEOUT_S) as device:
            yield device
        return
    from subbit.hw.design.top import BoardCore
    from subbit.sw.host.simulated_board import SimulatedBoard
    from subbit.sw.lower.pipeline import Pipeline
    from subbit.sw.planner import default_plan

    if network is None:
        raise LinkError("a simulated board needs the network; name it with --model")
    pipeline = Pipeline(network, default_plan(network, target))
    core = BoardCore(pipeline=pipeline, clock_hz=target.oscillator_hz, baud=target.uart_baud)
    models = Path("build") / "sim" / "models"
    with (
        SimulatedBoard(
            core,
            name="core",
            models=models,
            link_hz=target.oscillator_hz,
            baud=target.uart_baud,
        ) as simulated,
        Device(simulated.transport(), timeout_s=timeout_s or SIMULATED_TIMEOUT_S) as device,
    ):
        yield device


def known_network(digest: str, folders: Sequence[Path] = FOLDERS) -> Network:
    """The network file below ``folders`` that has this digest. Raises LinkError."""
    for path in (path for folder in folders for path in sorted(folder.rglob("*.safetensors"))):
        try:
            network = load_network(path)
        except NetworkError:
            continue
        if network.digest == digest:
            return network
    places = " and ".join(map(str, folders))
    raise LinkError(
        f"the board holds the network {digest[:12]}, which is not in {places}; "
        "name its file with --model"
    )
