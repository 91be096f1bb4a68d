"""Lease: pointers become works that this process holds, or are given back."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from config.faults import faultpoint
from db.ids import slot_of
from db.pool import DatabaseError, Pool
from db.processes import Heartbeat, Lease
from db.query import Query, bare
from db.runs import LEAD_SECONDS, Touched, count_cancelled
from telemetry.log import Events
from workers.kind import Context, Kind
from workers.rows import Leased

events = Events("lease")

START = Query("start_runs", Leased)
RELEASE = Query("release_runs", Touched)
_MOST_WAIT_SECONDS = 60.0


@dataclass(slots=True)
class Work:
    """A leased run on its way through the runner."""

    leased: Leased
    lease: Lease
    kind: Kind
    # What the process holds: this is one of it until `let_go`.
    held: set[tuple[UUID, int]] = field(default_factory=set)
    context: Context[Any] | None = None
    is_cancel_asked: bool = False
    is_cut: bool = False
    # The monotonic time at which it may begin.
    begin_at: float = 0.0
    when_done: Callable[[], None] = lambda: None
    # Reaches an async kind where it awaits; a plain one has to look at its context.
    interrupt: Callable[[], object] = lambda: None

    def let_go(self) -> None:
        """Its end is committed, or void."""
        self.held.discard((self.leased.id, self.leased.fence))
        self.when_done()

    def seconds_early(self) -> float:
        """Seconds until it may begin: 0 but for what was leased while a drain closed the hold."""
        return max(0.0, self.begin_at - time.monotonic()) if self.begin_at else 0.0

    def may_begin(self) -> bool | None:
        """True while the lease is held, False once it is lost; None: Postgres is away, and the next beat tells."""
        return True if self.lease.is_held() else False if self.lease.is_lost else None


class Leaser:
    """Leases runs and gives them back; `held` is what was leased by (id, fence) and has no end yet."""

    def __init__(
        self, kinds: Mapping[str, Kind], pool: Pool, lease_pools: tuple[Pool, Pool], heartbeat: Heartbeat
    ) -> None:
        self._kinds = kinds
        self._pool = pool
        self._lease_pools = lease_pools
        self._heartbeat = heartbeat
        self.held: set[tuple[UUID, int]] = set()

    def lease(self, pointers: Sequence[tuple[str, int]], *, goes_first: bool = False) -> list[tuple[Work, bool]]:
        """Leases those of the (id, fence) pointers that are still to be had; each with whether its kind is async.

        What goes first takes turns for a connection with its like alone, not with crowds.
        """
        if not pointers:
            return []
        faultpoint("before_lease")
        lease = self._heartbeat.lease
        with self._lease_pools[goes_first].connection() as conn:
            try:
                leased = START.all(
                    conn,
                    ids=bare(run_id for run_id, _ in pointers),
                    slots=bare(_slot_of(run_id[:13]) for run_id, _ in pointers),
                    fences=bare(str(fence) for _, fence in pointers),
                    process_id=lease.process_id,
                    lead=LEAD_SECONDS,
                )
            except DatabaseError:
                self._heartbeat.doubt()
                raise
            self.held.update((run.id, run.fence) for run in leased)
        # Postgres's clock on the monotonic one: a little late, since the answer was on its way; one for all of a herd.
        to_monotonic = time.monotonic() - max((run.answered_at.timestamp() for run in leased), default=0.0)
        if leased:
            faultpoint("after_lease")
        works = []
        for run in leased:
            kind = self._kinds.get(run.kind)
            if kind is None:
                self.give_back([run], "no_worker_for_kind", _wait_for_another(run))
                self.held.discard((run.id, run.fence))
                events.warning("run.no_worker", run_id=run.id, kind=run.kind)
            else:
                begin_at = run.released_at.timestamp() + to_monotonic
                works.append((Work(run, lease, kind, self.held, begin_at=begin_at), kind.is_async))
        return works

    def give_back(self, runs: Sequence[Leased], reason: str, delay_seconds: float = 0) -> None:
        """Gives leased runs back, their attempt not counted."""
        if runs:
            slots = [run.slot_at for run in runs]
            with self._pool.connection() as conn:
                released = RELEASE.all(
                    conn,
                    ids=[run.id for run in runs],
                    slots=slots,
                    fences=[run.fence for run in runs],
                    process_id=self._heartbeat.lease.process_id,
                    reason=reason,
                    delay=delay_seconds,
                )
            count_cancelled(released)


def _wait_for_another(run: Leased) -> float:
    """Seconds until somebody may look again at a run of an unknown kind: a tenth of its age, from 1 to 60.

    While releases are mixed the next look is soon, for many a worker knows it; once nobody does, looks are rare.
    """
    return min(_MOST_WAIT_SECONDS, max(1.0, (run.answered_at - run.slot_at).total_seconds() / 10))


@lru_cache
def _slot_of(time: str) -> str:
    """The slot that an id begins with, as text; the runs of a herd share one."""
    return slot_of(UUID(f"{time}-7000-8000-000000000000")).isoformat()
