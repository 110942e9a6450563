"""Requests on their way to the board and back, by sequence number."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Flight", "Job"]

# Of 256 sequence numbers so many may be in flight: the others keep late answers apart from new.
MOST_IN_FLIGHT = 192
SEQUENCES = 256


@dataclass(eq=False)
class Job:
    """A frame to be computed: its place in the call and its packed bytes.

    ``attempts``: requests sent for it; ``refusals``: how many of them arrived undamaged and were
    refused; ``sequence``: of the newest request, None while none is outstanding; ``parts``: what
    has come of its result, by the number of the part, whichever request brought it; ``done``: it
    has its result, or was given up.
    """

    index: int
    body: bytes
    attempts: int = 0
    refusals: int = 0
    sequence: int | None = None
    parts: dict[int, bytes] = field(default_factory=dict)
    done: bool = False


@dataclass
class Flight:
    """Every request whose answer may still come, oldest first, and the jobs that wait.

    The board answers in the order of arrival. So an answer that names a request tells that those
    sent before it have been answered or never will be, and only then are their numbers free again:
    a late answer is never taken for that of another request. An IDENTIFY stands as None.
    """

    waiting: deque[Job] = field(default_factory=deque)
    sent: dict[int, Job | None] = field(default_factory=dict)

    @property
    def outstanding(self) -> list[Job]:
        """Jobs whose newest request may still be answered, in the order of sending."""
        return [job for number, job in self.sent.items() if job and job.sequence == number]

    @property
    def jobs(self) -> list[Job]:
        """Jobs that wait or are outstanding."""
        return [*self.waiting, *self.outstanding]

    @property
    def full(self) -> bool:
        """Whether every sequence number is in flight."""
        return len(self.sent) >= SEQUENCES

    def may_send(self, window: int) -> bool:
        """Whether another job waits and may be sent: at most ``window`` are outstanding."""
        room = len(self.sent) < MOST_IN_FLIGHT
        return bool(self.waiting) and room and len(self.outstanding) < window

    def add(self, sequence: int, job: Job | None) -> None:
        """Note a request that was sent."""
        self.sent[sequence] = job
        if job:
            job.attempts += 1
            job.sequence = sequence

    def begun(self, sequence: int) -> list[Job]:
        """Note that the answer to a request begins; returns the jobs sent before it, which are
        lost.
        """
        job, lost = self.sent[sequence], self.up_to(sequence)
        for number in list(self.sent)[: list(self.sent).index(sequence)]:
            del self.sent[number]
        return [other for other in lost if other is not job]

    def answered(self, sequence: int) -> list[Job]:
        """Note the whole answer to a request, or the end of it; returns as ``begun``."""
        lost = self.begun(sequence)
        del self.sent[sequence]
        return lost

    def up_to(self, sequence: int) -> list[Job]:
        """The outstanding jobs sent up to this request."""
        numbers = list(self.sent)
        early = set(numbers[: numbers.index(sequence) + 1])
        return [job for job in self.outstanding if job.sequence in early]

    def again(self, jobs: Iterable[Job]) -> None:
        """Let jobs wait for their next attempt, before all others."""
        jobs = list(jobs)
        for job in jobs:
            job.sequence = None
        self.waiting.extendleft(reversed(jobs))

    def drop(self, job: Job) -> None:
        """A job is done with, whatever still comes for it."""
        job.done, job.sequence = True, None
        if job in self.waiting:
            self.waiting.remove(job)
