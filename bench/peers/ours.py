"""Tocsin itself, measured as its peers are: one ticker and two workers of eight threads."""

from datetime import datetime

from bench.peers.peer import Loaded, Place, nothing
from bench.schedules import make_schedules, make_tenant
from bench.stage import NOW, Processes, value

_UNFINISHED = "select not exists (select from runs where state <> 'succeeded') and (select count(*) from runs) = %s"


class Ours:
    lead_seconds = 8.0

    def __init__(self, overlap: str = "allow") -> None:
        self._overlap = overlap

    def start(self, processes: Processes, place: Place) -> None:
        processes.start_ours(place.database, workers=2)
        self._conn = place.conn
        self._tenant = make_tenant(self._conn)
        make_schedules(self._conn, self._tenant, 16, value(self._conn, NOW), kind="bench.noop", name="warm")
        self._conn.execute("notify tocsin")
        assert processes.wait_until(lambda: bool(value(self._conn, _UNFINISHED, 16)), 30), "the workers did not start"

    def load(self, count: int, due_at: datetime) -> Loaded:
        make_schedules(self._conn, self._tenant, count, due_at, interval=3600, overlap=self._overlap)
        self._conn.execute("notify tocsin")
        return Loaded(nothing, lambda: bool(value(self._conn, _UNFINISHED, count + 16)))
