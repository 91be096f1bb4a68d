"""What a supervisor does with its child processes: keeps them alive, and leaves ever more time to those that don't live."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from subprocess import Popen

from config.signals import SignalEvent

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# Whoever got this far had begun its work: its end says nothing about the next one.
_LIVED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Died:
    """A child that ended by itself, how, and when another takes its place; news unless the one before it ended alike."""

    pid: int
    status: int
    next_try_in: float
    is_news: bool


class Child:
    """One place among the children of a supervisor. `start` takes how the one before it ended, None when it lived."""

    def __init__(self, start: Callable[[int | None], Popen[bytes]], now: float) -> None:
        self._start = start
        self._status: int | None = None
        self._pause = FIRST_PAUSE
        self._again_at: float | None = None
        self._began(now)

    @property
    def is_awaited(self) -> bool:
        """True while nobody is in the place, and another is to take it."""
        return self._again_at is not None

    def look(self, now: float) -> Died | None:
        """Starts another once it is time to; tells when the child has ended since the last look."""
        if self._again_at is not None:
            if now >= self._again_at:
                self._began(now)
            return None
        if self.process.poll() is None:
            return None
        if now - self._at >= _LIVED_SECONDS:
            self._status, self._pause = None, FIRST_PAUSE
        status, pause = self.process.returncode, self._pause
        died = Died(self.process.pid, status, pause, is_news=status != self._status)
        self._status, self._pause, self._again_at = status, min(LONGEST_PAUSE, pause * 2), now + pause
        return died

    def _began(self, now: float) -> None:
        self.process = self._start(self._status)
        self._at, self._again_at = now, None


def keep_alive(
    starts: Iterable[Callable[[int | None], Popen[bytes]]], stopping: SignalEvent, tell: Callable[[Died], None]
) -> list[Popen[bytes]]:
    """Keeps a child in each place until it is time to stop; returns those that are to be ended then."""
    children = [Child(start, time.monotonic()) for start in starts]
    while not stopping.wait(0.2):
        for child in children:
            died = child.look(time.monotonic())
            if died is not None and died.is_news:
                tell(died)
    return [child.process for child in children if not child.is_awaited]
