"""A disk that is full and one that fails under Postgres: nothing is told as done that was not kept, and work goes on."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from db.migrate import migrate
from db.pool import Database
from local.mail import MailSink
from local.postgres import NO_FLUSH, Postgres
from proof.records import Fault
from proof.sinks import CallSink
from tests import make
from tests.proof.points.nursery import Nursery
from tests.proof.points.place import LEASE_SECONDS, MIXED, Place
from tests.system import until

pytestmark = pytest.mark.race

_BACKENDS = "select pid from pg_stat_activity where application_name like 'tocsin %' and application_name !~ 'points'"


@pytest.fixture
def place_on(
    redis: str, tmp_path: Path, nursery: Nursery, witnesses: tuple[CallSink, MailSink]
) -> Iterator[Callable[[Postgres], Place]]:
    """Makes a place on a server of its own."""
    with ExitStack() as closing:

        def make_place(server: Postgres) -> Place:
            closing.enter_context(server)
            url = server.create_database("disk")
            migrate(Database.at(url))
            return closing.enter_context(Place(url, redis, tmp_path, nursery, *witnesses))

        yield make_place


def judge(place: Place, began: float, name: str) -> None:
    """Counts the time since `began` as one fault, waits until all is over, and judges."""
    place.until_over()
    place.faults.append(Fault(began, place.now().timestamp(), name, "postgres"))
    verdict = place.judge()
    assert verdict.is_sound, verdict.as_text()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace lets a flush fail, and is not installed")
def test_a_flush_that_fails_is_a_crash_of_postgres_and_nothing_else(
    place_on: Callable[[Postgres], Place], tmp_path: Path
) -> None:
    place = place_on(Postgres())
    place.start("ticker", wait=False)
    place.start("worker", wait=False)
    place.due()
    place.until_over()
    began = place.now().timestamp()
    pids = [pid for (pid,) in place.conn.execute(_BACKENDS).fetchall()]
    command = ["strace", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1"]
    command += [word for pid in pids for word in ("-p", str(pid))]
    said = tmp_path / "strace"
    with said.open("wb") as out, subprocess.Popen(command, stderr=out) as failing:
        try:
            until(lambda: said.read_text().count("attached") == len(pids), why=said.read_text)
            # The maker's own commits may be what fails first.
            with contextlib.suppress(psycopg.OperationalError):
                place.due()
            until(lambda: "INJECTED" in said.read_text(), why=said.read_text)
        finally:
            failing.terminate()
    place.reconnect()
    place.due()
    judge(place, began, "flush failed")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with little room."""
    # The servers' user must reach it.
    folder = Path("/tmp") / f"tocsin-disk-{os.getpid()}"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_stops_work_and_an_emptied_one_lets_it_go_on(
    small_disk: Path, place_on: Callable[[Postgres], Place]
) -> None:
    server = Postgres(small_disk / "server", settings=NO_FLUSH | {"max_wal_size": "32MB", "min_wal_size": "32MB"})
    place = place_on(server)
    place.start("ticker", wait=False)
    worker = place.start("worker")
    began = place.now().timestamp()
    for number in range(200):
        at = place.now() + timedelta(seconds=1 + number / 100)
        kind = MIXED[number % len(MIXED)]
        to = [f"f{number}@{place.domain}"] if kind == "chaos.mail" else []
        place.make(kind, {"sink": place.calls.url, "to": to}, scheduled_at=at, timeout_seconds=5)
    filler = small_disk / "filler"
    with filler.open("wb") as full:
        while True:
            try:
                full.write(b"\0" * 1_000_000)
                full.flush()
            except OSError:
                break
    until(lambda: any("No space left" in each.log() for each in place.processes), 30, worker.log)
    filler.unlink()
    server.start()
    place.reconnect()
    judge(place, began, "disk full")
    assert make.value(place.conn, "select count(*) from runs") == 200


_FULL = """
    create function say_full() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
    create trigger say_full before update on runs for each row when (old.state = 'running')
    execute function say_full();
"""


def test_an_end_that_a_full_disk_refused_is_written_once_there_is_room(place: Place) -> None:
    place.conn.execute(_FULL)
    place.start("ticker")
    worker = place.start("worker")
    place.due(("chaos.work",), 1)
    worker.until_says("No space left")
    place.conn.execute("drop trigger say_full on runs")
    place.until_over(6 * LEASE_SECONDS)
    assert make.value(place.conn, "select attempt from runs") == 1
