"""A schedule or a run in sentences: what it is, how it came to what it is now, and what happens next. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from api.holding import Holding
from api.pages.look import span
from db.jsonb import rfc3339
from scheduler.definition import Schedule
from scheduler.pattern_words import explain_pattern
from scheduler.runs import Attempt, Delivery, History, Run
from scheduler.words import explain

_WHYS = {
    "no_worker_for_kind": "no worker knows its kind: see TOCSIN_KINDS",
    "overlap": "an earlier run of its schedule was still open",
    "misfire": "it was too late when the ticker came to it",
    "holiday": "its calendar has those days off",
    "misfire_limit": "more slots had been missed than are made up for",
    "schedule_cancelled": "its schedule was cancelled",
    "cancelled": "somebody cancelled it",
    "superseded": "a newer job of its pulse was made",
    "restored": "it was open in a copy of the database, which left it undone: the original may have seen to it",
    "stale": "it was open for too long, and nobody worked on it",
    "worker_stopped": "its worker stopped and gave it back",
    "given_back": "its worker had no room and gave it back",
    "answer_lost": "its worker lost track of it, since an answer of Postgres was lost, and gave it back",
    "expired": "its worker was lost or its time was up",
    "suspect": "its worker was lost while several runs were in it, so it runs alone next",
    "replayed": "somebody opened it again",
    "retry": "its attempt did not succeed",
    "retry_budget": "so many calls of its endpoint fail that further attempts wait for others to be answered",
    "outcome_not_storable": "its outcome could not be stored",
}


def of_run(
    history: History,
    now: datetime,
    gate: UUID | None,
    holiday: str | None = None,
    *,
    held: Sequence[Holding] = (),
) -> list[str]:
    """The story of a run. `gate` is the run that holds its schedule's gate, `holiday` the name of its slot's day, `held` what holds it back."""
    run = history.run
    sentences = [
        f"A run of {_whose(run)}, for the slot {rfc3339(run.slot_at)} ({run.origin}"
        + (f" by {run.triggered_by})." if run.triggered_by else ").")
    ]
    if run.started_at is not None:
        sentences.append(_starts(history, run.started_at))
    sentences += [_attempt(attempt) for attempt in history.attempts]
    sentences.append(_state(run))
    if run.progress and run.finished_at is None:
        note = _line(run.progress["note"])
        sentences.append(f"It is {run.progress['fraction']:.0%} through{f': {note}' if note else ''}.")
    if holiday is not None:
        sentences.append(f"Its slot fell on {_line(holiday)}.")
    outcome = run.outcome or {}
    reason = outcome.get("sentence", outcome.get("reason"))
    if isinstance(reason, str):
        sentences.append(f"Its decision: {reason}.")
    sentences += [_delivery(delivery) for delivery in history.deliveries]
    if run.state == "succeeded" and not history.deliveries:
        sentences.append("It told nobody.")
    for letter in history.dead_letters:
        sentences.append(f"Dead letter {letter.id} ({letter.cause}) is {letter.state}.")
    sentences += [_circuit(each, each.open_since, now) for each in held if each.open_since is not None]
    return [*sentences, _next_of_run(run, now, gate, held)]


def of_schedule(row: Schedule, latest: Sequence[Run], now: datetime) -> list[str]:
    """The story of a schedule. `latest` are its newest runs, and those still open."""
    sentences = [
        f"{row.name} ({row.id}) is a schedule of the kind {row.kind}: {in_words(row)}.",
        f"It is {row.status}.",
    ]
    if row.pause_note:
        sentences.append(f"It was paused with the note: {row.pause_note}.")
    if row.last_error:
        at = f" at {rfc3339(row.last_error_at)}" if row.last_error_at else ""
        sentences.append(f"It could not be planned{at}: {row.last_error}.")
    if row.late_since is not None:
        most = f"{row.deliver_within_seconds} s" if row.deliver_within_seconds else "its time"
        sentences.append(
            f"It is late since {rfc3339(row.late_since)}: a slot was not delivered within {most}, and none since was."
        )
    fired = row.run_count - row.made_ahead
    limit = f" of {row.max_runs}" if row.max_runs is not None else ""
    if row.last_slot_at is None or row.last_slot_at > now:
        sentences.append(f"{fired}{limit} of its slots fired so far." if fired else "No slot of it has passed yet.")
    else:
        sentences.append(f"Its last slot was {rfc3339(row.last_slot_at)}; {fired}{limit} fired so far.")
    sentences.append(
        f"It last succeeded at {rfc3339(row.last_run_at)}." if row.last_run_at else "It never succeeded yet."
    )
    sentences += [f"Run {run.id} for {rfc3339(run.slot_at)} {_state(run)[3:]}" for run in latest]
    return [*sentences, _next_of_schedule(row, now)]


def in_words(row: Schedule) -> str:
    """When the schedule fires, in plain words."""
    if row.cron is not None:
        return f"{row.cron}, that is: {explain(row.cron, row.timezone, str(row.id))}"
    if row.interval_seconds is not None and row.interval_anchor is not None:
        return f"every {row.interval_seconds} s, counted from {rfc3339(row.interval_anchor)}"
    if row.recurrence is not None:
        return explain_pattern(row.recurrence, row.timezone)
    return f"once, at {rfc3339(row.scheduled_at)}" if row.scheduled_at is not None else "never"


def of_hold(is_foreign: bool, mode: str) -> list[str]:  # noqa: FBT001  two facts about the installation
    """Why nothing happens at all, where that is so."""
    if is_foreign:
        return ["Nothing is claimed here: this database is a copy and is held; see `tocsin doctor --adopt`."]
    if mode == "held":
        return ["Nothing is claimed by processes that have TOCSIN_MODE=held, as this command has."]
    return []


def _whose(run: Run) -> str:
    return f"the schedule {run.schedule_name} ({run.kind})" if run.schedule_id else f"the kind {run.kind}"


def _starts(history: History, last: datetime) -> str:
    """When the run began and when it was last started: one that waits, as a crew does for its calls, is at each look."""
    slot = history.run.slot_at
    attempts = [each.started_at for each in history.attempts if each.started_at is not None]
    first = min([last, *attempts])
    # A look that only waited is no attempt; what it has kept of its work tells when it had begun.
    kept = min((each.created_at for each in history.steps), default=first)
    if min(first, kept) == last:
        return f"It started at {rfc3339(last)}, {span(last - slot)} after its slot."
    began = f"It first started at {rfc3339(first)}" if first <= kept else f"It had begun by {rfc3339(kept)}"
    return f"{began}, {span(min(first, kept) - slot)} after its slot, and last started at {rfc3339(last)}."


def _circuit(held: Holding, since: datetime, now: datetime) -> str:
    after = f" after {held.failed_in_row} failures on end" if held.failed_in_row > 1 else ""
    again = "now" if held.open_until is None or held.open_until <= now else f"at {rfc3339(held.open_until)}"
    return (
        f"The circuit of {held.words} is open since {rfc3339(since)}{after}: its calls wait, and one of them tries "
        f"again {again}."
    )


def _attempt(attempt: Attempt) -> str:
    took = ""
    if attempt.started_at is not None:
        took = f" after {span(attempt.finished_at - attempt.started_at)}"
    why = f": {_line(attempt.error)}" if attempt.error else ""
    return f"Attempt {attempt.attempt} ended {attempt.outcome}{took} at {rfc3339(attempt.finished_at)}{why}."


def _state(run: Run) -> str:
    why = _WHYS.get(run.reason or "", run.reason or "")
    error = _line(run.error) if run.error and run.state in ("dead", "pending") else ""
    because = f" because {why}" if why else ""
    if run.state == "skipped" and (run.skipped_count or 0) > 1 and run.skipped_until is not None:
        return f"It stands for {run.skipped_count} slots up to {rfc3339(run.skipped_until)}, skipped{because}."
    at = f" since {rfc3339(run.finished_at)}" if run.finished_at else ""
    return f"It is {run.state}{at}{because}{f': {error}' if error else ''}."


def _delivery(delivery: Delivery) -> str:
    at = f" at {rfc3339(delivery.sent_at)}" if delivery.sent_at else ""
    why = f": {_line(delivery.error)}" if delivery.error else ""
    tries = f" after {delivery.attempts} attempts" if delivery.attempts > 1 else ""
    again = f"; next attempt at {rfc3339(delivery.available_at)}" if delivery.state == "pending" else ""
    if delivery.state == "unknown":
        again = "; it may have arrived, and its policy is to hold it"
    whom = delivery.recipient_name or delivery.recipient
    return f"The {delivery.channel} to {whom} is {delivery.state}{at}{tries}{why}{again}."


def _next_of_run(run: Run, now: datetime, gate: UUID | None, held: Sequence[Holding]) -> str:
    if run.state == "pending":
        if run.available_at is None:
            holder = f" run {gate}, which holds the gate, ends" if gate else " the ticker lets it through the gate"
            return f"Next: it starts once{holder}."
        if run.available_at > now:
            # What only waited is no attempt.
            does = "starts" if run.started_at is None else "is tried again" if run.attempt else "goes on"
            return f"Next: it {does} at {rfc3339(run.available_at)}."
        if run.limited_by:
            return _next_of_held(run.limited_by, held)
        return "Next: the ticker releases it."
    if run.state == "queued" and run.available_at is not None and run.available_at > now:
        return f"Next: it starts at {rfc3339(run.available_at)}, for which it was made ahead."
    if run.state == "queued":
        return f"Next: a worker with room for the queue {run.queue} starts it."
    if run.state == "running":
        until = f" until {rfc3339(run.deadline_at)}" if run.deadline_at else ""
        asked = "; it was asked to stop" if run.cancel_requested_at else ""
        return (
            f"Next: process {run.leased_by} has{until} to end it (attempt {run.attempt} of {run.max_attempts}){asked}."
        )
    if run.state == "dead":
        return f"Next: nothing until somebody opens it again with `tocsin runs retry {run.id}`."
    return "Next: nothing; it is over."


def _next_of_held(names: Sequence[str], held: Sequence[Holding]) -> str:
    called = {each.name: each.words for each in held}
    is_open = [each.words for each in held if each.name in names and each.open_since is not None]
    if is_open:
        return f"Next: it is the one that tries, or starts once {' and '.join(is_open)} gives answers again."
    return f"Next: it starts once its limits leave room for it: {', '.join(called.get(name, name) for name in names)}."


def _next_of_schedule(row: Schedule, now: datetime) -> str:
    if row.status == "paused":
        return f"Next: nothing until `tocsin schedules resume {row.id}`."
    if row.status == "failed" and row.scheduled_at is not None and not row.last_error:
        return "Next: nothing until its dead run is opened again with `tocsin runs retry`."
    if row.status == "failed":
        return "Next: nothing until it is mended and resumed."
    if row.status != "active":
        return "Next: nothing; it is over."
    if row.next_fire_at is None:
        return "Next: no slot will come; it ends with its last run."
    if row.next_fire_at <= now:
        return f"Next: it is due since {rfc3339(row.next_fire_at)} and waits for a ticker."
    return f"Next: it fires at {rfc3339(row.next_fire_at)}."


def _line(text: Any) -> str:
    return " ".join(str(text).split()).rstrip(".")
