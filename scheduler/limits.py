"""Limits at release: how many runs of a tenant, or that use one of its sources or hosts, are out at once and a minute.

Whoever releases runs under limits locks the limits first, then counts what is out: so two tickers never spend the same
room. What is blocked stays pending in an index of its own, which no poll walks.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from config.environ import QUEUES
from db.pool import Connection, DatabaseError, transaction
from db.query import Query, literal
from db.runs import Ring
from scheduler import retries

_LARGEST_RELEASE = 1000
_GROUPS_A_LOOK = 500
_SECOND = timedelta(seconds=1)
# Who changes or erases a limit holds it; the tickers have others to serve meanwhile.
_LONGEST_WAIT_MS = 100
_NOT_LOCKED = "55P03"
_AGAIN_SECONDS = 0.5
_ENDPOINT = "endpoint:"
_RANKS = {queue: rank for rank, queue in enumerate(QUEUES)}
_START: tuple[UUID, str, list[str]] = (UUID(int=0), "", [])

Key = tuple[UUID, str]


class Group(NamedTuple):
    """Runs of a tenant in one queue under the same limits; in how many seconds the first of them may be released."""

    tenant_id: UUID
    queue: str
    limited_by: list[str]
    seconds: float


class Limit(NamedTuple):
    """A limit, locked. `spent_until`: up to when its rate is used; `now` is Postgres's.

    `open_until` is set while the circuit behind it is open: nobody goes before, and then one at a time. An endpoint had
    so many `retries_left` in its budget at `retries_at`.
    """

    tenant_id: UUID
    name: str
    max_running: int | None
    max_per_minute: int | None
    spent_until: datetime | None
    open_until: datetime | None
    retries_left: float | None
    retries_at: datetime | None
    now: datetime

    @property
    def key(self) -> Key:
        """Which limit it is, among all tenants'."""
        return self.tenant_id, self.name


class Running(NamedTuple):
    """How many runs under the same limits are released and not over."""

    tenant_id: UUID
    limited_by: list[str]
    running: int


class HeldBack(NamedTuple):
    """A run that may be released as far as its own time goes."""

    id: UUID
    slot_at: datetime
    tenant_id: UUID
    queue: str
    limited_by: list[str]
    available_at: datetime
    is_retry: bool = False


class Bounded(NamedTuple):
    """How long a lock is waited for from now on."""

    lock_timeout: str


FIND = Query("find_held_back_runs", Group)
WAIT_SHORTLY = Query("wait_shortly", Bounded)
LOCK = Query("lock_limits", Limit)
COUNT = Query("count_limited_runs", Running)
LIST = Query("list_held_back_runs", HeldBack)
RELEASE = Query("release_limited_runs", Ring)
SPEND = Query("spend_limits")
PUT_OFF = Query("put_off_retries")


@dataclass(slots=True)
class Room:
    """What is left of a limit: `places` at once, and a rate that is spent evenly, a second's worth at once at most.

    `budget` is for attempts after the first; None where nothing bounds those.
    """

    places: float
    wait: timedelta | None
    spent_until: datetime
    now: datetime
    opens_in: float = float("inf")
    budget: float | None = None

    @classmethod
    def of(cls, limit: Limit, running: int) -> "Room":
        """The room that the limit leaves beside so many runs that are out."""
        places = float("inf") if limit.max_running is None else limit.max_running - running
        opens_in = float("inf")
        if limit.open_until is not None:
            opens_in = (limit.open_until - limit.now).total_seconds()
            places = 0 if opens_in > 0 else min(places, 1 - running)
        is_endpoint = limit.name.startswith(_ENDPOINT)
        budget = retries.left(limit.retries_left, limit.retries_at, limit.now) if is_endpoint else None
        if limit.max_per_minute is None:
            return cls(places, None, limit.now, limit.now, opens_in, budget)
        wait = timedelta(minutes=1) / limit.max_per_minute
        oldest = limit.now - max(_SECOND, wait)
        return cls(places, wait, max(oldest, limit.spent_until or oldest), limit.now, opens_in, budget)

    def left(self) -> float:
        """How many runs may be released now; infinite where nothing bounds them."""
        by_rate = float("inf") if self.wait is None else (self.now - self.spent_until) // self.wait
        return max(0, min(self.places, by_rate))

    def is_spent(self, run: HeldBack) -> bool:
        """Whether the run is a further attempt for which there is no budget."""
        return run.is_retry and self.budget is not None and self.budget < 1

    def take(self, *, is_retry: bool = False) -> None:
        """Takes the room of one run."""
        self.places -= 1
        if self.budget is not None:
            self.budget += -1 if is_retry else retries.SHARE
        if self.wait is not None:
            self.spent_until += self.wait

    def seconds(self) -> float:
        """Seconds until the rate or the circuit leaves room again; infinite where it is neither that blocks."""
        if self.opens_in > 0 and self.opens_in != float("inf"):
            return self.opens_in
        if self.wait is None or self.places <= 0:
            return float("inf")
        return (self.spent_until + self.wait - self.now).total_seconds()


def choose(runs: Iterable[HeldBack], rooms: Mapping[Key, Room], most: int) -> list[HeldBack]:
    """The runs to release, `most` of them: by queue, then who has waited longest, while each of their limits has room.

    A limit without a room was taken away and blocks nobody. Takes the room of what is chosen.
    """
    chosen: list[HeldBack] = []
    for run in sorted(runs, key=lambda run: (_RANKS.get(run.queue, -1), run.available_at, run.id)):
        if len(chosen) == most:
            break
        own = _rooms_of(run, rooms)
        if all(room.left() >= 1 and not room.is_spent(run) for room in own):
            for room in own:
                room.take(is_retry=run.is_retry)
            chosen.append(run)
    return chosen


def put_off(
    runs: Iterable[HeldBack], chosen: Iterable[HeldBack], rooms: Mapping[Key, Room]
) -> list[tuple[HeldBack, float]]:
    """The further attempts for which nothing is left in a budget, and how many seconds each waits: others go before them."""
    gone = {run.id for run in chosen}
    spent = [run for run in runs if run.id not in gone and any(room.is_spent(run) for room in _rooms_of(run, rooms))]
    return [(run, retries.wait_seconds(place)) for place, run in enumerate(spent)]


def _rooms_of(run: HeldBack, rooms: Mapping[Key, Room]) -> list[Room]:
    return [rooms[key] for name in run.limited_by if (key := (run.tenant_id, name)) in rooms]


@dataclass(slots=True)
class Released:
    """What one look let through, whether somebody still waits, and in how many seconds a look may find more."""

    rings: list[Ring] = field(default_factory=list)
    is_blocked: bool = False
    seconds: float = float("inf")


class Door:
    """Lets runs under limits through, tenant by tenant in turn."""

    def __init__(self) -> None:
        self._place: tuple[UUID, str, list[str]] = _START

    def pass_through(self, conn: Connection) -> Released:
        """Releases what the limits leave room for. Raises what the database raises; then nothing was released."""
        tenant, queue, limits = self._place
        found = FIND.all(conn, after_tenant=tenant, after_queue=queue, after_limits=limits, room=_GROUPS_A_LOOK)
        self._place = found[-1][:3] if len(found) == _GROUPS_A_LOOK else _START
        due = [group for group in found if group.seconds <= 0]
        released = Released(seconds=min((group.seconds for group in found if group.seconds > 0), default=float("inf")))
        if due:
            self._release_or_part(conn, due, released)
        if self._place != _START:
            released.seconds = 0.0
        return released

    def _release_or_part(self, conn: Connection, due: Sequence[Group], released: Released) -> None:
        """Releases of all of them; where somebody holds a limit for long, of each tenant by itself, but for that one's."""
        tenants = {group.tenant_id for group in due}
        try:
            with transaction(conn):
                WAIT_SHORTLY.one(conn, milliseconds=_LONGEST_WAIT_MS)
                self._release(conn, due, released)
        except DatabaseError as error:
            if error.sqlstate != _NOT_LOCKED:
                raise
            if len(tenants) == 1:
                released.is_blocked = True
                released.seconds = min(released.seconds, _AGAIN_SECONDS)
                return
            for tenant in sorted(tenants):
                self._release_or_part(conn, [group for group in due if group.tenant_id == tenant], released)

    def _release(self, conn: Connection, due: Sequence[Group], released: Released) -> None:
        tenants = sorted({group.tenant_id for group in due})
        limits = LOCK.all(conn, tenant_ids=tenants)
        running = _running(COUNT.all(conn, tenant_ids=tenants)) if limits else Counter[Key]()
        rooms = {limit.key: Room.of(limit, running[limit.key]) for limit in limits}
        open_groups = [(group, room) for group in due if (room := _room_of(group, rooms)) >= 1]
        candidates = _candidates(conn, open_groups) if open_groups else []
        chosen = choose(candidates, rooms, _LARGEST_RELEASE)
        if chosen:
            released.rings += RELEASE.all(conn, ids=[run.id for run in chosen], slots=[run.slot_at for run in chosen])
            _spend(conn, rooms)
        if waiting := put_off(candidates, chosen, rooms):
            runs, seconds = zip(*waiting, strict=True)
            slots = [run.slot_at for run in runs]
            PUT_OFF.run(conn, ids=[run.id for run in runs], slots=slots, seconds=list(seconds))
            # Behind them may be others who need no budget.
            released.seconds = 0.0
        released.is_blocked = released.is_blocked or bool(rooms)
        waits = [room.seconds() for room in rooms.values()]
        released.seconds = min([released.seconds, *(wait for wait in waits if wait > 0)])


def _spend(conn: Connection, rooms: Mapping[Key, Room]) -> None:
    """Writes what of rates and budgets is spent."""
    spent = [(key, room) for key, room in rooms.items() if room.wait is not None or room.budget is not None]
    if spent:
        SPEND.run(
            conn,
            tenant_ids=[tenant for (tenant, _), _ in spent],
            names=[name for (_, name), _ in spent],
            spent_until=[room.spent_until if room.wait is not None else None for _, room in spent],
            retries_left=[room.budget for _, room in spent],
        )


def _running(counts: Iterable[Running]) -> Counter[Key]:
    found = Counter[Key]()
    for row in counts:
        for name in row.limited_by:
            found[row.tenant_id, name] += row.running
    return found


def _room_of(group: Group, rooms: Mapping[Key, Room]) -> float:
    left = [rooms[key].left() for name in group.limited_by if (key := (group.tenant_id, name)) in rooms]
    return min(left, default=float("inf"))


def _candidates(conn: Connection, groups: Sequence[tuple[Group, float]]) -> list[HeldBack]:
    most = max(1, _LARGEST_RELEASE // len(groups))
    arguments = defaultdict[str, list[Any]](list)
    for group, room in groups:
        arguments["tenant_ids"].append(group.tenant_id)
        arguments["queues"].append(group.queue)
        arguments["limits"].append(literal(group.limited_by))
        arguments["rooms"].append(int(min(room, most)))
    return LIST.all(conn, **arguments)
