"""The fourteen bugs: what each does, in which faults it shows, and which invariants must see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.proof.bugs import ends, leases, mails, planning


def _nothing(_: psycopg.Connection[Any]) -> None:
    """Leaves the database as it is."""


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug: what is patched in each process and done to the database, and the faults that bring it to light.

    `seen_by`: of these invariants one at least must have a counter-example. `patience_seconds`: how long what is open
    at the end may take; without a bug all is over by then.
    """

    claim: str
    seen_by: frozenset[str]
    plant: Callable[[], None] = lambda: None
    prepare: Callable[[psycopg.Connection[Any]], None] = _nothing
    script: Sequence[str] = ()
    mail_delay_ms: int = 0
    postgres: Mapping[str, str] = field(default_factory=dict)
    patience_seconds: float = 8.0


BUGS: Mapping[str, Bug] = {
    "none": Bug(
        "no bug",
        frozenset(),
        script=("worker.kill", "redis.flushall", "postgres.idle_transaction"),
    ),
    "B1": Bug(
        "no duplicate guard, and claims without a lock",
        frozenset({"I2", "T2"}),
        planning.claim_without_lock,
        planning.drop_walls_of_slots,
    ),
    "B2": Bug("rings before the commit", frozenset({"I6", "T1"}), planning.ring_before_commit),
    "B3": Bug(
        "acknowledged before the commit",
        frozenset({"I8"}),
        ends.acknowledge_before_commit,
        script=("worker.kill",) * 3,
    ),
    "B4": Bug(
        "no sweeper, and a flushed Redis",
        frozenset({"I6", "T1"}),
        planning.look_for_nothing,
        script=("redis.flushall", "redis.shutdown", "redis.flushall", "redis.flushall"),
        patience_seconds=14.0,
    ),
    "B5": Bug(
        "ends without a look at the fence",
        frozenset({"I5", "I15"}),
        leases.finish_without_fence,
        leases.drop_walls_of_runs,
        script=("worker.stop",) * 3,
    ),
    "B6": Bug(
        "leases by the worker's own clock",
        frozenset({"I6"}),
        leases.lease_by_own_clock,
        script=("worker.kill",) * 3,
        patience_seconds=14.0,
    ),
    "B7": Bug(
        "a new Message-ID at each try",
        frozenset({"I10"}),
        mails.rename_each_try,
        script=("mail.away",) * 2,
    ),
    "B8": Bug(
        "rendered anew at each try",
        frozenset({"I11"}),
        mails.render_each_try,
        script=("mail.away",) * 2,
    ),
    "B9": Bug(
        "told as sent before it is sent",
        frozenset({"I8"}),
        mails.tell_before_sending,
        script=("worker.kill",) * 3,
    ),
    "B10": Bug("sent before its row is there", frozenset({"I10"}), ends.send_before_the_row),
    "B11": Bug(
        "the SMTP client tries again by itself",
        frozenset({"I9"}),
        mails.send_again_unseen,
        script=("mail.answer_lost",) * 3,
    ),
    "B12": Bug(
        "a make-up run too few",
        frozenset({"I1"}),
        planning.forget_the_oldest_missed,
        script=("postgres.idle_transaction",) * 3,
    ),
    "B13": Bug(
        "the answer to a start is ignored",
        frozenset({"I2", "T2"}),
        leases.ignore_what_start_answers,
    ),
    "B14": Bug(
        "commits that do not wait for the disk",
        frozenset({"I2", "I9", "I10"}),
        script=("postgres.immediate_stop",) * 3,
        postgres={"synchronous_commit": "off", "fsync": "on", "full_page_writes": "on"},
    ),
}
