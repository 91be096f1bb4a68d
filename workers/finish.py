"""Finish: attempts end in groups, each group one statement and one commit.

A run counts as done only after its group committed. After a lost answer the group is finished again: the statement
answers rows that it already wrote. An outcome that Postgres cannot store is found by halving, and ends as a bug.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from config.faults import faultpoint
from db.pool import Connection, Database, DatabaseError
from db.processes import Lease
from db.query import Query, literal
from telemetry.log import Events
from workers.outcome import AlertMove, CrewAnswer
from workers.rows import Ended, Leased, Value

events = Events("finish")

_LARGEST_GROUP = 200
# What the answers of crews in one group may be together: a statement's text is in memory several times.
_LARGEST_ANSWERS = 4_000_000
_CROWD = 16
_GATHER_SECONDS = 0.04
# Classes of SQLSTATE: rolled back, not in the needed state, lacking resources, an operator's hand, the system's fault.
_PASSING = frozenset({"40", "53", "55", "57", "58"})
_TOO_LONG = "57014"


class Body(NamedTuple):
    """A rendered message: the bytes that every attempt and every recipient gets."""

    number: int
    message_id: str
    content: bytes


class Intent(NamedTuple):
    """A delivery to be written with the outcome."""

    id: UUID
    channel: str
    recipient: str
    recipient_type: str
    body_number: int
    state: str
    error: str | None


class NewAlertState(NamedTuple):
    """An alert's state to be written with the outcome."""

    alert_id: UUID
    segment: str
    state: str
    value: Decimal | None
    since: datetime
    memory: str
    moves: tuple[AlertMove, ...] = ()


@dataclass(slots=True)
class End:
    """How an attempt ended, as finish_runs.sql takes it. `delay` None with state pending: the schedule's back-off."""

    leased: Leased
    lease: Lease
    state: str
    attempt_outcome: str
    reason: str | None = None
    outcome: str | None = None
    error: str | None = None
    delay: float | None = None
    traceback: str | None = None
    cause: str | None = None
    seconds: float = 0.0
    bodies: tuple[Body, ...] = ()
    intents: tuple[Intent, ...] = ()
    alert_states: tuple[NewAlertState, ...] = ()
    answer: CrewAnswer | None = None
    when_done: Callable[[], None] = lambda: None


FINISH = Query("finish_runs", Ended)
NOTIFY = Query("notify_tickers", Value)


class Finisher:
    """One thread that writes the ends of attempts; `told` is called with each group of ends that was written."""

    def __init__(self, database: Database, told: Callable[[Sequence[End]], None]) -> None:
        self._database = database
        self._told = told
        self._ends: queue.SimpleQueue[End | None] = queue.SimpleQueue()
        self._conn: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="finish", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def finish(self, end: End) -> None:
        """Queues the end of an attempt; its `when_done` is called once it is committed or void."""
        self._ends.put(end)

    def stop(self, timeout: float) -> None:
        """Writes what is queued and ends the thread."""
        self._ends.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        is_last = False
        second: End | None = None
        while not is_last:
            group = dict[UUID, End]()
            answers = 0
            end = second or self._ends.get()
            second = None
            while end is not None:
                if end.leased.id in group:
                    # Of an overdue run both its cut and its own end come: the intents of one are not the other's.
                    second = end
                    break
                group[end.leased.id] = end
                answers += len(end.answer.response or "") if end.answer is not None else 0
                if len(group) == _LARGEST_GROUP or answers >= _LARGEST_ANSWERS or self._ends.empty():
                    break
                end = self._ends.get()
            is_last = end is None
            if group:
                self._write(list(group.values()))
            # What was stored is let go before the next end is waited for.
            size, group, end = len(group), {}, None
            if not is_last and _CROWD <= size < _LARGEST_GROUP:
                # Under load the next group gathers a little: a statement costs as much as the ends of thirty runs.
                time.sleep(_GATHER_SECONDS)
        if self._conn is not None:
            self._conn.close()

    def _write(self, group: Sequence[End]) -> None:
        """Writes the group until Postgres answers, or until every lease is known to be lost and the ends are void."""
        wait = 0.05
        written: dict[UUID, str] = {}
        while True:
            try:
                written = {row.id: row.state for row in self._execute(group)}
                break
            except Exception as error:  # noqa: BLE001  one run's bug must not end the thread that ends all runs
                if isinstance(error, DatabaseError) and self._is_passing(error):
                    events.warning("finish.repeated", error=str(error).strip(), runs=len(group))
                    if self._conn is not None and (self._conn.broken or self._conn.closed):
                        self._conn = None
                    if all(end.lease.is_lost for end in group):
                        break
                    time.sleep(wait)
                    wait = min(2.0, wait * 2)
                elif len(group) > 1:
                    self._write(group[: len(group) // 2])
                    self._write(group[len(group) // 2 :])
                    return
                elif group[0].reason == "outcome_not_storable":
                    events.error("finish.failed", run_id=group[0].leased.id)
                    break
                else:
                    self._write([_unstorable(group[0], error)])
                    return
        self._tell(group, written)

    def _tell(self, group: Sequence[End], written: dict[UUID, str]) -> None:
        """Tells of the ends that were written, each with its run's state since, and lets all of them go."""
        for end in group:
            if end.leased.id not in written:
                events.warning("finish.refused", run_id=end.leased.id, fence=end.leased.fence, state=end.state)
            end.state = written.get(end.leased.id, end.state)
        self._told([end for end in group if end.leased.id in written])
        for end in group:
            end.when_done()

    def _is_passing(self, error: DatabaseError) -> bool:
        """Whether the server and not the group is at fault: its connection is gone, or it lacks room, time or will."""
        is_gone = self._conn is None or self._conn.broken or self._conn.closed
        # One that took too long is tried again in halves.
        return is_gone or ((error.sqlstate or "")[:2] in _PASSING and error.sqlstate != _TOO_LONG)

    def _execute(self, group: Sequence[End]) -> list[Ended]:
        if self._conn is None:
            self._conn = self._database.connect("finish")
        faultpoint("before_finish")
        rows = FINISH.all(self._conn, process_id=group[0].lease.process_id, **_columns(group))
        faultpoint("after_finish")
        if any(row.has_waiting for row in rows):
            NOTIFY.one(self._conn)
        return rows


def storable(text: str, longest: int = 2000) -> str:
    """The text as Postgres can hold it: without NUL and lone surrogates, and not longer than `longest`."""
    return text.replace("\x00", "").encode(errors="replace").decode()[:longest]


def _unstorable(end: End, error: Exception) -> End:
    """The same attempt, ended as a bug because Postgres cannot store its outcome."""
    is_last = end.leased.attempt >= end.leased.max_attempts
    return replace(
        end,
        state="dead" if is_last else "pending",
        attempt_outcome="raised",
        reason="outcome_not_storable",
        outcome=None,
        error=storable(f"its outcome could not be stored: {type(error).__name__}: {error}"),
        delay=None,
        traceback=None,
        cause="attempts_exhausted" if is_last else None,
        bodies=(),
        intents=(),
        alert_states=(),
        answer=None,
    )


def _columns(group: Sequence[End]) -> dict[str, Any]:
    """The group as the arrays that finish_runs.sql takes."""
    bodies = [(end, body) for end in group for body in end.bodies]
    intents = [(end, intent) for end in group for intent in end.intents]
    alerts = [(end, state) for end in group for state in end.alert_states]
    answers = [(end, end.answer) for end in group if end.answer is not None]
    moves = [(end, state, move) for end, state in alerts for move in state.moves]
    return {
        "ids": [end.leased.id for end in group],
        "slots": [end.leased.slot_at for end in group],
        "fences": literal(end.leased.fence for end in group),
        "states": literal(end.state for end in group),
        "reasons": literal(end.reason for end in group),
        "outcomes": literal(end.outcome for end in group),
        "errors": literal(end.error for end in group),
        "delays": literal(end.delay for end in group),
        "attempt_outcomes": literal(end.attempt_outcome for end in group),
        "tracebacks": literal(end.traceback for end in group),
        "causes": literal(end.cause for end in group),
        "body_runs": [end.leased.id for end, _ in bodies],
        "body_numbers": [body.number for _, body in bodies],
        "message_ids": [body.message_id for _, body in bodies],
        "contents": [body.content for _, body in bodies],
        "delivery_ids": [intent.id for _, intent in intents],
        "delivery_runs": [end.leased.id for end, _ in intents],
        "channels": [intent.channel for _, intent in intents],
        "recipients": [intent.recipient for _, intent in intents],
        "recipient_types": [intent.recipient_type for _, intent in intents],
        "delivery_bodies": [intent.body_number for _, intent in intents],
        "delivery_states": [intent.state for _, intent in intents],
        "delivery_errors": [intent.error for _, intent in intents],
        "unknown_policies": [end.leased.unknown_policy or "resend" for end, _ in intents],
        "alert_ids": [state.alert_id for _, state in alerts],
        "alert_runs": [end.leased.id for end, _ in alerts],
        "segments": [state.segment for _, state in alerts],
        "alert_states": [state.state for _, state in alerts],
        "alert_values": [state.value for _, state in alerts],
        "alert_since": [state.since for _, state in alerts],
        "alert_memories": literal(state.memory for _, state in alerts),
        "move_alerts": [state.alert_id for _, state, _ in moves],
        "move_runs": [end.leased.id for end, _, _ in moves],
        "move_segments": [state.segment for _, state, _ in moves],
        "move_slots": [move.slot_at for _, _, move in moves],
        "moved_from": [move.moved_from for _, _, move in moves],
        "moved_to": [move.state for _, _, move in moves],
        "move_values": [move.value for _, _, move in moves],
        "answer_runs": [end.leased.id for end, _ in answers],
        "answer_uids": literal(answer.user_uid for _, answer in answers),
        "answer_contexts": literal(answer.context for _, answer in answers),
        "answer_goals": literal(answer.goal for _, answer in answers),
        "answers": literal(answer.response for _, answer in answers),
        "answer_endpoints": [answer.endpoint_id for _, answer in answers],
        "answer_errors": literal(answer.error for _, answer in answers),
        "answer_excerpts": literal(answer.excerpt for _, answer in answers),
        "answer_matches": literal(answer.matched for _, answer in answers),
        "answer_rule_errors": literal(answer.rule_error for _, answer in answers),
        "answer_latencies": [answer.latency_ms for _, answer in answers],
        "move_reasons": literal(move.reason for _, _, move in moves),
    }
