"""The ticker's loop: call each step until none did anything, then sleep until the next due instant or a wake-up."""

import select
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from db.pool import Connection, Database, DatabaseError, is_pooled
from telemetry import errors
from telemetry.log import Events

Step = Callable[[Connection], int]

_POLL_SECONDS = 1.0
events = Events("loop")


class Stepper(Protocol):
    """What the loop drives."""

    def steps(self) -> Sequence[Step]:
        """The steps of a pass; each returns how much it did."""
        ...

    def next_due(self, conn: Connection) -> float:
        """Seconds until there is something to do."""
        ...

    def woken(self) -> None:
        """Somebody changed something: look at everything again."""
        ...


class Doorbell:
    """Wakes the loop: at a NOTIFY, and at a signal to stop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listening: Connection | None = None
        self._signalled, self._signal = socket.socketpair()
        self._signal.setblocking(False)  # noqa: FBT003  the socket module takes it by position
        self.is_stopping = False

    def stop_on_signals(self) -> None:
        """SIGTERM and SIGINT end the loop after its step; a second one changes nothing."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def stop(self) -> None:
        """Ends the loop after its step."""
        if not self.is_stopping:
            self.is_stopping = True
            self._signal.send(b"!")

    def wait(self, seconds: float) -> bool:
        """Returns after `seconds`, at a NOTIFY (True), or when the loop is to stop."""
        listening = self._listen()
        sources: list[socket.socket | int] = [self._signalled]
        if listening is not None:
            sources.append(listening.fileno())
        readable, _, _ = select.select(sources, [], [], max(0.0, seconds))
        if listening is None or listening.fileno() not in readable:
            return False
        try:
            return any(True for _ in listening.notifies(timeout=0))
        except DatabaseError:
            listening.close()
            return False

    def pause(self, seconds: float) -> bool:
        """Returns after `seconds`, or when the loop is to stop (True); asks for nothing meanwhile."""
        select.select([self._signalled], [], [], seconds)
        return self.is_stopping

    def close(self) -> None:
        """Gives back what it listens with."""
        if self._listening is not None:
            self._listening.close()
        self._signalled.close()
        self._signal.close()

    def _listen(self) -> Connection | None:
        """The connection that listens; None while there is none, and polling goes on without it."""
        if self._listening is None or self._listening.closed:
            try:
                self._listening = self._database.connect("listen", for_listening=True)
                # Through a pooler it would be another's: then the connection stays silent, and polling goes on.
                if not is_pooled(self._listening):
                    self._listening.execute("listen tocsin")
            except DatabaseError:
                self._listening = None
        return self._listening


def run(database: Database, ticker: Stepper, bell: Doorbell) -> None:
    """Runs the steps until the doorbell says stop; an error is logged, and the next pass begins on a new connection."""
    conn: Connection | None = None
    wait = 0.2
    while not bell.is_stopping:
        try:
            if conn is None or conn.closed:
                # A tick that a crash of Postgres loses is planned again; and no run of it can have begun, since the start
                # of a run waits for the disk, and the log is written in order.
                conn = database.connect("ticker", waits_for_disk=False)
            is_idle = sum([step(conn) for step in ticker.steps()]) == 0
            if is_idle and bell.wait(min(_POLL_SECONDS, ticker.next_due(conn))):
                ticker.woken()
            wait = 0.2
        except Exception as error:  # noqa: BLE001  the one place where loops catch: whatever failed, the next pass begins anew
            if isinstance(error, DatabaseError):
                events.warning("pass.failed", error=f"{type(error).__name__}: {error}".strip())
            else:
                events.error("pass.failed", error=f"{type(error).__name__}: {error}")
                errors.raised(error)
            if conn is not None:
                conn.close()
            conn = None
            bell.wait(wait)
            wait = min(5.0, wait * 2)
    if conn is not None:
        conn.close()
