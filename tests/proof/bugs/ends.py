"""Bugs of the end of a run: what counts as done is not committed, and what is sent is not written."""

import time
from collections.abc import Sequence
from dataclasses import replace as with_

import workers.main
from db.pool import Connection
from tests.proof.bugs.rewrite import replace
from workers.channels import Mailer, open_mail
from workers.finish import End, Finisher
from workers.rows import Ended

_PAUSE_SECONDS = 1.0
_BODY = """
    insert into delivery_bodies (run_id, slot_at, tenant_id, number, message_id, content)
    values (%s, %s, %s, %s, %s, %s)
"""
_INTENT = """
    insert into deliveries (id, slot_at, tenant_id, run_id, channel, recipient, recipient_type, body_number, state)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


class Unguarded:
    """A guard that lets everything pass."""

    def before_connect(self) -> None:
        """Passes."""

    def before_data(self) -> None:
        """Passes."""

    def before_dot(self) -> None:
        """Passes."""


def acknowledge_before_commit() -> None:
    """A run is told as succeeded first; what it owes is committed a moment later."""
    execute = Finisher._execute

    def execute_in_two(self: Finisher, group: Sequence[End]) -> list[Ended]:
        rows: list[Ended] = execute(self, [with_(end, bodies=(), intents=()) for end in group])
        written = {row.id for row in rows}
        owing = [end for end in group if end.intents and end.leased.id in written]
        if owing:
            time.sleep(_PAUSE_SECONDS)
            assert self._conn
            with self._conn.transaction():
                _write_owed(self._conn, owing)
        return rows

    replace(Finisher, "_execute", execute_in_two)


def _write_owed(conn: Connection, ends: Sequence[End]) -> None:
    for end in ends:
        run = end.leased
        whose = (run.slot_at, run.tenant_id)
        for body in end.bodies:
            conn.execute(_BODY, (run.id, *whose, body.number, body.message_id, body.content))
        for intent in end.intents:
            what = (intent.channel, intent.recipient, intent.recipient_type, intent.body_number, intent.state)
            conn.execute(_INTENT, (intent.id, *whose, run.id, *what))


def send_before_the_row() -> None:
    """Mails leave as their run ends; their rows are written with what became of them."""
    mailers: list[Mailer] = []
    execute = Finisher._execute

    def keep_mailer(url: str, mail_from: str) -> Mailer:
        mailers.append(open_mail(url, mail_from))
        return mailers[-1]

    def send_and_execute(self: Finisher, group: Sequence[End]) -> list[Ended]:
        return execute(self, [_sent(mailers[-1], end) for end in group])

    replace(workers.main, "open_mail", keep_mailer)
    replace(Finisher, "_execute", send_and_execute)


def _sent(mailer: Mailer, end: End) -> End:
    contents = {body.number: body.content for body in end.bodies}
    for intent in end.intents:
        mailer.send(intent.recipient, contents[intent.body_number], Unguarded())
    return with_(end, intents=tuple(intent._replace(state="sent") for intent in end.intents))
