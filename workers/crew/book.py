"""What a crew's run reads and writes as it fans out over users, under its fence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from db.pool import Pool
from db.query import Query
from workers.rows import Leased

PAGE = 1000


class Page(NamedTuple):
    """How far a page of users came: how many it saw, how many got a call, and how many have no endpoint."""

    seen: int
    made: int
    without_endpoint: int
    last_priority: int | None
    last_uid: str | None


class Counts(NamedTuple):
    """The calls of a crew, by how they went."""

    made: int
    answered: int
    failed: int
    skipped: int
    waiting: int


class Endpoint(NamedTuple):
    """An endpoint's id."""

    id: UUID


INSERT = Query("insert_crew_runs", Page)
COUNT = Query("count_crew_runs", Counts)
FIND_ENDPOINT = Query("find_crew_endpoint", Endpoint)


class TakenAway(Exception):
    """The run belongs to another attempt."""


@dataclass(frozen=True, slots=True)
class CrewBook:
    """The fan-out of one run."""

    pool: Pool
    leased: Leased

    def has_endpoint(self, endpoints: Sequence[str] | None) -> bool:
        """Whether there is an endpoint among those named, or any."""
        with self.pool.connection() as conn:
            named = None if endpoints is None else list(endpoints)
            return FIND_ENDPOINT.one(conn, tenant_id=self.leased.tenant_id, endpoints=named) is not None

    def make_calls(
        self,
        after: tuple[int, str],
        place: int,
        room: int,
        *,
        segments: Sequence[str] | None,
        endpoints: Sequence[str] | None,
    ) -> Page:
        """Makes the calls of the next users after a place, `room` of them at most. Raises TakenAway."""
        leased = self.leased
        with self.pool.connection() as conn:
            page = INSERT.one(
                conn,
                run_id=leased.id,
                slot_at=leased.slot_at,
                fence=leased.fence,
                after_priority=after[0],
                after_uid=after[1],
                place=place,
                room=min(room, PAGE),
                segments=None if segments is None else list(segments),
                endpoints=None if endpoints is None else list(endpoints),
            )
        if page is None:
            raise TakenAway("the run belongs to another attempt")
        return page

    def count(self) -> Counts:
        """The calls that were made, by how they went."""
        with self.pool.connection() as conn:
            found = COUNT.one(conn, run_id=self.leased.id, slot_at=self.leased.slot_at)
        return found or Counts(0, 0, 0, 0, 0)
