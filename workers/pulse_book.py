"""What a pulse's run reads of what it may look at, and of what was sent before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from db.pool import Pool
from db.query import Query
from workers.graphs import Graph
from workers.rows import Leased, Value

MOST_GRAPHS = 40
LIST_GRAPHS = Query("list_graphs_of_pulse", Graph)
FIND_LAST = Query("find_last_pulse", Value)


class PulseBook(Protocol):
    """What a run of a pulse knows."""

    def graphs(self, ids: Sequence[UUID] | None) -> list[Graph]:
        """The tenant's graphs of these ids that are there, or all of them, by name."""
        ...

    def last_sent(self) -> Mapping[str, Any] | None:
        """The record of the last report of the same pulse that was sent before the run's slot; None for the first."""
        ...


@dataclass(frozen=True, slots=True)
class RunPulseBook:
    """The book of one leased run."""

    pool: Pool
    leased: Leased

    def graphs(self, ids: Sequence[UUID] | None) -> list[Graph]:
        """The tenant's graphs of these ids that are there, or all of them, by name, at most forty."""
        wanted = None if ids is None else list(ids)
        with self.pool.connection() as conn:
            return LIST_GRAPHS.all(conn, tenant_id=self.leased.tenant_id, ids=wanted, room=MOST_GRAPHS)

    def last_sent(self) -> Mapping[str, Any] | None:
        """The record of the last report of the same pulse that was sent before the run's slot; None for the first."""
        leased = self.leased
        place = {"tenant_id": leased.tenant_id, "schedule_id": leased.schedule_id, "slot_at": leased.slot_at}
        with self.pool.connection() as conn:
            found = FIND_LAST.one(conn, **place)
        return None if found is None else found.value
