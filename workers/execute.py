"""Execute: the runner runs what was leased, and its outcome ends it.

The only place where an outcome becomes a state. The walk of one run: lease -> kind.run -> end -> finish -> deliver.
"""

import asyncio
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from config.faults import faultpoint
from config.zones import zone
from db.ids import id_at
from db.jsonb import dumps
from db.pool import Pool
from db.store import StoreUnavailable
from telemetry import errors, metrics, traces
from telemetry.log import Events
from workers import action_links
from workers.aio import LeftLoop, contained
from workers.artifacts import NoStore, Shelf
from workers.channels import post
from workers.channels.email import compose, message_id
from workers.crew.caller import Caller
from workers.finish import Body, End, Finisher, Intent, NewAlertState, storable
from workers.http import Client
from workers.journal import RunJournal
from workers.kind import Cancelled, Context, with_told
from workers.lease import Work
from workers.mail_rules import RuleBook
from workers.outcome import Action, Done, Later, Message, Outcome, Rejected, no_outcome
from workers.posting import intents_of
from workers.rows import Leased
from workers.settings import Settings

events = Events("execute")

_LEASE_LOOK_SECONDS = 0.05
_BAD = ("rejected", "raised")
# How a kind stops: by its own word, or an async one where it awaits.
_STOPPED = (Cancelled, asyncio.CancelledError)


class Executor:
    """Runs kinds and turns what these return into states."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        finisher: Finisher,
        http: Client,
        shelf: Shelf,
        caller: Caller,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._finisher = finisher
        self._http = http
        self._shelf = shelf
        self._caller = caller
        self._mail = RuleBook(pool, settings.mail_from, settings.mode, settings.recipient_domains)
        self.running: dict[UUID, Work] = {}

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
        with _traced(work):
            try:
                context = self._context(work)
                faultpoint("in_run")
                outcome: Any = work.kind.run(context)
                end = self._end(work, outcome)
            except BaseException as error:  # noqa: BLE001  whatever a kind raises is its bug and belongs to its run
                end = self._end_of_raised(work, error)
            traces.tell(outcome=end.attempt_outcome, is_bad=end.attempt_outcome in _BAD)
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
        with _traced(work):
            try:
                context = self._context(work)
                loop = asyncio.get_running_loop()
                task = loop.create_task(contained(work.kind.run, context))
                work.interrupt = lambda: loop.call_soon_threadsafe(task.cancel)
                outcome: Any = await asyncio.wait_for(task, context.seconds_left())
                end = self._end(work, outcome)
            except LeftLoop as left:
                end = self._end_of_raised(work, left.__cause__ or left)
            except BaseException as error:  # noqa: BLE001  as above
                end = self._end_of_raised(work, error)
            traces.tell(outcome=end.attempt_outcome, is_bad=end.attempt_outcome in _BAD)
        self._hand_in(work, end, began)

    def cancel(self, run_ids: Sequence[UUID]) -> None:
        """Tells running kinds that somebody asked to cancel them."""
        for run_id in run_ids:
            work = self.running.get(run_id)
            if work is not None and work.context is not None:
                work.is_cancel_asked = True
                work.context.cancelled.set()
                work.interrupt()

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
        # A later attempt, a backfill and what somebody asks for are late by nobody's fault.
        if leased.origin == "schedule" and leased.is_first:
            lag = (leased.released_at - leased.slot_at).total_seconds() + now - work.begin_at
            metrics.start_lag_seconds_of(leased.kind).observe(lag, traces.exemplar(leased.id))
        return now

    def _hand_in(self, work: Work, end: End, began: float) -> None:
        self.running.pop(work.leased.id, None)
        # It is in a ring with its context, and reaches what its kind returned, which may be large.
        work.interrupt = _nobody
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
            self._http,
            self._settings.files,
            work.lease.process_id,
            self._shelf,
            self._settings.chatbot,
            self._settings.recipient_domains,
            self._caller,
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
            is_last_attempt=leased.attempt >= leased.max_attempts,
            is_held=work.lease.is_held,
        )
        return work.context

    def _end(self, work: Work, outcome: Outcome) -> End:
        """The state that an outcome becomes."""
        leased, lease = work.leased, work.lease
        match outcome:
            case Done():
                told = work.context.told if work.context is not None else ()
                bodies, intents = self._render(leased, with_told(outcome, told))
                return End(
                    leased,
                    lease,
                    "succeeded",
                    "done",
                    outcome=dumps(dict(outcome.result)) if outcome.result else "{}",
                    bodies=bodies,
                    intents=intents,
                    alert_states=tuple(
                        NewAlertState(
                            state.alert_id,
                            state.segment,
                            state.state,
                            state.value,
                            state.since,
                            dumps(dict(state.memory)),
                            tuple(move._replace(reason=storable(move.reason)) for move in state.moves),
                        )
                        for state in outcome.alert_states
                    ),
                    answer=outcome.answer,
                )
            case Later():
                why, delay, answer = storable(outcome.why), outcome.delay_seconds, outcome.answer
                if not outcome.is_counted:
                    return End(
                        leased, lease, "pending", "waited", "waits", error=why, delay=delay or 0.0, answer=answer
                    )
                if leased.attempt >= leased.max_attempts:
                    cause = "attempts_exhausted"
                    return End(leased, lease, "dead", "later", error=why, cause=cause, answer=answer)
                return End(leased, lease, "pending", "later", "retry", error=why, delay=delay, answer=answer)
            case Rejected():
                why = storable(outcome.why)
                return End(leased, lease, "dead", "rejected", error=why, cause="rejected", answer=outcome.answer)
            case _:
                raise no_outcome(leased.kind, outcome)

    def _end_of_raised(self, work: Work, error: BaseException) -> End:
        """The state that an exception becomes: a bug of the kind, kept with its traceback."""
        leased, lease = work.leased, work.lease
        is_overdue = work.context is not None and not work.context.seconds_left()
        if isinstance(error, _STOPPED) and work.is_cancel_asked:
            return End(leased, lease, "cancelled", "done", "cancelled")
        if isinstance(error, (*_STOPPED, TimeoutError)) and is_overdue:
            return self._end(work, Later(None, f"it took longer than {leased.timeout_seconds} s"))
        if isinstance(error, _STOPPED) and work.context is not None and work.context.is_cancelled():
            return self._end(work, Later(None, "its worker had to let it go"))
        if isinstance(error, ValidationError) and work.context is None:
            return self._end(work, Rejected(f"its params are not valid: {_briefly(error)}"))
        if isinstance(error, NoStore):
            return self._end(work, Rejected(str(error)))
        if isinstance(error, StoreUnavailable):
            return self._end(work, Later(None, str(error)))
        errors.raised(error, kind=leased.kind, run_id=leased.id, attempt=leased.attempt)
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

    def _render(self, leased: Leased, done: Done) -> tuple[tuple[Body, ...], tuple[Intent, ...]]:
        """The bytes of each message, rendered once, and one delivery for each of its recipients and channels."""
        if not done.messages and not done.posts:
            return (), ()
        bodies: list[Body] = []
        intents: list[Intent] = []
        everybody = [each for message in done.messages for each in (*message.to, *message.cc, *message.bcc)]
        rules = self._mail.of(leased.tenant_id, everybody, leased.schedule_id)
        domain = self._settings.mail_from.rpartition("@")[2].rstrip("> ") or "localhost"
        for number, message in enumerate(done.messages):
            mail_id = message_id(leased.id, number, domain)
            content = compose(
                message,
                sender=rules.sender,
                reply_to=rules.reply_to,
                message_id=mail_id,
                date=leased.started_at,
                links=self._links(message, mail_id),
            )
            bodies.append(Body(number, mail_id, content))
            for recipient_type, recipients in (("to", message.to), ("cc", message.cc), ("bcc", message.bcc)):
                for recipient in recipients:
                    why_not = rules.why_not(recipient)
                    state = "suppressed" if why_not else "pending"
                    intents.append(
                        Intent(
                            id_at(leased.slot_at), message.channel, recipient, recipient_type, number, state, why_not
                        )
                    )
        for number, told in enumerate(done.posts, len(bodies)):
            content = post.written(told, leased.slot_at, self._settings.url or "")
            bodies.append(Body(number, message_id(leased.id, number, domain), content))
            intents += intents_of(leased, told, number, rules.why_nobody)
        return tuple(bodies), tuple(
            {(intent.channel, intent.recipient): intent for intent in reversed(intents)}.values()
        )

    def _links(self, message: Message, mail_id: str) -> Mapping[Action, str]:
        """The links behind the message's actions; none without an address to lead to and a key to sign with."""
        keys = self._settings.seal.derived(action_links.PURPOSE)
        if not (message.actions and self._settings.url and keys):
            return {}
        return action_links.places(keys[0], self._settings.url, mail_id, message.actions)


def _nobody() -> None:
    """Reaches no kind: it has ended."""


def _traced(work: Work) -> AbstractContextManager[object]:
    leased = work.leased
    return traces.part("attempt", leased.id, kind=leased.kind, attempt=leased.attempt)


def _zone_of(leased: Leased) -> ZoneInfo:
    return zone(leased.timezone or "UTC")


def _briefly(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
