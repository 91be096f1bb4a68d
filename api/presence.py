"""A web process's row in `processes`, which shows that it lives; its part in judging the dead-man's switches; and CREW_API_URL, followed."""

import threading

from api import crew_default, tokens
from db import migrate, processes
from db.pool import Connection, Database, DatabaseError
from scheduler import watches
from telemetry.log import Events

events = Events("web")

_LONGEST_WAIT = 5.0
FIRST_COMMAND = "tocsin tokens create --operator"


class Presence:
    """A thread that keeps the row as long as Postgres answers; the web itself runs without it."""

    def __init__(
        self, database: Database, lease_seconds: float, *, is_held: bool = False, crew_url: str | None = None
    ) -> None:
        self._database = database
        self._seconds = lease_seconds
        self._is_held = is_held
        self._crew_url = crew_url
        self._conn: Connection | None = None
        self._lease: processes.Lease | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and the row."""
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        is_there = True
        while True:
            try:
                self._show()
                self._watch()
                is_there = True
            except DatabaseError as error:
                if is_there:
                    events.warning("presence.not_shown", error=str(error).strip())
                is_there = False
                if self._conn is not None:
                    self._conn.close()
                    self._conn = None
            if self._stopping.wait(min(_LONGEST_WAIT, self._seconds / 4)):
                break
        self._leave()

    def _show(self) -> None:
        if self._conn is None:
            self._conn = self._database.connect("web")
        if self._lease is None or not self._lease.extend(self._conn):
            is_first = self._lease is None
            self._lease = processes.register(self._conn, "web", self._seconds)
            if is_first and not tokens.is_any_good(self._conn):
                events.warning("web.no_token", why="nobody may ask yet", command=FIRST_COMMAND)
            if is_first:
                crew_default.follow(self._conn, self._crew_url)

    def _watch(self) -> None:
        """Judges the switches, so that one is raised with all tickers and workers dead; a copy raises none."""
        if self._conn is not None and not self._is_held and not migrate.is_foreign(self._conn):
            watches.look(self._conn)

    def _leave(self) -> None:
        if self._conn is None:
            return
        try:
            if self._lease is not None:
                processes.stop(self._conn, self._lease)
        except DatabaseError as error:
            events.warning("presence.row_left", error=str(error).strip())
        self._conn.close()
