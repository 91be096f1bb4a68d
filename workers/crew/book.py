"""What a crew's run reads and writes as it fans out over users, under its fence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from db.jsonb import Jsonb
from db.pool import Pool
from db.query import Query
from workers.outcome import ChannelRef
from workers.owners import tell_once
from workers.rows import Leased, Value

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


class KickoffStep(NamedTuple):
    """What a run keeps of a kickoff, and how many seconds ago."""

    name: str
    value: Any
    seconds: float


class Failure(NamedTuple):
    """What most of the failed calls of a crew died of, and of how many users."""

    error: str | None
    users: int


class Match(NamedTuple):
    """A user in whose answer the rule found something, and what; `total` counts all of them."""

    user_uid: str
    reason: str
    total: int


class Matches(NamedTuple):
    """The first of those in whose answers the rule found something, and how many they are in all."""

    first: list[Match]
    total: int


class NamedChannel(NamedTuple):
    """A channel of the tenant's."""

    id: UUID
    name: str
    type: str


SHOWN = 50
INSERT = Query("insert_crew_runs", Page)
NOTIFY = Query("notify_tickers", Value)
COUNT = Query("count_crew_runs", Counts)
FIND_ENDPOINT = Query("find_crew_endpoint", Endpoint)
LIST_MATCHES = Query("list_crew_matches", Match)
LIST_KICKOFFS = Query("list_kickoffs", KickoffStep)
KEEP_KICKOFF = Query("keep_kickoff", Value)
FIND_FAILURE = Query("find_commonest_failure", Failure)
SETTLE = Query("settle_crew")
FIND_CHANNELS = Query("find_channels", NamedChannel)


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
        """Makes the calls of the next users after a place, `room` of them at most, and wakes who releases them.

        Raises TakenAway.
        """
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
            if page is not None and page.made:
                # They are released at once, page by page, and not when a ticker next looks by itself.
                NOTIFY.one(conn)
        if page is None:
            raise TakenAway("the run belongs to another attempt")
        return page

    def count(self) -> Counts:
        """The calls that were made, by how they went."""
        with self.pool.connection() as conn:
            found = COUNT.one(conn, run_id=self.leased.id, slot_at=self.leased.slot_at)
        return found or Counts(0, 0, 0, 0, 0)

    def kickoffs(self) -> dict[str, KickoffStep]:
        """What the run keeps of its kickoffs, by the names of their steps."""
        with self.pool.connection() as conn:
            rows = LIST_KICKOFFS.all(conn, run_id=self.leased.id, slot_at=self.leased.slot_at)
        return {row.name: row for row in rows}

    def keep_kickoff(self, step: str, value: Any, *, is_open: bool) -> Any:
        """What is kept of a kickoff: this, unless another was quicker. Raises TakenAway.

        While it is open the run keeps its place under its limits, so that no other is begun in its stead.
        """
        with self.pool.connection() as conn:
            kept = KEEP_KICKOFF.one(conn, name=step, result=Jsonb(value), is_open=is_open, **self._run())
        if kept is None:
            raise TakenAway("the run belongs to another attempt")
        return kept.value

    def failure(self) -> Failure:
        """What most of the calls that failed died of."""
        with self.pool.connection() as conn:
            return FIND_FAILURE.one(conn, run_id=self.leased.id, slot_at=self.leased.slot_at) or Failure(None, 0)

    def tell_owner(self, subject: str, text: str) -> None:
        """Tells the owner of the crew's schedule how little it brought, once until it brings enough again."""
        tell_once(self.pool, self.leased, "crew", "", subject, text)

    def settle(self) -> None:
        """Forgets that they were told: the next time is told anew."""
        with self.pool.connection() as conn:
            SETTLE.run(conn, **self._run())

    def matches(self) -> Matches:
        """In whose answers the rule found something, the first fifty by their uid."""
        leased = self.leased
        with self.pool.connection() as conn:
            rows = LIST_MATCHES.all(conn, tenant_id=leased.tenant_id, run_id=leased.id, room=SHOWN)
        return Matches(rows, rows[0].total if rows else 0)

    def channels(self, named: Sequence[str]) -> tuple[list[ChannelRef], list[str]]:
        """The tenant's channels of these names or ids, each once, and those names that none has."""
        if not named:
            return [], []
        with self.pool.connection() as conn:
            rows = FIND_CHANNELS.all(conn, tenant_id=self.leased.tenant_id, named=list(named))
        known = {each for row in rows for each in (row.name, str(row.id))}
        return [ChannelRef(row.id, row.type) for row in rows], [name for name in named if name not in known]

    def _run(self) -> dict[str, Any]:
        return {"run_id": self.leased.id, "slot_at": self.leased.slot_at, "fence": self.leased.fence}
