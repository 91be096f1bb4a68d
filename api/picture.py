"""A tenant's picture: whether everything rang, what did not, and what rings next; each part read with a bound."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from api.charts.timeline import Column
from db.pool import Connection
from db.query import Query
from scheduler import herds

WIDTH: Final = timedelta(minutes=30)
COLUMNS: Final = 48
# A run is late that began more than this after its slot, and after the jitter that its schedule may have.
LATE_SECONDS: Final = 60
# Of each half hour so many runs are looked at, and so many more are counted.
SEEN: Final = 200
MOST: Final = 3_000
_STARTS: Final = 2_000
_DELIVERIES: Final = 3_000
_QUEUED: Final = 2_000
_LETTERS: Final = 1_000
_SIGNED: Final = 1_000
_NEEDS: Final = 8
NEXT: Final = 10
_PAST: Final = ("on_time", "late", "asked", "waiting", "ahead", "dead", "cancelled", "skipped")


class Counted(NamedTuple):
    """The runs of a column: how many were seen and in all, and what became of those seen."""

    number: int
    seen: int
    total: int
    on_time: int
    late: int
    asked: int
    waiting: int
    ahead: int
    dead: int
    cancelled: int
    skipped: int


class Starts(NamedTuple):
    """The runs of the last hour: how many there are and began, and how late in seconds; `since` is the oldest's slot."""

    seen: int
    started: int
    lag_middle: float | None
    lag_most: float | None
    since: datetime | None


class Queued(NamedTuple):
    """How many runs wait in a queue, and of how many it was counted."""

    queue: str
    runs: int
    seen: int


class Delivered(NamedTuple):
    """How many deliveries are in a state."""

    state: str
    deliveries: int


class Look(NamedTuple):
    """What there is of a tenant, and which processes live."""

    now: datetime
    workers: int
    tickers: int
    oldest_due_seconds: float | None
    dead_letters: int
    has_source: bool
    has_graph: bool
    has_channel: bool
    has_schedule: bool


class Need(NamedTuple):
    """Something that needs somebody: what, which, since when, and why."""

    what: str
    about: str
    name: str
    since: datetime
    why: str | None
    times: int


class Ringing(NamedTuple):
    """A slot to come."""

    fires_at: datetime
    schedule_id: UUID
    name: str
    kind: str


class Signed(NamedTuple):
    """What stands for a picture."""

    word: str


COUNT_SLOTS = Query("count_slots", Counted)
MEASURE_STARTS = Query("measure_starts", Starts)
COUNT_QUEUED = Query("count_queued_runs", Queued)
COUNT_DELIVERIES = Query("count_deliveries", Delivered)
LOOK = Query("look_at_tenant", Look)
LIST_NEEDS = Query("list_needs", Need)
LIST_NEXT = Query("list_next_slots", Ringing)
SIGN = Query("sign_picture", Signed)


class Picture(NamedTuple):
    """All of it. `is_sampled`: some half hour had more runs than are looked at, so that its shares are of the first."""

    look: Look
    columns: Sequence[Column]
    is_sampled: bool
    is_least: bool
    starts: Starts
    queued: Sequence[Queued]
    deliveries: Counter[str]
    needs: Sequence[Need]
    following: Sequence[Ringing]

    @property
    def totals(self) -> Counter[str]:
        """What became of the last day's slots, by word."""
        past = Counter[str]()
        for column in self.columns[: COLUMNS + 1]:
            past.update({word: count for word, count in column.parts.items() if word != "ahead"})
        return past

    @property
    def on_time_percent(self) -> int | None:
        """How many of a hundred that rang by their schedules were on time, rounded down; None where nothing did."""
        totals = self.totals
        rang = totals["on_time"] + totals["late"]
        return 100 * totals["on_time"] // rang if rang else None

    @property
    def per_minute(self) -> float:
        """How many runs began a minute within the last hour, or since the oldest that was looked at."""
        span = 3600.0
        if self.starts.since is not None and self.is_hasty:
            span = max(1.0, (self.look.now - self.starts.since).total_seconds())
        return round(self.starts.started * 60 / span, 2)

    @property
    def is_hasty(self) -> bool:
        """True when the last hour had more runs than are looked at."""
        return self.starts.seen >= _STARTS

    @property
    def is_many_deliveries(self) -> bool:
        """True when the last day had more deliveries than are looked at."""
        return self.deliveries.total() >= _DELIVERIES

    @property
    def is_many_queued(self) -> bool:
        """True when the last day had more runs than are looked at for what waits."""
        return any(row.seen >= _QUEUED for row in self.queued)

    @property
    def is_many_letters(self) -> bool:
        """True when there are more dead letters than are counted."""
        return self.look.dead_letters >= _LETTERS


def read(conn: Connection, tenant_id: UUID) -> Picture:
    """The tenant's picture as it is now."""
    look = LOOK.all(conn, tenant_id=tenant_id, room=_LETTERS)[0]
    columns, is_sampled, is_least = _columns(conn, tenant_id, look.now)
    return Picture(
        look,
        columns,
        is_sampled,
        is_least,
        MEASURE_STARTS.all(conn, tenant_id=tenant_id, room=_STARTS)[0],
        COUNT_QUEUED.all(conn, tenant_id=tenant_id, room=_QUEUED),
        Counter(
            {row.state: row.deliveries for row in COUNT_DELIVERIES.all(conn, tenant_id=tenant_id, room=_DELIVERIES)}
        ),
        LIST_NEEDS.all(conn, tenant_id=tenant_id, room=_NEEDS, most=_LETTERS),
        sorted(LIST_NEXT.all(conn, tenant_id=tenant_id, room=NEXT))[:NEXT],
    )


def sign(conn: Connection, tenant_id: UUID) -> str:
    """A word that changes with the tenant's picture; cheap enough to be asked for every two seconds."""
    return SIGN.all(conn, tenant_id=tenant_id, room=_SIGNED)[0].word


def _columns(conn: Connection, tenant_id: UUID, now: datetime) -> tuple[list[Column], bool, bool]:
    """A day of columns before the one of now and a day from it on; and whether shares are sampled, and whether more is ahead."""
    count = 2 * COLUMNS + 1
    first_at = _floor(now) - COLUMNS * WIDTH
    span = {"first_at": first_at, "columns": count, "width": WIDTH.total_seconds(), "late_seconds": LATE_SECONDS}
    found = {row.number: row for row in COUNT_SLOTS.all(conn, tenant_id=tenant_id, room=SEEN, most=MOST, **span)}
    to_come = herds.ahead(conn, tenant_id, herds.Columns(_floor(now), WIDTH, COLUMNS + 1))
    columns = []
    for number in range(count):
        row = found.get(number)
        parts = {} if row is None else _parts(row)
        if number >= COLUMNS:
            parts["ahead"] = parts.get("ahead", 0) + to_come.columns[number - COLUMNS]
        is_least = row is not None and row.total >= MOST
        columns.append(Column(first_at + number * WIDTH, first_at + (number + 1) * WIDTH, parts, is_least))
    return columns, any(row.seen >= SEEN for row in found.values()), to_come.is_least


def _parts(row: Counted) -> dict[str, int]:
    """What became of a column's runs, of all of them by the shares of those that were seen."""
    share = row.total / row.seen
    return {word: round(getattr(row, word) * share) for word in _PAST}


def _floor(now: datetime) -> datetime:
    seconds = WIDTH.total_seconds()
    return now - timedelta(seconds=now.timestamp() % seconds)
