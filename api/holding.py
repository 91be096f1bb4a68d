"""What holds a run back: its limits as they are called, and the circuits of the endpoints that it or its calls wait for."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.pool import Connection
from db.query import Query
from scheduler.runs import Run

_OPEN = frozenset({"pending", "queued", "running"})


class Holding(NamedTuple):
    """A limit; `called` is the name of its endpoint or source, and `open_since` is None unless its circuit is open."""

    name: str
    called: str | None
    open_since: datetime | None
    open_until: datetime | None
    failed_in_row: int

    @property
    def words(self) -> str:
        """Its name, with that of its endpoint or source in place of an id."""
        return self.name if self.called is None else f"{self.name.partition(':')[0]}:{self.called}"


LIST = Query("list_holding_limits", Holding)


def of_run(conn: Connection, tenant_id: UUID, run: Run) -> list[Holding]:
    """What holds the run or its calls back, and each limit that it is released under; nothing once it is over."""
    is_crew = run.kind == "crew.call"
    if run.state not in _OPEN or not (run.limited_by or is_crew):
        return []
    calls = run.id if is_crew else None
    return LIST.all(conn, tenant_id=tenant_id, names=run.limited_by or [], run_id=calls, slot_at=run.slot_at)


def named(conn: Connection, tenant_id: UUID, names: list[str]) -> list[str]:
    """These limits as they are called; one that is no more by its name."""
    if not names:
        return []
    found = LIST.all(conn, tenant_id=tenant_id, names=names, run_id=None, slot_at=None)
    called = {each.name: each.words for each in found}
    return [called.get(name, name) for name in names]
