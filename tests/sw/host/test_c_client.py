"""The client in C against a board at the end of a pseudo-terminal."""

import os
import pty
import select
import shutil
import subprocess
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.hw.link.protocol import Kind, LinkInfo, Message
from subbit.sw.host.loopback import BoardModel, Faults, NoisyLine
from subbit.sw.host.packing import pack_frames
from subbit.sw.ir import Encoding
from tests.paths import EXAMPLES

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

INFO = LinkInfo(
    digest="5b" * 32,
    height=4,
    width=4,
    channels=1,
    bits=4,
    encoding=Encoding.UNSIGNED,
    logits=16,
    logit_bytes=4,
    clock_hz=0,
    name="sixteen",
)


def logits(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The elements themselves: the class is the place of the greatest."""
    return codes.reshape(-1)


class Deaf(BoardModel):
    """Refuses every frame, or answers no INFER at all."""

    def __init__(self, answers: bool) -> None:
        super().__init__(INFO, logits)
        self.answers = answers

    def _respond(self, content: bytes, damaged: bool) -> list[Message]:
        found = super()._respond(content, damaged)
        if found[0].kind != Kind.RESULT:
            return found
        return [Message(Kind.ERROR, found[0].sequence, b"\x04")]


@contextmanager
def board_on_a_pty(board: BoardModel, faults: Faults) -> Iterator[str]:
    """The path of a pseudo-terminal at whose other end is ``board``."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    over = threading.Event()
    there, back = NoisyLine(faults, 0), NoisyLine(faults, 1)

    def serve() -> None:
        while not over.is_set():
            if select.select([master], [], [], 0.05)[0]:
                sent = back.carry(board.feed(there.carry(os.read(master, 4096))))
                while sent:
                    sent = sent[os.write(master, sent) :]

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        over.set()
        thread.join()
        os.close(master)
        os.close(slave)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program."""
    program = tmp_path_factory.mktemp("client") / "client"
    source = EXAMPLES / "c-client" / "client.c"
    flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover"]
    subprocess.run(["cc", *flags, *sanitizers, "-o", str(program), str(source)], check=True)
    return program


def run(client: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What the client says."""
    line = [str(client), *words]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("damage", [0.0, 0.0005])
def test_every_frame_gets_its_class(client: Path, damage: float, tmp_path: Path) -> None:
    codes = np.random.default_rng(3).integers(0, 16, (400, 4, 4, 1), np.uint8)
    (tmp_path / "frames").write_bytes(pack_frames(INFO, codes).tobytes())
    board = BoardModel(INFO, logits)
    faults = Faults(drop=damage, flip=damage, insert=damage, seed=2)
    with board_on_a_pty(board, faults) as port:
        done = run(client, port, str(tmp_path / "frames"))
    assert done.returncode == 0, done.stderr
    assert [int(line) for line in done.stdout.split()] == codes.reshape(400, -1).argmax(1).tolist()
    assert (len(board.frames) > 400) == (damage > 0)


def test_it_keeps_the_window_full(client: Path, tmp_path: Path) -> None:
    """It sends as many requests as the board has buffers before the first answer comes."""
    (tmp_path / "frames").write_bytes(bytes(8 * 20))
    held: list[bytes] = []

    class Slow(BoardModel):
        def _respond(self, content: bytes, damaged: bool) -> list[Message]:
            if content[0] == Kind.INFER:
                held.append(content)
            return super()._respond(content, damaged)

        def feed(self, received: bytes) -> bytes:
            sent = super().feed(received)
            self.waiting = getattr(self, "waiting", b"") + sent
            if held and len(held) < INFO.window:
                return b""
            sent, self.waiting = self.waiting, b""
            return sent

    with board_on_a_pty(Slow(INFO, logits), Faults()) as port:
        done = run(client, port, str(tmp_path / "frames"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0"] * 20


@pytest.mark.parametrize(
    ("frames", "words"),
    [(bytes(8), "the board refuses a frame"), (bytes(9), "the file holds no whole frames")],
)
def test_what_cannot_be_done_is_said(
    client: Path, frames: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / "frames").write_bytes(frames)
    with board_on_a_pty(Deaf(True), Faults()) as port:
        done = run(client, port, str(tmp_path / "frames"))
    assert (done.returncode, done.stderr) == (2, f"client: {words}\n")


def test_a_port_that_is_none(client: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert run(client, str(tmp_path / "no"), "x").stderr == "client: cannot open the port\n"
    assert run(client, str(tmp_path / "file"), "x").stderr == "client: the port is no serial line\n"
    assert run(client).stderr == "client: usage: client PORT FRAMES [BAUD]\n"
