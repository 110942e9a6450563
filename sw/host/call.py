"""Frames to the board and results back over a line that loses and damages bytes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from subbit.hw.link.protocol import ErrorCode, Kind, LinkInfo, Message
from subbit.sw.errors import LinkError
from subbit.sw.host.flight import Flight, Job
from subbit.sw.host.line import Line
from subbit.sw.host.packing import unpack_part, unpack_result

__all__ = ["Answers", "Call", "Patience"]

NOISY = "the line damages bytes: try a shorter cable, another port or a lower baud rate"
RELOAD = "the board is not what it says: load the bitstream again"
SILENT = (
    "the board answered before, so the port and the baud rate are right: see whether the cable "
    "is loose, or allow more time for an answer"
)
# Attempts to open the line anew without a result in between. Where three bytes of a hundred are
# damaged, one attempt in eight succeeds.
OPENINGS = 50


@dataclass
class Answers:
    """What came of a number of frames.

    ``classes`` ``(n,)`` and ``logits`` ``(n, logits)`` hold zeros for the frames in ``failures``,
    which says by a frame's index why it has no result.
    """

    classes: NDArray[np.int64]
    logits: NDArray[np.int64]
    failures: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Patience:
    """How long silence may last, and how much else is borne; see Device."""

    timeout_s: float
    retries: int
    silences: int


@dataclass
class Fruitless:
    """What there was since the last result, or part of one: silences since the last sign of life,
    attempts to open the line anew, and those that the board answered.
    """

    silences: int = 0
    openings: int = 0
    reopened: int = 0


class Call:
    """One call of Device.answers: jobs that go round until each has its result or is given up.

    ``flight`` outlives the call, since answers to its requests may still come afterwards.
    """

    def __init__(self, line: Line, info: LinkInfo, flight: Flight, patience: Patience) -> None:
        self._line, self._info, self._flight, self._patience = line, info, flight, patience
        self._answers = Answers(np.zeros(0, np.int64), np.zeros((0, info.logits), np.int64))
        self._opening = False
        self._spoilt = 0  # damaged answers since the last undamaged one
        self._under_way = (-1, 0)  # the request whose answer is in parts, and how many have passed
        self._fruitless = Fruitless()

    def run(self, bodies: NDArray[np.uint8], progress: Callable[[int], None]) -> Answers:
        """Send all ``bodies`` and collect what comes of them."""
        flight, count = self._flight, len(bodies)
        for job in flight.jobs:  # of a call that was interrupted
            flight.drop(job)
        self._answers.classes = np.zeros(count, np.int64)
        self._answers.logits = np.zeros((count, self._info.logits), np.int64)
        flight.waiting.extend(Job(index, body.tobytes()) for index, body in enumerate(bodies))
        try:
            while flight.jobs:
                while not self._opening and flight.may_send(self._info.window):
                    job = flight.waiting[0]
                    flight.add(self._line.send(Kind.INFER, job.body), job)
                    flight.waiting.popleft()
                if self._settle():
                    progress(1)
        except LinkError as error:  # the line is gone, the results so far are not
            self._give_up(str(error))
        return self._answers

    def _settle(self) -> bool:
        """Wait for one answer and act on it; whether it was a new result."""
        for message in self._line.messages(self._patience.timeout_s):
            self._fruitless.silences = 0
            if message is None or is_damage(message):
                self._spoilt += 1
                if message is None or message.sequence not in self._flight.sent:
                    jobs = self._flight.outstanding
                    if self._spoilt < self._to_come(jobs):
                        continue
                    # As many damaged messages as there were to come: no other is left.
                    return self._again(jobs, "its answer was damaged")
                # The number may be as damaged as the rest, so nothing in flight is surely over.
                self._line.statistics.errors += 1
                lost = self._flight.up_to(message.sequence)
                return self._again(lost, "the board answered BAD_CRC")
            if message.sequence in self._flight.sent:
                return self._take(message)
        self._line.statistics.timeouts += 1
        self._fruitless.silences += 1
        self._open()
        return False

    def _take(self, message: Message) -> bool:
        """Act on an undamaged answer to a request in flight; whether it is a new result."""
        flight, job = self._flight, self._flight.sent[message.sequence]
        part = unpack_part(self._info, message)
        self._spoilt = 0
        if part and part[0] < self._info.parts - 1:
            self._under_way = (message.sequence, part[0] + 1)
            lost = flight.begun(message.sequence)
        else:
            self._under_way = (-1, 0)
            lost = flight.answered(message.sequence)
        self._repeat(lost, "its request or its result was lost")
        if job is None:
            if message.kind == Kind.IDENTIFIED:
                self._reopened(message)
            return False
        if part:
            return self._keep(job, message.sequence, *part)
        self._line.statistics.errors += 1
        busy = message.kind == Kind.ERROR and message.body == bytes([ErrorCode.BUSY])
        job.refusals += not busy
        if job.sequence == message.sequence:
            self._repeat([job], refusal(message), RELOAD)
        return False

    def _to_come(self, jobs: list[Job]) -> int:
        """Messages that the answers to these jobs still have."""
        sequence, passed = self._under_way
        begun = any(job.sequence == sequence for job in jobs)
        return len(jobs) * self._info.parts - passed * begun

    def _keep(self, job: Job, sequence: int, number: int, content: bytes) -> bool:
        """Keep a part of a result, from the answer to a request; whether that made it whole."""
        if job.done:
            return False
        job.parts[number] = content
        self._fruitless = Fruitless()
        if len(job.parts) < self._info.parts:
            if number == self._info.parts - 1 and job.sequence == sequence:
                self._repeat([job], "parts of its result were damaged")
            return False
        body = b"".join(job.parts[number] for number in range(self._info.parts))
        logits, winner = unpack_result(self._info, body)
        self._answers.logits[job.index], self._answers.classes[job.index] = logits, winner
        self._flight.drop(job)
        self._line.statistics.results += 1
        return True

    def _open(self) -> None:
        """Ask whether the board is there; its answer shows what was lost before."""
        so_far, most = self._fruitless, self._patience.silences
        self._opening = True
        so_far.openings += 1
        if so_far.openings > OPENINGS or max(so_far.silences, so_far.reopened) > most:
            waited = f"for {so_far.openings * self._patience.timeout_s:g} s"
            silent = so_far.openings in (so_far.silences, so_far.reopened + 1)
            when, advice = (waited, SILENT) if silent else ("undamaged", NOISY)
            self._give_up(f"{self._line.name} gave no result {when}; {advice}")
        elif not self._flight.full:
            self._flight.add(self._line.send(Kind.IDENTIFY), None)

    def _reopened(self, message: Message) -> None:
        self._opening = False
        self._fruitless.reopened += 1
        if LinkInfo.unpack(message.body) != self._info:
            self._give_up(f"{self._line.name} was loaded with another network; start again")

    def _again(self, jobs: list[Job], reason: str) -> bool:
        """Send damaged requests again at once; never a result."""
        self._spoilt = 0
        if self._opening or not jobs:
            self._open()
        else:
            self._repeat(jobs, reason)
        return False

    def _repeat(self, jobs: Iterable[Job], reason: str, advice: str = NOISY) -> None:
        """Let jobs wait for another attempt, but for those that had enough of them."""
        again = []
        for job in jobs:
            spent = job.attempts > self._patience.retries
            if spent or job.refusals > self._patience.silences:
                self._fail(
                    job,
                    f"{self._line.name} gave no result for frame {job.index} in {job.attempts} "
                    f"attempts ({reason}); {advice}",
                )
            else:
                again.append(job)
        self._line.statistics.repeats += len(again)
        self._flight.again(again)

    def _fail(self, job: Job, reason: str) -> None:
        self._answers.failures[job.index] = reason
        self._flight.drop(job)

    def _give_up(self, reason: str) -> None:
        """Fail every frame that has no result yet."""
        for job in self._flight.jobs:
            self._fail(job, reason)


def is_damage(message: Message) -> bool:
    """Whether a message says that a request came damaged: its number may be wrong."""
    return message.kind == Kind.ERROR and message.body == bytes([ErrorCode.BAD_CRC])


def refusal(message: Message) -> str:
    """What an undamaged answer that is no result says."""
    if message.kind == Kind.ERROR and message.body:
        code = message.body[0]
        name = ErrorCode(code).name if code in set(ErrorCode) else f"error {code}"
        return f"the board answered {name}"
    return f"the board answered with {len(message.body)} bytes of type {message.kind:#04x}"
