"""The virtual board: what its page asks and gets, who may ask, and its line for programs."""

import io
import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from subbit.boards import board
from subbit.sw.errors import SubbitError
from subbit.sw.golden import predict
from subbit.sw.host.device import Device
from subbit.sw.host.loopback import Faults
from subbit.sw.host.transport import PtyTransport
from subbit.sw.ir import load_network
from subbit.sw.lower.plan import save_plan, smallest_plan
from subbit.sw.play import server as serving
from subbit.sw.play.board import virtual_board
from subbit.sw.play.line import LineFaults, VirtualLine
from subbit.sw.play.session import Frame, Session
from subbit.sw.report.page import TEMPLATES
from tests.networks import decoder_network, small_network
from tests.paths import EXAMPLES
from tests.sw.report.browser import answer, answering, needs_browser
from tests.sw.report.pages import read

BOARD = board("ulx3s-12f")
TENSORS = 10  # of digits-plain, its input included


def wrong_rtl(network: Any, plan: Any, codes: np.ndarray) -> dict[str, np.ndarray]:
    """A simulation that has one element wrong."""
    codes = codes.astype(np.int64)
    bad = codes.copy()
    bad[0, 0, 0] ^= 1
    return {"input": bad}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("sklearn")
    network = load_network(EXAMPLES / "digits-plain.safetensors")
    plan = tmp_path_factory.mktemp("plan") / "plan.json"
    save_plan(smallest_plan(network), plan)
    with virtual_board(network, BOARD, plan=plan, simulate=wrong_rtl) as place:
        assert place.url.startswith("http://127.0.0.1:")
        assert place.pty is None
        yield place.url


def get(url: str, body: bytes | None = None, **headers: str) -> Any:
    """What is answered: JSON, or the text of the page."""
    asked = urllib.request.Request(url, body, {k.replace("_", "-"): v for k, v in headers.items()})
    with urllib.request.urlopen(asked, timeout=120) as reply:
        text = reply.read().decode()
        return json.loads(text) if "json" in reply.headers["Content-Type"] else text


def refused(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    """The status and message of an error."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(url, body, **headers)
    return caught.value.code, json.loads(caught.value.read())["error"]


def test_the_page(url: str) -> None:
    page = read(get(url))
    assert "digits-plain on a virtual ULX3S with LFE5U-12F" in page.text
    scripts = [row for tag, row in page.tags if tag == "script"]
    assert len(scripts) == 1
    assert scripts[0]["nonce"]
    with urllib.request.urlopen(url, timeout=60) as reply:
        policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline' 'nonce" not in policy
    assert "connect-src 'self'" in policy


def test_test_images_are_classified(url: str) -> None:
    state = get(url + "state")
    assert state["samples"] > 300
    row = get(url + "sample?number=3")
    assert (row["name"], row["wanted"], row["label"]) == ("test image 3", "1", "1")
    numbers = [value for _, value in row["logits"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 10
    layers = read(row["layers"])
    assert len(layers.values("src")) == TENSORS
    last = f"there are test images 0 to {state['samples'] - 1}"
    for number in (state["samples"], "-1", "x", "9" * 30):
        status, message = refused(f"{url}sample?number={number}")
        assert status == 422
        assert last in message


def test_a_picture_is_classified_as_run_would(url: str) -> None:
    content = (EXAMPLES / "pictures" / "three.png").read_bytes()
    row = get(url + "picture?name=three.png", content)
    assert (row["name"], row["label"], row["wanted"]) == ("three.png", "3", None)
    inverted = get(url + "picture?name=three.png&invert=1", content)
    assert inverted["logits"] != row["logits"]
    assert refused(url + "picture?name=a.png", b"no picture")[0] == 422


def test_names_of_pictures_lead_nowhere(url: str) -> None:
    """The file name that a browser sends is shown, and decides nothing but the kind."""
    image = io.BytesIO()
    Image.new("L", (8, 8)).save(image, "PNG")
    row = get(url + "picture?name=../../etc/%3Cb%3Ex.png", image.getvalue())
    assert row["name"] == "<b>x.png"
    status, message = refused(url + "picture?name=..%2F..%2Fetc%2Fpasswd", b"no picture")
    assert status == 422
    assert "/tmp" not in message


def test_the_rtl_stands_beside(url: str) -> None:
    get(url + "sample?number=5")
    for _ in range(600):
        if not get(url + "state")["planning"]:
            break
        time.sleep(0.1)
    row = get(url + "rtl", b"")
    assert (row["name"], row["differ"]) == ("test image 5", {"input": 1})
    assert "1 elements differ" in read(row["layers"]).text
    state = get(url + "state")
    assert state["latency_us"] == pytest.approx(
        state["latency_cycles"] / state["clock_mhz"], rel=1e-3
    )


def test_pages_of_other_places_are_refused(url: str) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        status, message = refused(url + "state", **headers)
        assert status == 403
        assert "subbit board" in message
    assert refused(url + "nothing")[0] == 404
    assert refused(url + "state", b"")[0] == 404


def test_too_much_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_BYTES", 10)
    assert refused(url + "picture", b"x" * 11) == (413, "send at most 10 bytes")


def test_other_machines_need_a_token() -> None:
    with virtual_board(small_network("plain"), BOARD, host="0.0.0.0") as place:
        address, _, query = place.url.replace("0.0.0.0", "127.0.0.1").partition("?")
        token = query.removeprefix("token=")
        assert len(token) >= 20
        assert refused(address + "state")[0] == 403
        assert refused(address + "state?token=" + token[:-1] + "_")[0] == 403
        assert get(address + "state", X_Token=token)["draws"]
        assert read(get(f"{address}?{query}")).values("data-token") == [token]


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *((host, True) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")),
        *((host, False) for host in ("0.0.0.0", "192.168.1.4", "::", "my-pc", "")),
    ],
)
def test_local_addresses(host: str, local: bool) -> None:
    assert serving.is_local(host) is local


def test_an_address_that_is_taken() -> None:
    network = small_network("plain")
    with virtual_board(network, BOARD) as place:
        port = int(place.url.rsplit(":", 1)[1].strip("/"))
        with (
            pytest.raises(SubbitError, match="name another --host or --http"),
            virtual_board(network, BOARD, http=port),
        ):
            pass


def test_networks_without_data_or_class() -> None:
    session = Session(decoder_network(), BOARD)
    row = session.state()
    assert row["samples"] == 0
    assert "names no data set" in row["no_samples"]
    codes = np.zeros(session.network.input_type.shape, np.int64)
    assert session.answer(Frame(codes, "zeros"))["label"] is None
    with pytest.raises(SubbitError, match="start the board with --rtl"):
        session.compared(Frame(codes, "zeros"))


def test_programs_find_it_at_a_line() -> None:
    network = small_network("plain")
    codes = np.random.default_rng(1).integers(0, 16, (5, 8, 8, 1)).astype(np.uint8)
    with VirtualLine(network, 25e6) as line, Device(PtyTransport(line.path)) as device:
        assert device.identify().digest == network.digest
        assert (device.infer(codes)[0] == predict(network, codes).classes).all()


def test_faults_of_the_line_are_survived() -> None:
    """Bytes are lost and damaged, the board stalls and starts anew: the answers are still right."""
    network = small_network("plain")
    codes = np.random.default_rng(2).integers(0, 16, (40, 8, 8, 1)).astype(np.uint8)
    faults = LineFaults(Faults(drop=2e-4, flip=2e-4, seed=3), stall=0.1, reset=0.1)
    with VirtualLine(network, 25e6, faults) as line:
        with Device(PtyTransport(line.path), timeout_s=5.0) as device:
            found = device.answers(codes)
        assert line.stalls + line.resets > 0
    right = predict(network, codes).classes
    good = [place for place in range(len(codes)) if place not in found.failures]
    assert len(good) >= 35
    assert (found.classes[good] == right[good]).all()


def test_the_script_asks_only_for_what_is_answered() -> None:
    script = (TEMPLATES / "play.js").read_text()
    for path in ("/state", "/sample", "/picture", "/rtl"):
        assert f'"{path}' in script or f"`{path}" in script
    assert {path for _, path in serving.ANSWERS} == {"/state", "/sample", "/picture", "/rtl"}


DRAW = """
const wait = async (test) => { for (let k = 0; k < 400 && !test(); k++)
  await new Promise(done => setTimeout(done, 25)); };
const pad = document.getElementById('pad');
const send = (kind, x, y) => { const box = pad.getBoundingClientRect();
  pad.dispatchEvent(new PointerEvent(kind, {clientX: box.left + x, clientY: box.top + y,
    pointerId: 1, bubbles: true})); };
pad.setPointerCapture = () => {};
await wait(() => document.getElementById('name').textContent !== 'Nothing yet.');
const first = document.getElementById('name').textContent;
send('pointerdown', 140, 30);
for (let y = 30; y < 250; y += 10) send('pointermove', 140, y);
send('pointerup', 140, 250);
await wait(() => document.getElementById('name').textContent === 'drawing.png');
return {first, name: document.getElementById('name').textContent,
  label: document.getElementById('label').textContent,
  layers: document.querySelectorAll('#layers img').length,
  trouble: document.getElementById('trouble').textContent};
"""


@needs_browser
def test_a_drawn_digit_gets_its_class(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the page's own script, to which a hand is added that draws a one."""
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    script = tmp_path / "templates" / "play.js"
    script.write_text(script.read_text() + answering(DRAW))
    monkeypatch.setattr(serving, "TEMPLATES", script.parent)
    found = answer(url, tmp_path)
    assert found == {
        "first": "test image 0",
        "name": "drawing.png",
        "label": "1",
        "layers": TENSORS,
        "trouble": "",
    }
