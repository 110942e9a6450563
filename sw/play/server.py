"""The page of the virtual board, over HTTP on this machine alone unless told otherwise."""

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

from markupsafe import Markup

from subbit.sw.errors import SubbitError
from subbit.sw.play.session import Frame, Session
from subbit.sw.report.page import TEMPLATES, render

__all__ = ["MOST_BYTES", "PlayServer", "is_local"]

MOST_BYTES = 8 << 20  # of a picture that is sent
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE, JSON_TYPE = "text/html; charset=utf-8", "application/json"
Answer = Callable[["Handler", dict[str, list[str]], bytes], dict[str, Any]]


def is_local(host: str) -> bool:
    """Whether only programs on this machine reach an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class PlayServer(ThreadingHTTPServer):
    """Serves ``session`` at ``host`` and ``port``, 0 for a free one; ``url`` is where.

    On an address that other machines reach every request needs a token, which is part of the URL.
    On the loopback a request must come for a local name, so that no page of another place can ask
    under a name of its own. Raises OSError where the port is taken.
    """

    daemon_threads = True

    def __init__(self, session: Session, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), Handler)
        self.session = session
        self.token = "" if is_local(host) else secrets.token_urlsafe(18)
        query = f"?token={self.token}" if self.token else ""
        self.url = f"http://{host}:{self.server_address[1]}/{query}"
        self.last: Frame | None = None

    def begin(self) -> None:
        """Serve, and work out the plan, both beside."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        threading.Thread(target=self.session.make_plan, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: PlayServer
    server_version = "subbit"
    sys_version = ""
    timeout = 30  # seconds that a request may take to come in

    def do_GET(self) -> None:
        """The page, or JSON."""
        self.respond("GET", b"")

    def do_POST(self) -> None:
        """A picture, or a question that takes long."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            self.fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send at most {MOST_BYTES} bytes")
            return
        self.respond("POST", self.rfile.read(int(length)))

    def respond(self, method: str, body: bytes) -> None:
        """Answer, if the request may ask."""
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if not self.allowed(query):
            self.fail(HTTPStatus.FORBIDDEN, "open the address that `subbit board` has printed")
        elif (method, parts.path) == ("GET", "/"):
            self.send_page()
        elif answer := ANSWERS.get((method, parts.path)):
            try:
                self.send(HTTPStatus.OK, JSON_TYPE, json.dumps(answer(self, query, body)).encode())
            except SubbitError as error:
                self.fail(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        else:
            self.fail(HTTPStatus.NOT_FOUND, "there is no such page")

    def allowed(self, query: dict[str, list[str]]) -> bool:
        """Whether a request knows the token, or comes from a page of this very server."""
        token = self.server.token
        if token:
            given = self.headers.get("X-Token") or query.get("token", [""])[0]
            return hmac.compare_digest(given.encode(), token.encode())
        port = self.server.server_address[1]
        hosts = [f"{name}:{port}" for name in LOCAL_NAMES]
        origin = self.headers.get("Origin")
        from_here = origin is None or origin in [f"http://{host}" for host in hosts]
        return self.headers.get("Host") in hosts and from_here

    def send_page(self) -> None:
        """The page; only its own script may run, and it may ask this server alone."""
        nonce = secrets.token_urlsafe(12)
        style = Markup((TEMPLATES / "style.css").read_text())
        script = Markup((TEMPLATES / "play.js").read_text())
        values = {"style": style, "script": script, "nonce": nonce, "token": self.server.token}
        page = render("play", values | {"state": self.server.session.state()})
        policy = f"{POLICY}; script-src 'nonce-{nonce}'"
        self.send(HTTPStatus.OK, PAGE, str(page).encode(), {"Content-Security-Policy": policy})

    def fail(self, status: HTTPStatus, message: str) -> None:
        """An error, as JSON."""
        self.send(status, JSON_TYPE, json.dumps({"error": message}).encode())

    def send(
        self, status: HTTPStatus, kind: str, content: bytes, more: dict[str, str] | None = None
    ) -> None:
        """One whole answer."""
        self.send_response(status)
        rows = {"Content-Type": kind, "Content-Length": str(len(content))}
        rows |= {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        rows |= {"X-Content-Type-Options": "nosniff"}
        for name, value in (rows | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def state(handler: Handler, query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
    """What the board is."""
    return handler.server.session.state()


def answered(handler: Handler, frame: Frame) -> dict[str, Any]:
    """The answer to a frame, which the RTL may be asked for next."""
    handler.server.last = frame
    return handler.server.session.answer(frame)


def sample(handler: Handler, query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
    """The test image ``number``."""
    number = query.get("number", ["0"])[0]
    place = int(number) if number.isdecimal() and len(number) < 10 else -1
    return answered(handler, handler.server.session.sample(place))


def picture(handler: Handler, query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
    """The picture, or other sample, in the body, called ``name``; ``invert``: black for white."""
    name = query.get("name", ["drawing.png"])[0]
    invert = query.get("invert") == ["1"]
    return answered(handler, handler.server.session.picture(body, name, invert))


def rtl(handler: Handler, query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
    """The last frame in the RTL."""
    frame = handler.server.last or handler.server.session.sample(0)
    return handler.server.session.compared(frame)


ANSWERS: dict[tuple[str, str], Answer] = {
    ("GET", "/state"): state,
    ("GET", "/sample"): sample,
    ("POST", "/picture"): picture,
    ("POST", "/rtl"): rtl,
}
