"""What a signal handler may set and a main thread waits for."""

import os
import select
import signal
from collections.abc import Iterable


class SignalEvent:
    """An event whose `set` takes no lock, so that a signal handler may call it whatever the thread below it does.

    threading.Event is none: its `set`, called by a handler while that very thread is about to `wait`, waits for itself
    for ever (met once in ten drains whose SIGTERM came at once).
    """

    def __init__(self) -> None:
        self._is_set = False
        self._told, self._tell = os.pipe()

    def set(self) -> None:
        """Sets the event, for good."""
        if not self._is_set:
            self._is_set = True
            os.write(self._tell, b"!")

    def is_set(self) -> bool:
        """True once it was set."""
        return self._is_set

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until it is set, or until `seconds` have passed; True once it was set."""
        if not self._is_set:
            select.select([self._told], [], [], seconds)
        return self._is_set


def set_on(event: SignalEvent, numbers: Iterable[signal.Signals] = (signal.SIGTERM, signal.SIGINT)) -> None:
    """Lets these signals set the event; more of them change nothing."""
    for number in numbers:
        signal.signal(number, lambda *_: event.set())


def set_off(numbers: Iterable[signal.Signals] = (signal.SIGTERM, signal.SIGINT)) -> None:
    """Lets these signals do nothing from here on; the last thing that a process does that ends in order.

    The interpreter, while it ends, gives every signal that has a handler its default back: a second SIGTERM that came
    then would kill, and the exit status would no longer be 0.
    """
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
