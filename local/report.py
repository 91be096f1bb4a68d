"""What the demo's schedules came to, as Postgres, the mail server and the receiver tell it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from local.machine import Machine
from local.mail import Mail
from local.recipes import RECIPES, RUNS, Sown

OPEN = ("pending", "queued", "running")
_SQL_RUNS = (
    "select id, slot_at, state, reason, error, attempt, outcome, "
    "(extract(epoch from started_at - slot_at) * 1000)::float8 as lag_ms, "
    "(extract(epoch from finished_at - started_at) * 1000)::float8 as took_ms "
    "from runs where schedule_id = %s order by slot_at"
)
_SQL_DELIVERIES = (
    "select d.run_id, d.channel, d.recipient, d.state, d.error, b.message_id from deliveries as d "
    "inner join delivery_bodies as b on b.run_id = d.run_id and b.slot_at = d.slot_at and b.number = d.body_number "
    "where d.run_id = any(%s) order by d.slot_at, d.recipient"
)


@dataclass
class Run:
    """A run as Postgres holds it."""

    id: UUID
    slot_at: datetime
    state: str
    reason: str | None
    error: str | None
    attempt: int
    outcome: dict[str, Any] | None
    lag_ms: float | None
    took_ms: float | None


@dataclass
class Delivery:
    """A delivery as Postgres holds it."""

    run_id: UUID
    channel: str
    recipient: str
    state: str
    error: str | None
    message_id: str


class Sent(NamedTuple):
    """What arrived outside for one kind: the mails, and the signed calls by the run that made them."""

    mails: list[Mail]
    calls: dict[str, int]
    calls_file: Path


@dataclass
class Found:
    """What one kind's schedule came to; `problems` is empty when all is as it should be."""

    kind: str
    runs: list[Run]
    deliveries: list[Delivery]
    sent: Sent
    problems: list[str] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """True once nothing more will happen."""
        return (
            len(self.runs) >= RUNS
            and not any(run.state in OPEN for run in self.runs)
            and not any(delivery.state in ("pending", "sending") for delivery in self.deliveries)
        )

    @property
    def is_ok(self) -> bool:
        """True when the kind went through the whole path."""
        return self.is_over and not self.problems

    @property
    def artifacts(self) -> list[Path]:
        """The files that tell what arrived."""
        mails = [file for mail in self.sent.mails for file in (mail.file, mail.file.with_suffix(".html"))]
        return [file for file in mails if file.exists()] + ([self.sent.calls_file] if self.sent.calls else [])


def look(conn: psycopg.Connection, machine: Machine, sown: Sequence[Sown]) -> list[Found]:
    """What there is now, a kind at a time."""
    return [_look_at(conn, machine, each) for each in sown]


def _look_at(conn: psycopg.Connection, machine: Machine, sown: Sown) -> Found:
    with conn.cursor(row_factory=class_row(Run)) as cursor:
        runs = cursor.execute(_SQL_RUNS, (sown.schedule_id,)).fetchall()
    with conn.cursor(row_factory=class_row(Delivery)) as deliveries_cursor:
        deliveries = deliveries_cursor.execute(_SQL_DELIVERIES, ([run.id for run in runs],)).fetchall()
    ids = {delivery.message_id for delivery in deliveries}
    mails = [mail for mail in machine.mail.mails() if mail.message["Message-ID"] in ids]
    calls = [call.headers.get("webhook-id", "") for call in list(machine.receiver.calls) if call.is_signed]
    ours = {str(run.id) for run in runs}
    if sown.kind == "crew.call":
        # A crew's calls are made by runs of their own, one a user.
        of_crew = [call.headers for call in list(machine.receiver.calls) if not call.is_signed]
        calls = [each["tocsin-run-id"] for each in of_crew if each.get("tocsin-schedule-id") == str(sown.schedule_id)]
        ours = set(calls)
    found = Found(
        sown.kind,
        runs,
        deliveries,
        Sent(mails, {run_id: calls.count(run_id) for run_id in calls if run_id in ours}, machine.receiver.file),
    )
    found.problems = _problems(found)
    return found


def _problems(found: Found) -> list[str]:
    """What is not as it should be, in sentences."""
    recipe = RECIPES[found.kind]
    told = [
        f"the run of {run.slot_at:%H:%M:%S} is {run.state} ({run.error or run.reason or 'no reason'})"
        for run in found.runs
        if run.state != "succeeded"
    ]
    if len(found.runs) < RUNS:
        told.append(f"{len(found.runs)} of {RUNS} runs were made")
    if len(found.deliveries) != recipe.deliveries:
        told.append(f"{len(found.deliveries)} of {recipe.deliveries} deliveries were made")
    told += [problem for delivery in found.deliveries if (problem := _problem_of(delivery, found.sent.mails))]
    for run in found.runs if recipe.calls_each_run else ():
        calls = found.sent.calls.get(str(run.id), 0)
        if calls != 1:
            told.append(f"the receiver got {calls} signed calls of the run of {run.slot_at:%H:%M:%S}")
    return told


def _problem_of(delivery: Delivery, mails: Sequence[Mail]) -> str:
    """What is wrong with a delivery; nothing when it is sent and arrived once."""
    arrived = sum(
        mail.recipients == (delivery.recipient,) and mail.message["Message-ID"] == delivery.message_id for mail in mails
    )
    if delivery.state == "sent" and arrived == 1:
        return ""
    why = f" ({delivery.error})" if delivery.error else ""
    return f"the mail to {delivery.recipient} is {delivery.state}{why} and arrived {arrived} times"


def save_pages(found: Sequence[Found]) -> None:
    """Puts the HTML of each mail beside it, to be opened in a browser."""
    for mail in (mail for kind in found for mail in kind.sent.mails):
        page = mail.message.get_body(("html",))
        if page is not None:
            mail.file.with_suffix(".html").write_text(cast(EmailMessage, page).get_content())


def as_json(found: Sequence[Found]) -> str:
    """One JSON object: a kind each with its counts, its worst start lag, its deliveries and its files."""
    save_pages(found)
    kinds = [
        {
            "kind": kind.kind,
            "runs": len(kind.runs),
            "succeeded": sum(run.state == "succeeded" for run in kind.runs),
            "startLagMs": round(max((run.lag_ms or 0.0 for run in kind.runs), default=0.0), 1),
            "deliveries": [
                {"channel": each.channel, "recipient": each.recipient, "state": each.state, "runId": str(each.run_id)}
                for each in kind.deliveries
            ],
            "artifacts": [str(file) for file in kind.artifacts],
            "problems": kind.problems,
        }
        for kind in found
    ]
    return json.dumps({"kinds": kinds, "ok": all(kind.is_ok for kind in found)}, indent=2)


def as_text(found: Sequence[Found], files: Path) -> str:
    """The table of runs, the first mail as its reader gets it, and where all of it lies."""
    save_pages(found)
    head = ("KIND", "SLOT (UTC)", "START LAG", "TOOK", "OUTCOME", "WHAT CAME OF IT")
    rows = [
        (
            kind.kind,
            f"{run.slot_at:%H:%M:%S.%f}"[:-3],
            _milliseconds(run.lag_ms),
            _milliseconds(run.took_ms),
            run.state,
            _what_came(kind, run),
        )
        for kind in found
        for run in kind.runs
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    mails = [mail for kind in found for mail in kind.sent.mails]
    if mails:
        lines += ["", *_mail_as_text(mails[0].message)]
    lines += ["", "Mails, pages, calls and logs:", *(f"  {file}" for kind in found for file in kind.artifacts)]
    lines.append(f"  {files / 'log'}")
    return "\n".join(line.rstrip() for line in lines)


def _what_came(kind: Found, run: Run) -> str:
    recipients = [delivery for delivery in kind.deliveries if delivery.run_id == run.id]
    if recipients:
        return "mail " + ", ".join(f"{delivery.recipient} {delivery.state}" for delivery in recipients)
    if run.error:
        return run.error
    if kind.sent.calls.get(str(run.id)):
        return f"signed call received, answered {(run.outcome or {}).get('status', '?')}"
    return str((run.outcome or {}).get("reason", run.reason or ""))


def _mail_as_text(message: EmailMessage) -> list[str]:
    body = message.get_body(("plain",))
    text = cast(EmailMessage, body).get_content() if body is not None else ""
    heads = [f"{name}: {message[name]}" for name in ("From", "To", "Subject")]
    return [f"  | {line}" for line in (*heads, "", *text.rstrip().splitlines())]


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} ms"
