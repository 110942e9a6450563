"""The Device against a board in pure Python, over lines good and bad."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from subbit.hw.link.hdlc import frame
from subbit.hw.link.protocol import ErrorCode, Kind, LinkInfo, Message
from subbit.sw.errors import DataError, LinkError
from subbit.sw.host.classify import classify_codes, classify_files
from subbit.sw.host.device import Device
from subbit.sw.host.loopback import BoardModel, Faults, LoopbackDevice
from subbit.sw.host.transport import Transport
from subbit.sw.ir import BinaryWeights, Encoding, Flatten, Linear, Network, TensorType


def network(seed: int = 0) -> Network:
    weights = np.random.default_rng(seed).integers(0, 2, (3, 12), np.uint8)
    return Network.chain(
        f"tiny{seed}",
        TensorType.codes(2, 3, 2, 4, Encoding.UNSIGNED),
        {"flatten": Flatten(), "linear": Linear(BinaryWeights(weights))},
        {"classes": ["ant", "bee", "cat"], "dataset": {"preprocess": {"bits": 4, "shift": 4}}},
    )


def classify(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    flat = codes.astype(np.int64).reshape(-1)
    return np.array([flat[:4].sum(), -flat[4:].sum(), flat @ np.arange(12)])


def board() -> BoardModel:
    return BoardModel(LinkInfo.from_network(network(), 40_000_000), classify)


def frames(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(count).integers(0, 16, (count, 2, 3, 2))


def check(device: Device, count: int) -> None:
    codes = frames(count)
    classes, logits = device.infer(codes)
    expected = np.array([classify(code) for code in codes]).reshape(count, 3)
    np.testing.assert_array_equal(logits, expected)
    np.testing.assert_array_equal(classes, expected.argmax(axis=1) if count else [])


def test_good_line() -> None:
    model = board()
    device = Device(LoopbackDevice(model))
    assert device.identify() == model.info
    check(device, 40)
    check(device, 0)
    np.testing.assert_array_equal(np.array(model.frames), frames(40))
    counts = device.statistics
    assert (counts.requests, counts.results, counts.repeats, counts.errors) == (41, 40, 0, 0)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(drop=0.01, seed=1),
        Faults(flip=0.01, seed=2),
        Faults(insert=0.01, seed=3),
        Faults(drop=0.01, flip=0.01, insert=0.01, seed=4),
    ],
)
def test_bad_lines_change_nothing_but_the_time(faults: Faults) -> None:
    model = board()
    device = Device(LoopbackDevice(model, faults), retries=40)
    assert device.identify() == model.info
    check(device, 200)
    assert device.statistics.repeats > 0
    sent = Counter(code.tobytes() for code in frames(200).astype(np.uint8))
    seen = Counter(code.tobytes() for code in model.frames)
    assert seen.keys() == sent.keys(), "the accelerator saw a frame that nobody sent, or missed one"


class Scripted(Transport):
    """Answers each request with what ``script`` makes of it and of the board's own answer."""

    name = "the script"

    def __init__(self, script: Callable[[int, bytes], bytes]) -> None:
        self.inner = LoopbackDevice(board())
        self.script = script
        self.count = 0
        self.waiting = b""

    def write(self, content: bytes) -> None:
        self.inner.write(content)
        self.waiting += self.script(self.count, self.inner.read(1 << 20, 0))
        self.count += 1

    def read(self, limit: int, timeout_s: float) -> bytes:
        content, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return content

    def close(self) -> None:
        self.waiting = b""


def test_garbage_before_the_first_answer() -> None:
    device = Device(Scripted(lambda n, answer: b"Hello \x7e\x7d, I am\x00 a board" + answer))
    check(device, 5)
    assert device.statistics.repeats == 0


def test_a_lost_answer_is_noticed_by_the_next_one() -> None:
    device = Device(Scripted(lambda n, answer: b"" if n == 3 else answer))
    check(device, 20)
    assert (device.statistics.repeats, device.statistics.timeouts) == (1, 0)


def test_a_lost_last_answer_is_noticed_by_the_timeout() -> None:
    device = Device(Scripted(lambda n, answer: b"" if n == 3 else answer))
    check(device, 3)
    assert (device.statistics.repeats, device.statistics.timeouts) == (1, 1)


def test_answers_of_earlier_requests_are_ignored() -> None:
    kept: list[bytes] = []

    def script(n: int, answer: bytes) -> bytes:
        kept.append(answer)
        return kept[n - 2] + answer if n > 2 else answer

    device = Device(Scripted(script))
    check(device, 30)
    assert device.statistics.repeats == 0


def refusal(code: int, answer: bytes) -> bytes:
    sequence = answer[2]
    return frame(Message(Kind.ERROR, sequence, bytes([code])).content())


def test_busy_is_tried_again() -> None:
    device = Device(Scripted(lambda n, a: refusal(ErrorCode.BUSY, a) if n % 3 == 1 else a))
    device._line._sequence = 0x80
    check(device, 20)
    assert device.statistics.errors == device.statistics.repeats > 5


def test_a_refusal_that_does_not_end_is_reported() -> None:
    device = Device(Scripted(lambda n, a: refusal(ErrorCode.BAD_LENGTH, a) if n else a), retries=2)
    device._line._sequence = 0x80
    with pytest.raises(LinkError, match=r"frame 0 in 3 attempts \(the board answered BAD_LENGTH\)"):
        check(device, 1)


def test_silence_and_noise_are_told_apart() -> None:
    with pytest.raises(LinkError, match="does not answer"):
        Device(Scripted(lambda n, answer: b"")).identify()
    with pytest.raises(LinkError, match="sends bytes, but not by the host protocol"):
        Device(Scripted(lambda n, answer: b"login: ")).identify()


def test_endless_noise_does_not_hang() -> None:
    class Noise(Scripted):
        def read(self, limit: int, timeout_s: float) -> bytes:
            return b"\x7e\x55" * 8

    with pytest.raises(LinkError, match="sends bytes"):
        Device(Noise(lambda n, answer: b""), timeout_s=0.01, retries=1).identify()


class Slow(Scripted):
    """Gives each answer ``delay_s`` after its request, ``rate`` bytes a second, in a time of its
    own that passes where the host waits.
    """

    name = "the slow line"

    def __init__(self, delay_s: float, rate: float = 1e9) -> None:
        super().__init__(lambda n, answer: answer)
        self.delay_s, self.rate = delay_s, rate
        self.now = self.free = 0.0
        self.seen = False
        self.due: list[tuple[float, bytes]] = []

    def write(self, content: bytes) -> None:
        self.inner.write(content)
        begins = max(self.now + self.delay_s, self.free)
        for byte in self.inner.read(1 << 20, 0):
            begins += 1 / self.rate
            self.due.append((begins, bytes([byte])))
        self.free = begins

    def read(self, limit: int, timeout_s: float) -> bytes:
        """What comes until the timeout, and then nothing: the host's clock has not moved."""
        if self.seen:
            self.seen = False
            return b""
        self.now += timeout_s
        arrived = b"".join(byte for when, byte in self.due if when <= self.now)
        self.due = [entry for entry in self.due if entry[0] > self.now]
        self.seen = bool(arrived)
        return arrived


@pytest.mark.parametrize("delay_s", [0.5, 1.5, 3.0, 7.0, 11.0])
def test_a_slow_board_is_waited_for(delay_s: float) -> None:
    line = Slow(delay_s)
    device = Device(line, timeout_s=2.0)
    check(device, 5)
    assert len(line.inner.board.frames) == 5


def test_a_line_that_is_too_slow_is_not_called_a_wrong_baud_rate() -> None:
    with pytest.raises(
        LinkError, match=r"too slowly: \d+ bytes came in 12 s; allow more time"
    ) as e:
        Device(Slow(0.0, rate=4), timeout_s=2.0).identify()
    assert "baud" not in str(e.value)
    with pytest.raises(LinkError, match="does not answer"):
        Device(Slow(13.0), timeout_s=2.0).identify()
    assert Device(Slow(13.0), timeout_s=15.0).identify() == board().info


def test_a_board_that_falls_silent_leaves_the_results_before() -> None:
    line = Scripted(lambda n, answer: answer if n <= 4 else b"")
    device = Device(line)
    codes = frames(9)
    answers = device.answers(codes)
    assert sorted(answers.failures) == [4, 5, 6, 7, 8]
    for text in answers.failures.values():
        assert "gave no result for 12 s; the board answered before" in text
    expected = np.array([classify(code) for code in codes[:4]])
    np.testing.assert_array_equal(answers.logits[:4], expected)
    with pytest.raises(LinkError, match=r"no result for 12 s.* \(9 of 9 frames have no result\)"):
        device.infer(codes)


def test_a_frame_that_is_always_refused_leaves_the_others() -> None:
    codes = frames(30)
    poison = codes[7].astype(np.uint8).tobytes()

    class Refusing(LoopbackDevice):
        name = "the refusing board"

        def write(self, content: bytes) -> None:
            before = len(self.board.frames)
            answer = self.board.feed(content)
            seen = self.board.frames[before:]
            if seen and seen[0].tobytes() == poison:
                answer = refusal(ErrorCode.BAD_LENGTH, answer)
            self._waiting += answer

    answers = Device(Refusing(board())).answers(codes)
    assert list(answers.failures) == [7]
    assert "frame 7 in 6 attempts (the board answered BAD_LENGTH)" in answers.failures[7]
    right = np.array([classify(code) for code in codes])
    right[7] = 0
    np.testing.assert_array_equal(answers.logits, right)


def test_a_board_unplugged_leaves_the_results_before() -> None:
    class Unplugged(Scripted):
        def write(self, content: bytes) -> None:
            if self.count > 12:
                raise LinkError("the line is gone; connect it and start again")
            super().write(content)

    answers = Device(Unplugged(lambda n, answer: answer)).answers(frames(20))
    done = 20 - len(answers.failures)
    assert done > 3
    reason = "the line is gone; connect it and start again"
    assert answers.failures == dict.fromkeys(range(done, 20), reason)
    expected = np.array([classify(code) for code in frames(20)[:done]])
    np.testing.assert_array_equal(answers.logits[:done], expected)


def test_a_call_that_was_interrupted_leaves_nothing_to_the_next() -> None:
    device = Device(LoopbackDevice(board()))

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        device.answers(frames(20), stop)
    check(device, 20)


@pytest.mark.parametrize("seed", range(6))
def test_no_late_or_reordered_number_gives_a_wrong_result(seed: int) -> None:
    """Damage of all kinds, answers late at random, and BAD_CRC with numbers of other requests."""
    chance = np.random.default_rng(seed)
    held: list[bytes] = []

    def script(n: int, answer: bytes) -> bytes:
        held.append(answer)
        if chance.random() < 0.1:
            held.append(frame(Message(Kind.ERROR, chance.integers(256), b"\x01").content()))
        if chance.random() < 0.1:
            held[-1] = b""
        if chance.random() < 0.4:
            return b""
        late = b"".join(held)
        held.clear()
        return late

    check(Device(Scripted(script)), 400)


def test_another_network_on_the_board_is_named() -> None:
    device = Device(LoopbackDevice(board()))
    assert device.require(network()).name == "tiny0"
    with pytest.raises(LinkError, match=r"holds network 'tiny0' .*, not 'tiny1' .*subbit program"):
        device.require(network(1))


def test_a_board_loaded_anew_meanwhile_is_noticed() -> None:
    def script(n: int, answer: bytes) -> bytes:
        if n == 2:
            other = LinkInfo.from_network(network(1), 40_000_000)
            transport.inner = LoopbackDevice(BoardModel(other, classify))
            return b""
        return answer

    transport = Scripted(script)
    with pytest.raises(LinkError, match="loaded with another network"):
        check(Device(transport), 2)


def test_progress_counts_results() -> None:
    seen: list[int] = []
    Device(LoopbackDevice(board())).infer(frames(7), seen.append)
    assert seen == [1] * 7


def test_frames_of_another_shape_are_refused() -> None:
    with pytest.raises(DataError, match="takes frames of shape"):
        Device(LoopbackDevice(board())).infer(np.zeros((1, 3, 2, 2), int))


def test_a_network_that_ends_in_codes_answers_with_them() -> None:
    flat = Network.chain("flat", TensorType.codes(2, 3, 2, 4), {"flatten": Flatten()})
    model = BoardModel(LinkInfo.from_network(flat, 1), lambda codes: codes.reshape(-1))
    rows = classify_codes(Device(LoopbackDevice(model)), flat, frames(3), list("abc"))
    found = [(row.name, row.index, row.label, list(row.logits)) for row in rows]
    codes = frames(3).reshape(3, 12).tolist()
    assert found == [(name, -1, "12 codes", row) for name, row in zip("abc", codes, strict=True)]


def test_classify_files(tmp_path: Path) -> None:
    from PIL import Image

    grey = Network.chain(
        "grey",
        TensorType.codes(2, 3, 1, 4, Encoding.UNSIGNED),
        {
            "flatten": Flatten(),
            "linear": Linear(BinaryWeights(np.array([[1] * 6, [0] * 6, [1, 0] * 3]))),
        },
        {"classes": ["ant", "bee", "cat"], "dataset": {"preprocess": {"bits": 4, "shift": 4}}},
    )
    pixels = np.array([[0x12, 0x34, 0x56], [0x78, 0x9A, 0xBC]], np.uint8)
    path = tmp_path / "image.png"
    Image.fromarray(pixels).save(path)

    def sums(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
        np.testing.assert_array_equal(codes[..., 0], pixels >> 4)
        return np.array([1, 5, 3])

    device = Device(LoopbackDevice(BoardModel(LinkInfo.from_network(grey, 1), sums)))
    first, _ = classify_files(device, grey, [path, path])
    assert (first.name, first.index, first.label) == (str(path), 1, "bee")
    assert first.logits == (1, 5, 3)
