"""Execute: THE actor leases what the runner has room for; the runner runs it and ends it.

The only place where an outcome becomes a state. The walk of one run: lease -> kind.run -> end -> finish -> deliver.
"""

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from config.faults import faultpoint
from config.zones import zone
from db.ids import id_at, slot_of
from db.jsonb import dumps
from db.pool import DatabaseError, Pool
from db.processes import Heartbeat, Lease
from db.query import Query, bare
from db.runs import LEAD_SECONDS
from telemetry import metrics
from telemetry.log import Events
from workers.channels.email import compose, message_id
from workers.finish import Body, End, Finisher, Intent, NewAlertState, storable
from workers.http import Client
from workers.journal import RunJournal
from workers.kind import Cancelled, Context, Kind
from workers.outcome import Done, Later, Message, Outcome, Rejected
from workers.rows import Leased
from workers.settings import Settings

events = Events("execute")

START = Query("start_runs", Leased)
RELEASE = Query("release_runs")
_NO_WORKER_SECONDS = 60
_LEASE_LOOK_SECONDS = 0.05


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


class Executor:
    """Leases runs, runs their kinds and turns what these return into states."""

    def __init__(
        self,
        settings: Settings,
        kinds: Mapping[str, Kind],
        pool: Pool,
        lease_pools: tuple[Pool, Pool],
        heartbeat: Heartbeat,
        finisher: Finisher,
        http: Client,
    ) -> None:
        self._settings = settings
        self._kinds = kinds
        self._pool = pool
        self._lease_pools = lease_pools
        self._heartbeat = heartbeat
        self._finisher = finisher
        self._http = http
        self.running: dict[UUID, Work] = {}
        # Everything leased here by (id, fence) whose end is not yet committed or void.
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
                self.give_back([run], "no_worker_for_kind", _NO_WORKER_SECONDS)
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
                RELEASE.run(
                    conn,
                    ids=[run.id for run in runs],
                    slots=slots,
                    fences=[run.fence for run in runs],
                    process_id=self._heartbeat.lease.process_id,
                    reason=reason,
                    delay=delay_seconds,
                )

    def run(self, work: Work) -> None:
        """Runs a plain kind to its end; one whose lease was lost before it began is left to whoever has it now."""
        # Not even a sleep of nothing: it gives the processor away (measured: 30 us a run).
        if early := work.seconds_early():
            time.sleep(early)
        while (may_begin := work.may_begin()) is None:
            time.sleep(_LEASE_LOOK_SECONDS)
        if not may_begin:
            work.let_go()
            return
        began = self._begin(work)
        try:
            context = self._context(work)
            faultpoint("in_run")
            outcome: Any = work.kind.run(context)
            end = self._end(work, outcome)
        except BaseException as error:  # noqa: BLE001  whatever a kind raises is its bug and belongs to its run
            end = self._end_of_raised(work, error)
        self._hand_in(work, end, began)

    async def run_async(self, work: Work) -> None:
        """Runs an async kind to its end, cut at its deadline."""
        await asyncio.sleep(work.seconds_early())
        while (may_begin := work.may_begin()) is None:  # noqa: ASYNC110  time and another thread decide, no event of this loop
            await asyncio.sleep(_LEASE_LOOK_SECONDS)
        if not may_begin:
            work.let_go()
            return
        began = self._begin(work)
        try:
            context = self._context(work)
            outcome: Any = await asyncio.wait_for(work.kind.run(context), context.seconds_left())  # type: ignore[arg-type]
            end = self._end(work, outcome)
        except BaseException as error:  # noqa: BLE001  as above
            end = self._end_of_raised(work, error)
        self._hand_in(work, end, began)

    def cancel(self, run_ids: Sequence[UUID]) -> None:
        """Tells running kinds that somebody asked to cancel them."""
        for run_id in run_ids:
            work = self.running.get(run_id)
            if work is not None and work.context is not None:
                work.is_cancel_asked = True
                work.context.cancelled.set()

    def end_overdue(self) -> None:
        """Ends the attempts whose deadline passed; a thread that goes on is told so, and what it returns is void."""
        for work in list(self.running.values()):
            context = work.context
            if context is not None and time.monotonic() > context.deadline and not work.is_cut:
                work.is_cut = True
                context.cancelled.set()
                why = f"it took longer than {work.leased.timeout_seconds} s"
                end = self._end(work, Later(None, why))
                end.seconds = work.leased.timeout_seconds
                self._finisher.finish(end)

    def _begin(self, work: Work) -> float:
        leased = work.leased
        self.running[leased.id] = work
        now = time.monotonic()
        lag = (leased.released_at - leased.slot_at).total_seconds() + now - work.begin_at
        metrics.start_lag_seconds_of(leased.kind).observe(lag)
        return now

    def _hand_in(self, work: Work, end: End, began: float) -> None:
        self.running.pop(work.leased.id, None)
        end.seconds = time.monotonic() - began
        end.when_done = work.let_go
        self._finisher.finish(end)

    def _context(self, work: Work) -> Context[Any]:
        leased = work.leased
        local = _zone_of(leased)
        journal = RunJournal(
            self._pool,
            leased,
            self._settings.seal,
            self._settings.egress_allow,
            lambda: work.context is not None and work.context.is_cancelled(),
        )
        work.context = Context(
            tenant_id=leased.tenant_id,
            run_id=leased.id,
            slot_at=leased.slot_at,
            slot_local=leased.slot_at.astimezone(local),
            schedule_id=leased.schedule_id,
            schedule_name=leased.name or leased.kind,
            timezone=leased.timezone or "UTC",
            attempt=leased.attempt,
            started_at=leased.started_at,
            params=work.kind.Params.model_validate_json(leased.params or "{}"),
            mode=self._settings.mode,
            deadline=time.monotonic() + leased.timeout_seconds,
            http=self._http,
            journal=journal,
            is_held=work.lease.is_held,
        )
        return work.context

    def _end(self, work: Work, outcome: Outcome) -> End:
        """The state that an outcome becomes."""
        leased, lease = work.leased, work.lease
        match outcome:
            case Done():
                bodies, intents = self._render(leased, outcome.messages)
                return End(
                    leased,
                    lease,
                    "succeeded",
                    "done",
                    outcome=dumps(dict(outcome.result)) if outcome.result else "{}",
                    bodies=bodies,
                    intents=intents,
                    alert_states=tuple(
                        NewAlertState(state.alert_id, state.segment, state.state, state.value, state.since)
                        for state in outcome.alert_states
                    ),
                )
            case Later():
                if leased.attempt >= leased.max_attempts:
                    return End(leased, lease, "dead", "later", error=storable(outcome.why), cause="attempts_exhausted")
                return End(
                    leased, lease, "pending", "later", "retry", error=storable(outcome.why), delay=outcome.delay_seconds
                )
            case Rejected():
                return End(leased, lease, "dead", "rejected", error=storable(outcome.why), cause="rejected")
            case _:
                raise TypeError(
                    f"the kind {leased.kind} returned {type(outcome).__name__}; it takes Done, Later or Rejected"
                )

    def _end_of_raised(self, work: Work, error: BaseException) -> End:
        """The state that an exception becomes: a bug of the kind, kept with its traceback."""
        leased, lease = work.leased, work.lease
        is_overdue = work.context is not None and not work.context.seconds_left()
        if isinstance(error, Cancelled) and work.is_cancel_asked:
            return End(leased, lease, "cancelled", "done", "cancelled")
        if isinstance(error, (Cancelled, TimeoutError)) and is_overdue:
            return self._end(work, Later(None, f"it took longer than {leased.timeout_seconds} s"))
        if isinstance(error, Cancelled):
            return self._end(work, Later(None, "its worker had to let it go"))
        if isinstance(error, ValidationError) and work.context is None:
            return self._end(work, Rejected(f"its params are not valid: {_briefly(error)}"))
        is_last = leased.attempt >= leased.max_attempts
        return End(
            leased,
            lease,
            "dead" if is_last else "pending",
            "raised",
            None if is_last else "retry",
            error=storable(f"{type(error).__name__}: {error}"),
            traceback=storable("".join(traceback.format_exception(error)), 20_000),
            cause="attempts_exhausted" if is_last else None,
        )

    def _render(self, leased: Leased, messages: Sequence[Message]) -> tuple[tuple[Body, ...], tuple[Intent, ...]]:
        """The bytes of each message, rendered once, and one delivery for each of its recipients."""
        if not messages:
            return (), ()
        bodies, intents = [], []
        domain = self._settings.mail_from.rpartition("@")[2].rstrip("> ") or "localhost"
        for number, message in enumerate(messages):
            mail_id = message_id(leased.id, number, domain)
            content = compose(message, sender=self._settings.mail_from, message_id=mail_id, date=leased.started_at)
            bodies.append(Body(number, mail_id, content))
            for recipient_type, recipients in (("to", message.to), ("cc", message.cc), ("bcc", message.bcc)):
                for recipient in recipients:
                    why_not = self._why_suppressed(recipient)
                    state = "suppressed" if why_not else "pending"
                    intents.append(
                        Intent(
                            id_at(leased.slot_at), message.channel, recipient, recipient_type, number, state, why_not
                        )
                    )
        return tuple(bodies), tuple(
            {(intent.channel, intent.recipient): intent for intent in reversed(intents)}.values()
        )

    def _why_suppressed(self, recipient: str) -> str | None:
        if self._settings.mode == "dry":
            return "TOCSIN_MODE is dry"
        allowed = self._settings.recipient_domains
        if allowed and recipient.rpartition("@")[2].lower() not in allowed:
            return "its domain is not in TOCSIN_RECIPIENT_DOMAINS"
        return None


@lru_cache
def _slot_of(time: str) -> str:
    """The slot that an id begins with, as text; the runs of a herd share one."""
    return slot_of(UUID(f"{time}-7000-8000-000000000000")).isoformat()


def _zone_of(leased: Leased) -> ZoneInfo:
    return zone(leased.timezone or "UTC")


def _briefly(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
