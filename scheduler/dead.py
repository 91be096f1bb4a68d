"""Dead letters: runs that ended dead, waiting for somebody to replay or discard them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.ids import slot_of
from db.pool import Connection, transaction
from db.query import Query
from scheduler import runs
from scheduler.refusals import NotFound, WrongState
from scheduler.runs import DeadLetter, Run


class LetterFilter(NamedTuple):
    """Which dead letters of a tenant are listed; None asks nothing. The instants are those of their deaths.

    A schedule's are those of its runs and of what these made. `error` is a pattern, as a group has it.
    """

    state: str = "open"
    schedule_id: UUID | None = None
    parent_run_id: UUID | None = None
    kind: str | None = None
    cause: str | None = None
    error: str | None = None
    ids: list[UUID] | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None


class DeadGroup(NamedTuple):
    """Open dead letters of one kind and cause whose errors differ in numbers and ids alone.

    The example is of the newest slot; the instants are those of their deaths.
    """

    kind: str
    cause: str
    error: str
    letters: int
    schedules: int
    first_at: datetime
    last_at: datetime
    example_id: UUID
    example_run_id: UUID
    example_error: str | None
    example_schedule_name: str | None
    example_item_key: str | None


class Met(NamedTuple):
    """What a replay of runs meets; each number but `recipients` counts runs."""

    delivered: int
    recipients: int
    paused: int
    cancelled: int


# So many letters are looked at for their groups.
MOST_GROUPED = 10_000

GET = Query("get_dead_letter", DeadLetter)
LIST = Query("list_dead_letters", DeadLetter)
DISCARD = Query("discard_dead_letter")
GROUP = Query("group_dead_letters", DeadGroup)
WEIGH = Query("weigh_replay", Met)


def list_all(
    conn: Connection,
    tenant_id: UUID,
    wanted: LetterFilter | None = None,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 100,
) -> list[DeadLetter]:
    """The tenant's dead letters, newest first; `before`: behind the one of that instant and id."""
    return LIST.all(
        conn,
        tenant_id=tenant_id,
        before_at=before[0],
        before_id=before[1],
        room=limit,
        **(wanted or LetterFilter())._asdict(),
    )


def groups(conn: Connection, tenant_id: UUID, wanted: LetterFilter, *, limit: int) -> list[DeadGroup]:
    """The newest open letters, MOST_GROUPED at most, by what they died of: the largest group first."""
    asked = wanted._asdict()
    for name in ("state", "error", "ids"):
        del asked[name]
    return GROUP.all(conn, tenant_id=tenant_id, newest=MOST_GROUPED, room=limit, **asked)


def weigh(conn: Connection, tenant_id: UUID, letters: list[DeadLetter]) -> Met:
    """What a replay of these letters' runs would meet. Planned for these letters it takes a hundredth of the time."""
    slots = [each.slot_at for each in letters]
    return WEIGH.all(
        conn,
        tenant_id=tenant_id,
        run_ids=[each.run_id for each in letters],
        first_at=min(slots, default=None),
        last_at=max(slots, default=None),
        schedule_ids=[each.schedule_id for each in letters],
    )[0]


def get(conn: Connection, tenant_id: UUID, letter_or_run_id: UUID) -> DeadLetter:
    """The tenant's dead letter of that id, or the newest of the run with that id. Raises NotFound."""
    try:
        slot_at = slot_of(letter_or_run_id)
    except (ValueError, OverflowError):
        raise NotFound(f"{letter_or_run_id} is not the id of a dead letter") from None
    letter = GET.one(conn, tenant_id=tenant_id, id=letter_or_run_id, slot_at=slot_at)
    if letter is None:
        raise NotFound(f"there is no dead letter {letter_or_run_id}")
    return letter


def replay(conn: Connection, tenant_id: UUID, letter_or_run_id: UUID, *, by: str | None = None) -> Run:
    """The letter's run open again with as many attempts as its schedule gives; asked twice, it is reopened once.

    Raises NotFound, and WrongState unless the letter is open.
    """
    letter = _open(conn, tenant_id, letter_or_run_id)
    return runs.reopen(conn, tenant_id, letter.run_id, letter.fence, by=by)


def discard(conn: Connection, tenant_id: UUID, letter_or_run_id: UUID, *, by: str | None = None) -> DeadLetter:
    """The letter marked as settled without a replay; its run stays dead. Raises NotFound, WrongState unless open."""
    with transaction(conn):
        letter = _open(conn, tenant_id, letter_or_run_id)
        key = {"tenant_id": tenant_id, "id": letter.id, "slot_at": letter.slot_at}
        if not DISCARD.run(conn, **key, resolved_by=by):
            raise WrongState("the dead letter was settled already")
        return get(conn, tenant_id, letter.id)


def _open(conn: Connection, tenant_id: UUID, letter_or_run_id: UUID) -> DeadLetter:
    letter = get(conn, tenant_id, letter_or_run_id)
    if letter.state != "open":
        raise WrongState(f"the dead letter was {letter.state} already")
    return letter
