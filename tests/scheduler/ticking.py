"""A ticker that turns when a test says so, with a bell that only notes what is rung, and a worker done by hand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, LiteralString
from uuid import UUID

from db.pool import Database
from db.processes import Lease
from db.query import Query
from scheduler.relay import Relay
from scheduler.settings import Settings
from scheduler.steps import Ticker
from telemetry.telling import Telling
from tests import make
from workers.finish import FINISH, End, _columns
from workers.rows import Ended, Leased

START = Query("start_runs", Leased)
Pack = tuple[str, bytes, str]


class Rings:
    """A bell that notes what is rung, or fails as a broker that is away."""

    def __init__(self) -> None:
        self.packs: list[Pack] = []
        self.calls = 0
        self.is_away = False

    def ring(self, packs: Sequence[Pack]) -> None:
        self.calls += 1
        if self.is_away:
            raise ConnectionError("the broker is away")
        self.packs += packs


SETTINGS = Settings(
    database=Database.at("postgresql://nowhere"),
    broker_url="redis://nowhere",
    mode="live",
    lease_seconds=1.0,
    retention_days=90,
    ahead_seconds=0,
    artifact_url=None,
    metrics_port=None,
    telling=Telling(),
)


class Hand:
    """One database with a tenant, and a ticker turned by hand."""

    def __init__(self, url: str, *, is_held: bool = False) -> None:
        self.conn = make.connect(url)
        self.tenant = make.tenant(self.conn)
        self.rings = Rings()
        self.settings = replace(SETTINGS, database=Database.at(url))
        self.ticker = self.another(is_held=is_held)
        self.process = make.process(self.conn)

    def another(self, *, is_held: bool = False) -> Ticker:
        """One more ticker on the same database."""
        return Ticker(self.settings, Relay(self.rings), is_held=is_held)

    def turn(self, ticker: Ticker | None = None) -> None:
        """Passes until nothing is left to do, as if much time had gone by since the last turn."""
        ticker = ticker or self.ticker
        ticker._last_pass.clear()
        for _ in range(100):
            ticker.woken()
            if sum([step(self.conn) for step in ticker.steps()]) == 0:
                return
        raise AssertionError("the ticker finds no end")

    def schedule(self, **row: Any) -> UUID:
        """A schedule of the tenant."""
        return make.schedule(self.conn, self.tenant, **row)

    def value(self, statement: LiteralString, *params: Any) -> Any:
        """The first column of the first row."""
        return make.value(self.conn, statement, *params)

    def runs(self, schedule_id: UUID) -> list[Any]:
        """The schedule's runs, oldest first, as (state, reason)."""
        return self.conn.execute(
            "select state, reason from runs where schedule_id = %s order by slot_at", (schedule_id,)
        ).fetchall()

    def ids(self, schedule_id: UUID, state: str) -> list[UUID]:
        """The schedule's runs in that state, oldest first."""
        rows = self.conn.execute(
            "select id from runs where schedule_id = %s and state = %s order by slot_at", (schedule_id, state)
        ).fetchall()
        return [row[0] for row in rows]

    def start(self, schedule_id: UUID, process: UUID | None = None, lead: float = 0) -> Leased:
        """Leases the one queued run of the schedule, as a worker does."""
        rows = self.conn.execute(
            "select id, slot_at, fence from runs where schedule_id = %s and state = 'queued'", (schedule_id,)
        ).fetchall()
        assert len(rows) == 1, f"{len(rows)} runs are queued"
        run_id, slot, fence = rows[0]
        (leased,) = START.all(
            self.conn, ids=[run_id], slots=[slot], fences=[fence], process_id=process or self.process, lead=lead
        )
        return leased

    def end(self, leased: Leased, state: str = "succeeded", **end: Any) -> list[Ended]:
        """Ends an attempt, as a worker's finisher does."""
        outcome = {"succeeded": "done", "cancelled": "done", "dead": "raised", "pending": "later"}[state]
        cause = {"dead": "attempts_exhausted"}.get(state)
        end = {"attempt_outcome": outcome, "cause": cause} | end
        return FINISH.all(
            self.conn,
            process_id=self.process,
            **_columns([End(leased, Lease(self.process, 60.0), state, **end)]),
        )

    def close(self) -> None:
        """Gives the connection back."""
        self.conn.close()
