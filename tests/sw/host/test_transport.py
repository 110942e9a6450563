"""Transports: what arrives, what is said when the other side is missing or gone."""

import os
import pty
import re
import socket
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path

import pytest

from subbit.sw.errors import LinkError
from subbit.sw.host.transport import FileTransport, PtyTransport, SerialTransport, Transport


def open_pty() -> tuple[int, str]:
    """The board's end of a pseudo-terminal, and the path of the host's end."""
    board, host = pty.openpty()
    tty.setraw(host)
    path = os.ttyname(host)
    os.close(host)
    return board, path


OPENERS: dict[str, Callable[[str], Transport]] = {"pty": PtyTransport, "serial": SerialTransport}


@pytest.mark.parametrize("opener", OPENERS)
def test_terminals_carry_every_byte_value(opener: str) -> None:
    board, path = open_pty()
    every = bytes(range(256))
    with OPENERS[opener](path) as line:
        assert line.name == path
        line.write(every)
        assert os.read(board, 1000) == every
        os.write(board, every)
        got = b""
        while len(got) < 256:
            part = line.read(100, 5)
            assert 1 <= len(part) <= 100
            got += part
        assert got == every
        began = time.monotonic()
        assert line.read(100, 0.1) == b""
        assert 0.09 < time.monotonic() - began < 2
        assert line.read(100, -1) == b""
    os.close(board)


@pytest.mark.parametrize("opener", OPENERS)
def test_a_missing_port_is_named(opener: str) -> None:
    with pytest.raises(LinkError, match=r"/dev/nothing .*\(No such file or directory\)|at 3000000"):
        OPENERS[opener]("/dev/nothing")


def test_what_is_no_terminal_is_refused(tmp_path: Path) -> None:
    path = f"{tmp_path}/file"
    with open(path, "w"), pytest.raises(LinkError, match=re.escape(path)):
        PtyTransport(path)


@pytest.mark.parametrize("opener", OPENERS)
def test_a_line_that_goes_away_is_reported(opener: str) -> None:
    board, path = open_pty()
    with OPENERS[opener](path) as line:
        threading.Timer(0.1, os.close, (board,)).start()
        with pytest.raises(LinkError, match=rf"{path} (is gone|was closed)"):
            line.read(100, 5)


def test_long_writes_wait_for_a_slow_reader() -> None:
    here, there = socket.socketpair()
    content = os.urandom(1 << 20)
    got = bytearray()

    def reader() -> None:
        while len(got) < len(content):
            got.extend(there.recv(65536))
            time.sleep(0.001)

    thread = threading.Thread(target=reader)
    thread.start()
    with FileTransport(here.detach()) as line:
        line.write(content)
        thread.join()
    assert bytes(got) == content


def test_a_closed_end_and_a_closed_transport_are_reported() -> None:
    here, there = socket.socketpair()
    line = FileTransport(here.detach(), "the socket")
    there.close()
    with pytest.raises(LinkError, match="the socket was closed by its other side"):
        line.read(10, 1)
    with pytest.raises(LinkError, match="the socket is gone"):
        line.write(b"x")
    line.close()
    line.close()
    with pytest.raises(LinkError, match="the socket is closed; open it again"):
        line.read(10, 1)


def test_a_reader_that_takes_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subbit.sw.host.transport.WRITE_TIMEOUT_S", 0.05)
    here, there = socket.socketpair()
    with FileTransport(here.detach()) as line, pytest.raises(LinkError, match="took no byte for"):
        line.write(bytes(1 << 24))
    there.close()
