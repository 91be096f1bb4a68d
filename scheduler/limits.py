"""Limits at release: how many runs of a tenant, or that use one of its sources or hosts, are out at once and a minute.

Whoever releases runs under limits locks the limits first, then counts what is out: so two tickers never spend the same
room. What is blocked stays pending in an index of its own, which no poll walks.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from db.pool import Connection, DatabaseError, transaction
from db.query import Query, literal
from db.runs import Ring
from scheduler.rooms import HeldBack, Key, Limit, Room, choose, put_off

_LARGEST_RELEASE = 1000
_GROUPS_A_LOOK = 500
# Who changes or erases a limit holds it; the tickers have others to serve meanwhile.
_LONGEST_WAIT_MS = 100
_NOT_LOCKED = "55P03"
_AGAIN_SECONDS = 0.5
_START: tuple[UUID, str, list[str]] = (UUID(int=0), "", [])


class Group(NamedTuple):
    """Runs of a tenant in one queue under the same limits; in how many seconds the first of them may be released."""

    tenant_id: UUID
    queue: str
    limited_by: list[str]
    seconds: float


class Running(NamedTuple):
    """How many runs under the same limits are released and not over, and how many pending ones keep a place beside them.

    `seconds`: until the first of these that waits is available; None where none does.
    """

    tenant_id: UUID
    limited_by: list[str]
    running: int
    keeping: int
    seconds: float | None


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
        counts = COUNT.all(conn, tenant_ids=tenants) if limits else []
        running, keeping = _counted(counts)
        rooms = {limit.key: Room.of(limit, running[limit.key], keeping[limit.key]) for limit in limits}
        open_groups = [(group, *left) for group in due if max(left := _room_of(group, rooms)) >= 1]
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
        # Who keeps a place is seen by no look at its group, whose first may be due and blocked.
        waits = [room.seconds() for room in rooms.values()] + [count.seconds or 0.0 for count in counts]
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


def _counted(counts: Iterable[Running]) -> tuple[Counter[Key], Counter[Key]]:
    """How many runs are out under each limit, and how many keep a place."""
    running, keeping = Counter[Key](), Counter[Key]()
    for row in counts:
        for name in row.limited_by:
            running[row.tenant_id, name] += row.running
            keeping[row.tenant_id, name] += row.keeping
    return running, keeping


def _room_of(group: Group, rooms: Mapping[Key, Room]) -> tuple[float, float]:
    """For how many of a group there is room, and for how many that keep a place."""
    own = [rooms[key] for name in group.limited_by if (key := (group.tenant_id, name)) in rooms]
    return (
        min((room.left() for room in own), default=float("inf")),
        min((room.left(keeps_place=True) for room in own), default=float("inf")),
    )


def _candidates(conn: Connection, groups: Sequence[tuple[Group, float, float]]) -> list[HeldBack]:
    most = max(1, _LARGEST_RELEASE // len(groups))
    arguments = defaultdict[str, list[Any]](list)
    for group, room, kept_room in groups:
        arguments["tenant_ids"].append(group.tenant_id)
        arguments["queues"].append(group.queue)
        arguments["limits"].append(literal(group.limited_by))
        arguments["rooms"].append(int(min(room, most)))
        arguments["kept_rooms"].append(int(min(kept_room, most)))
    return LIST.all(conn, **arguments)
