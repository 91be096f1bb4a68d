"""A failover to a standby that lost the last commits: what they held is done again, all else once, and nothing is lost."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from db.migrate import migrate
from db.pool import Database
from local.mail import MailSink
from local.postgres import NO_FLUSH, Postgres
from local.processes import give, run_unprivileged
from proof.proxy import Proxy
from proof.records import Start
from proof.sinks import CallSink, read_sink, read_starts
from tests import make
from tests.proof.points.nursery import Nursery
from tests.proof.points.place import Place
from tests.system import until

pytestmark = pytest.mark.race

SCHEDULES, SECONDS = 20, 14
BEFORE, LOST = 4.0, 2.0
# From a commit that was still copied to the witness of what it began.
_ON_THE_WAY = 1.0
_RUNS = """
    select count(*) filter (where state = 'succeeded'), count(*), count(distinct (schedule_id, slot_at)) from runs
"""


class Standby:
    """A second server that follows the first by way of a proxy, until it takes over."""

    def __init__(self, primary: Postgres, way: Proxy) -> None:
        self.server = Postgres(settings=NO_FLUSH)
        password = self.server.folder / "password"
        password.write_text((primary.folder / "password").read_text())
        give(password)
        copied = run_unprivileged(
            [
                self.server._programs / "pg_basebackup", "--pgdata", self.server._data, "--dbname", way.url,
                "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
            ]
        )  # fmt: skip
        assert copied.returncode == 0, copied.stderr
        # It is no server to wait for yet: it says that it follows, and never that it is ready.
        self.server._server = self.server._launch()

    def take_over(self, port: int) -> None:
        """Makes it a server of its own at the address of the first; returns once it takes writes."""
        ctl = self.server._programs / "pg_ctl"
        done = run_unprivileged([ctl, "promote", "--pgdata", self.server._data, "--wait"])
        assert done.returncode == 0, done.stdout + done.stderr
        self.server.stop()
        self.server.port = port
        self.server.start()


@pytest.fixture
def pair(make_postgres: Callable[..., Postgres]) -> Iterator[tuple[Postgres, Proxy, Standby]]:
    """Two servers, the second of which follows."""
    primary = make_postgres()
    with Proxy(primary.url) as way:
        migrate(Database.at(primary.create_database("failing")))
        standby = Standby(primary, way)
        try:
            with psycopg.connect(primary.url, autocommit=True) as conn:
                following = "select count(*) from pg_stat_replication where state = 'streaming'"
                until(lambda: make.value(conn, following) == 1, 30, standby.server.log)
            yield primary, way, standby
        finally:
            standby.server.close()


def test_after_a_failover_that_lost_commits_only_what_they_held_is_done_again(
    pair: tuple[Postgres, Proxy, Standby],
    redis: str,
    tmp_path: Path,
    nursery: Nursery,
    witnesses: tuple[CallSink, MailSink],
) -> None:
    primary, way, standby = pair
    with Place(primary.url_of("failing"), redis, tmp_path, nursery, *witnesses) as place:
        place.start("ticker")
        place.start("worker")
        starts_at = place.now() + timedelta(seconds=1)
        for number in range(SCHEDULES):
            kind = ("chaos.work", "chaos.call", "chaos.mail")[number % 3]
            to = [f"r{number}@{place.domain}"] if kind == "chaos.mail" else []
            place.make(
                kind, {"sink": place.calls.url, "to": to}, interval_seconds=1, interval_anchor=starts_at,
                starts_at=starts_at, ends_at=starts_at + timedelta(seconds=SECONDS), misfire_policy="all",
            )  # fmt: skip
        time.sleep(BEFORE)
        lost_from = place.now().timestamp()
        way.hold(refuses=True)
        way.reset_all()
        time.sleep(LOST)
        primary.kill()
        standby.take_over(primary.port)
        place.reconnect()
        due = "select count(*) from schedules where status = 'active' and next_fire_at is not null"
        until(lambda: make.value(place.conn, due) == 0 and place.is_over(), 90, place.logs)

        succeeded, runs, slots = place.conn.execute(_RUNS).fetchone() or (0, 0, 0)
        assert succeeded == runs == slots == SCHEDULES * (SECONDS + 1)
        starts = [start for start in read_starts(place.calls.folder) if start.schedule in place.made]
        assert len({(start.schedule, start.slot) for start in starts}) == slots
        again = begun_again(starts)
        assert again, "no commit was lost"
        assert min(again) > lost_from - _ON_THE_WAY, place.logs()
        # A provider that knows keys has each effect once all the same: the run was copied, and its id is its key.
        kept = Counter(
            event.recipient.rpartition("/")[2]
            for event in read_sink(place.calls.folder)
            if event.phase == "kept" and event.recipient.rpartition("/")[2] in place.made
        )
        assert set(kept.values()) == {SECONDS + 1}


def begun_again(starts: list[Start]) -> list[float]:
    """When the slots began first that began more than once."""
    first: dict[tuple[str, int], float] = {}
    again: dict[tuple[str, int], float] = {}
    for start in sorted(starts):
        slot = start.schedule, start.slot
        if slot in first:
            again[slot] = first[slot]
        first.setdefault(slot, start.at)
    return list(again.values())
