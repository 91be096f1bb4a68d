"""An hour-old dump, restored: what fires, what does not, and nothing twice unless somebody asks for it."""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from local.binaries import postgres_folder
from local.mail import MailSink
from local.postgres import Postgres
from tests import make
from tests.races.traces import lines
from tests.system import System, until
from tests.tocsin.conftest import Answer, bare

__all__ = ["bare"]

pytestmark = [pytest.mark.race, pytest.mark.timeout(120)]

Restore = Callable[[], str]


@pytest.fixture
def original(database: str, trace: Path) -> str:
    """A database as it was an hour ago, in the middle of its work."""
    with make.connect(database) as conn:
        hour_ago = make.now(conn) - timedelta(hours=1)
        tenant = make.tenant(conn, slug="default")
        lost = make.process(conn, leased_until=hour_ago)
        of = {"kind": "test.record", "params": {"file": str(trace)}, "plan_from": hour_ago}

        def recurring(name: str, every: int, next_fire_at: object, **more: object) -> uuid.UUID:
            due = {"interval_seconds": every, "interval_anchor": hour_ago, "next_fire_at": next_fire_at}
            return make.schedule(conn, tenant, name=name, **of, **due, **more)

        soon = hour_ago + timedelta(minutes=5)
        recurring("each second", 1, hour_ago + timedelta(seconds=1), misfire_policy="skip")
        recurring("each five minutes", 300, soon)
        recurring("all made up for", 600, hour_ago + timedelta(minutes=10), misfire_policy="all")
        recurring("tomorrow", 86_400 * 2, hour_ago + timedelta(days=2))
        make.schedule(conn, tenant, name="once", scheduled_at=soon, next_fire_at=soon, **of)
        gated = recurring("gated", 2, hour_ago + timedelta(seconds=2), misfire_policy="skip", overlap_policy="skip")
        at = {"slot_at": hour_ago, "available_at": hour_ago, "kind": "test.record", "origin": "schedule"}
        begun = make.run(
            conn, tenant, schedule_id=gated, schedule_version=1, state="running", attempt=1, leased_by=lost,
            started_at=hour_ago, deadline_at=hour_ago, **at,
        )  # fmt: skip
        conn.execute("update schedule_gates set run_id = %s, run_slot_at = %s where schedule_id = %s", (begun, hour_ago, gated))  # fmt: skip
        queued = make.schedule(conn, tenant, name="queued", scheduled_at=hour_ago, next_fire_at=None, **of)
        make.run(conn, tenant, schedule_id=queued, schedule_version=1, state="queued", **at)
        done = make.run(conn, tenant, slot_at=hour_ago, state="succeeded")
        make.delivery(conn, tenant, done, hour_ago, recipient="ann@example.com")
        make.delivery(
            conn, tenant, done, hour_ago, recipient="bob@example.com", state="sending", attempts=1, leased_by=lost,
            handed_over_at=hour_ago, deadline_at=hour_ago, unknown_policy="hold",
        )  # fmt: skip
    return database


@pytest.fixture
def restore(postgres: Postgres, postgres_major: int, original: str, tmp_path: Path) -> Iterator[Restore]:
    """Restores the original's dump into a database of another name, by the server's own programs."""
    programs = postgres_folder(postgres_major) / "bin"
    dump = tmp_path / "tocsin.dump"
    subprocess.run([programs / "pg_dump", "--format=custom", f"--file={dump}", original], check=True, timeout=60)
    made: list[str] = []

    def run() -> str:
        made.append(f"restored_{uuid.uuid4().hex}")
        url = postgres.create_database(made[-1])
        # What is reported of a restore that is sound is nothing.
        done = subprocess.run(
            [programs / "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", dump],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        return url

    yield run
    for name in made:
        postgres.drop_database(name)


@pytest.fixture
def doctor(bare: Callable[..., Answer], redis: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """`tocsin doctor` on a database: its status, and what it says of the installation."""

    def call(url: str, *options: str) -> tuple[int, str]:
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("REDIS_URL", redis)
        answer = bare("doctor", *options, "--json")
        [said] = [each["detail"] for each in answer.json()["checks"] if each["name"] == "installation"]
        return answer.status, said

    return call


def _deliveries(system: System) -> dict[str, str]:
    return dict(system.conn.execute("select recipient, state from deliveries").fetchall())


def _counted(trace: Path, system: System) -> dict[str, int]:
    """How many times the work of each schedule began here."""
    names: dict[str, str] = {
        str(run): name
        for run, name in system.conn.execute(
            "select r.id, s.name from runs as r inner join schedules as s on s.id = r.schedule_id"
        ).fetchall()
    }
    found: dict[str, int] = {}
    for line in lines(trace):
        found[names[line.run]] = found.get(names[line.run], 0) + 1
    return found


def test_what_an_old_dump_has_open_is_left_undone_where_it_is_said_so(
    restore: Restore, doctor: Callable[..., tuple[int, str]], mail: MailSink, redis: str, tmp_path: Path, trace: Path
) -> None:
    copy = restore()
    status, said = doctor(copy, "--moved")
    assert status == 1
    assert "open runs 2, unsettled deliveries 2, schedules due 5" in said
    assert "is a copy and is held" in doctor(copy)[1]

    with make.connect(copy) as conn:
        before = make.now(conn)
    assert doctor(copy, "--moved", "--pass-over")[1] == "this database is its own"

    with System(copy, redis, tmp_path, MAIL_URL=mail.url) as system:
        assert _deliveries(system) == {"ann@example.com": "suppressed", "bob@example.com": "unknown"}
        system.ticker()
        system.worker()
        until(lambda: {"each second", "gated"} <= _counted(trace, system).keys(), why=system.logs)
        assert set(_counted(trace, system)) == {"each second", "gated"}
        assert system.value("select min(slot_at) from runs where state not in ('cancelled') and schedule_id is not null") > before  # fmt: skip
        assert system.value("select count(*) from runs where reason = 'restored' and state = 'cancelled'") == 2
        until(lambda: system.value("select status from schedules where name = 'once'") == "completed", why=system.logs)
        assert system.value("select count(*) from schedules where status = 'active'") == 5
        assert mail.mails() == []


@pytest.mark.long
def test_what_an_old_dump_has_open_is_done_again_where_it_is_asked_for(
    restore: Restore, doctor: Callable[..., tuple[int, str]], mail: MailSink, redis: str, tmp_path: Path, trace: Path
) -> None:
    copy = restore()
    assert doctor(copy, "--moved", "--repeat")[1] == "this database is its own"
    with System(copy, redis, tmp_path, MAIL_URL=mail.url) as system:
        system.ticker()
        system.worker()
        mail.wait_for(1)
        wanted = {"each five minutes": 1, "once": 1, "queued": 1}
        until(lambda: wanted.items() <= _counted(trace, system).items(), why=system.logs)
        until(lambda: _counted(trace, system).get("all made up for", 0) >= 5, why=system.logs)
        until(lambda: system.value("select count(*) from runs where attempt > 0 and schedule_id is not null and slot_at < now() - interval '59 minutes' and state = 'succeeded'") == 2, why=system.logs)  # fmt: skip
        skipped = "select r.reason from runs as r inner join schedules as s on s.id = r.schedule_id where s.name = 'each second' and r.state = 'skipped'"  # fmt: skip
        assert system.value(skipped) == "misfire"
        until(lambda: _deliveries(system) == {"ann@example.com": "sent", "bob@example.com": "unknown"}, why=system.logs)
