"""Everything at once: processes killed and stopped, rings flushed, for a while; then every promise is checked."""

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis as Client

from local.mail import MailSink
from tests import make
from tests.attempts import DONE_TWICE
from tests.races.traces import lines
from tests.system import Process, System, until

pytestmark = pytest.mark.race

SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 10**6)
OVERLAPS = """
    select a.schedule_id, a.started_at, b.started_at from (
        select schedule_id, id, started_at, finished_at from runs where state = 'succeeded' and kind = 'test.wait'
    ) as a inner join (
        select schedule_id, id, started_at, finished_at from runs where state = 'succeeded' and kind = 'test.wait'
    ) as b on a.schedule_id = b.schedule_id and a.id < b.id
        and a.started_at < b.finished_at and b.started_at < a.finished_at
"""


@pytest.mark.timeout(60 + 5 * SECONDS)
def test_nothing_is_lost_or_doubled_in_chaos(
    make_system: Callable[..., System], mail: MailSink, redis: str, trace: Path
) -> None:
    sys.stdout.write(f"CHAOS_SEED={SEED}\n")
    system = make_system(MAIL_URL=mail.url)
    chance = random.Random(SEED)
    mailing = [f"r{number}@example.com" for number in range(8)]
    with system.conn.transaction():
        for address in mailing:
            make.schedule(
                system.conn, system.tenant, kind="test.mail", params={"to": [address]}, interval_seconds=1,
                misfire_policy="all", misfire_grace_seconds=0, max_attempts=50,
            )  # fmt: skip
        for _ in range(4):
            make.schedule(
                system.conn, system.tenant, kind="test.wait", params={"file": str(trace), "seconds": 0.05},
                interval_seconds=1, misfire_policy="all", overlap_policy="queue", max_attempts=50,
            )  # fmt: skip
    roles: list[Callable[[], Process]] = [lambda: system.ticker(wait=False), lambda: system.worker(wait=False)]
    living = [(role, role()) for role in roles for _ in range(2)]
    ended = time.monotonic() + SECONDS
    with Client.from_url(redis) as client:
        while time.monotonic() < ended:
            time.sleep(chance.uniform(0.2, 1.2))
            role, process = living.pop(chance.randrange(len(living)))
            match chance.choice(["kill", "kill", "stop", "term", "flush"]):
                case "kill":
                    process.kill()
                    process = role()
                case "stop":
                    process.signal(signal.SIGSTOP)
                    time.sleep(chance.uniform(0.5, 2.5))
                    process.signal(signal.SIGCONT)
                case "term":
                    process.signal(signal.SIGTERM)
                    process = role()
                case "flush":
                    client.flushall()
            living.append((role, process))
    system.conn.execute("update schedules set status = 'paused'")
    is_open = "select exists (select from runs where state in ('pending', 'queued', 'running'))"
    until(lambda: not system.value(is_open), 60, lambda: f"{system.states()} {system.logs()}")
    is_unsent = "select exists (select from deliveries where state in ('pending', 'sending'))"
    until(lambda: not system.value(is_unsent), 60, system.logs)

    # Each slot that passed has its one run, and each run succeeded.
    missing = system.conn.execute(
        "select s.id, slot from schedules as s, generate_series(s.interval_anchor, s.last_slot_at, interval '1 s') as slot "
        "where not exists (select from runs as r where r.schedule_id = s.id and r.slot_at = slot)"
    ).fetchall()
    assert missing == []
    assert system.value("select count(*) > 0 and bool_and(last_slot_at is not null) from schedules")
    assert set(system.states()) == {"succeeded"}
    assert system.value(
        "select bool_and(n = 1) from (select count(*) as n from runs group by schedule_id, slot_at) as c"
    )
    assert system.value("select count(*) from runs") == system.value("select sum(run_count) from schedules")
    assert system.value(DONE_TWICE) == 0
    assert {line.run for line in lines(trace)} == {
        str(run) for (run,) in system.conn.execute("select id from runs where kind = 'test.wait'").fetchall()
    }
    # Each mail arrived, and twice only where the window of its delivery was hit, which was counted.
    assert system.value("select bool_and(state = 'sent') from deliveries")
    mails = Counter((str(each.message["Message-ID"]), each.recipients[0]) for each in mail.mails())
    sent = {
        (message_id, recipient): unknown
        for message_id, recipient, unknown in system.conn.execute(
            "select b.message_id, d.recipient, d.unknown_count from deliveries as d "
            "inner join delivery_bodies as b on b.run_id = d.run_id"
        ).fetchall()
    }
    assert set(mails) == set(sent)
    assert {key: count for key, count in mails.items() if count > 1 + sent[key]} == {}
    # Runs of a gated schedule came one after the other.
    assert system.conn.execute(OVERLAPS).fetchall() == []
