"""Images classified on a board, or on a simulation of one: what ``subbit run`` does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from subbit.boards import Board
from subbit.boards import board as board_of
from subbit.sw.errors import LinkError, NetworkError
from subbit.sw.host.classify import Classification, classify_codes, classify_files
from subbit.sw.host.device import Device
from subbit.sw.host.transport import SerialTransport
from subbit.sw.ir import Network, load_network

__all__ = ["known_network", "open_device", "run_images"]

SIMULATED = "sim"
TIMEOUT_S = 2.0
# A simulated board takes a few thousand times as long as a real one.
SIMULATED_TIMEOUT_S = 60.0
FOLDERS = (Path("examples"), Path("build"))


def run_images(
    port: str,
    images: Sequence[Path] = (),
    *,
    network: Network | None = None,
    samples: int | None = None,
    data: Path | None = None,
    board: Board | None = None,
    timeout_s: float | None = None,
) -> list[Classification]:
    """Classify image files, or the first ``samples`` test images of the network's data set (its
    files in ``data``), on the board at a serial port, or for the port ``sim`` on a simulated one.

    ``network``: that the board holds; by default the one below examples/ and build/ that it is.
    ``board``: by default the ULX3S. ``timeout_s``: how long an answer may take. A frame for which
    no result comes says why in ``failure``, beside the results of the others. Raises LinkError,
    NetworkError and DataError.
    """
    from subbit.sw.evaluate import load_frames

    if bool(images) == bool(samples):
        raise LinkError("name images, or ask for a number of samples")
    with open_device(port, network, board, timeout_s) as device:
        network = network or known_network(device.info.digest)
        if images:
            return classify_files(device, network, images)
        frames = load_frames(network, data, samples)
        names = [f"test image {n} (is {y})" for n, y in enumerate(frames.labels)]
        return classify_codes(device, network, frames.codes, names)


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
    target = board or board_of("ulx3s")
    if port != SIMULATED:
        line = SerialTransport(port, target.uart_baud)
        with Device(line, timeout_s=timeout_s or TIMEOUT_S) as device:
            yield device
        return
    from subbit.hw.design.top import Core
    from subbit.sw.host.simulated_board import SimulatedBoard
    from subbit.sw.lower.pipeline import Pipeline
    from subbit.sw.planner import default_plan

    if network is None:
        raise LinkError("a simulated board needs the network; name it with --model")
    pipeline = Pipeline(network, default_plan(network, target))
    core = Core(pipeline=pipeline, clock_hz=target.oscillator_hz, baud=target.uart_baud)
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
