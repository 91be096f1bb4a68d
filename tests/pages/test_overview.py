"""The overview: its figures are those of the rows, of this tenant alone."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from api import picture
from api.pages import overview
from db.pool import Database
from db.walls import has_wall, within
from tests import make
from tests.api.conftest import Api, Two
from tests.api.tenanted import ROWS

SECOND = timedelta(seconds=1)


@pytest.fixture
def before(conn: make.Connection) -> datetime:
    """A few minutes ago, in the hour that the figures are of."""
    return make.now(conn) - timedelta(minutes=5)


def ring(conn: make.Connection, tenant: UUID, slot_at: datetime, lag: float | None = 0.0, **row: Any) -> UUID:
    """A run of a schedule's; it began so many seconds after its slot, or not at all."""
    began = {} if lag is None else {"started_at": slot_at + lag * SECOND, "attempt": 1, "released_at": slot_at}
    row = {"state": "succeeded", "origin": "schedule", "slot_at": slot_at, **began} | row
    row.setdefault("schedule_id", make.schedule(conn, tenant, next_fire_at=None, status="paused"))
    return make.run(conn, tenant, **row)


def read(conn: make.Connection, tenant: UUID) -> picture.Picture:
    with conn.transaction():
        return picture.read(conn, tenant)


def test_a_slot_is_on_time_late_waiting_skipped_dead_or_cancelled(
    api: Api, conn: make.Connection, before: datetime
) -> None:
    assert api.tenant
    jittered = make.schedule(conn, api.tenant, jitter_seconds=120, next_fire_at=None, status="paused")
    ring(conn, api.tenant, before, 59)
    ring(conn, api.tenant, before, 61)
    ring(conn, api.tenant, before, 61, schedule_id=jittered)
    ring(conn, api.tenant, before, 300, attempt=2, first_started_at=before + timedelta(seconds=1))
    for origin in ("manual", "backfill", "child"):
        ring(conn, api.tenant, before, 200, origin=origin)
    ring(conn, api.tenant, before, 2, state="dead")
    ring(conn, api.tenant, before, None, state="cancelled")
    ring(conn, api.tenant, before, None, state="skipped", skipped_until=before, skipped_count=7)
    ring(conn, api.tenant, before, None, state="queued")
    ring(conn, api.tenant, before + timedelta(minutes=4, seconds=30), None, state="queued")
    found = read(conn, api.tenant)
    told = {word: count for word, count in found.totals.items() if count}
    assert told == {"on_time": 3, "late": 2, "asked": 3, "dead": 1, "cancelled": 1, "skipped": 7, "waiting": 1}
    assert found.on_time_percent == 60


def test_the_lag_is_of_the_first_starts_of_schedules_within_the_last_hour(
    api: Api, conn: make.Connection, before: datetime
) -> None:
    assert api.tenant
    for lag in range(1, 100):
        ring(conn, api.tenant, before, lag / 100, schedule_id=None)
    # It was tried again, or looked at what it waits for; of the other nobody wrote down when it first began.
    ring(conn, api.tenant, before, 20, attempt=2, first_started_at=before + timedelta(seconds=1))
    ring(conn, api.tenant, before, 30, attempt=2)
    ring(conn, api.tenant, before, 40, origin="manual")
    ring(conn, api.tenant, before - timedelta(hours=2), 50)
    found = read(conn, api.tenant)
    assert found.starts.lag_middle == pytest.approx(0.5)
    assert found.starts.lag_most == pytest.approx(0.99)
    assert found.starts.started == 102
    assert found.per_minute == pytest.approx(1.7)


def test_a_half_hour_of_a_herd_is_sampled_and_counted_on(
    api: Api, conn: make.Connection, before: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.tenant
    monkeypatch.setattr(picture, "SEEN", 4)
    monkeypatch.setattr(picture, "MOST", 10)
    for number in range(12):
        ring(conn, api.tenant, before + number * timedelta(milliseconds=1), 0 if number % 2 else 100)
    found = read(conn, api.tenant)
    [column] = [column for column in found.columns if column.above]
    assert column.parts["on_time"] == column.parts["late"] == 5
    assert column.is_least
    assert found.is_sampled
    monkeypatch.setattr(picture, "MOST", 20)
    assert read(conn, api.tenant).totals["on_time"] == 6


def test_what_waits_what_was_delivered_and_what_is_due_are_counted(
    api: Api, conn: make.Connection, before: datetime
) -> None:
    assert api.tenant
    for queue in ("calls", "calls", "reports"):
        ring(conn, api.tenant, before, None, state="queued", queue=queue)
    run = ring(conn, api.tenant, before)
    for number, state in enumerate(["sent", "sent", "failed", "unknown", "suppressed", "bounced"]):
        make.delivery(conn, api.tenant, run, before, state=state, recipient=f"{number}@example.com")
    # Of a slot of last week, and made today; and the other way round.
    backfilled = ring(conn, api.tenant, before - timedelta(days=7), origin="backfill")
    at = make.value(conn, "select slot_at from runs where id = %s", backfilled)
    make.delivery(conn, api.tenant, backfilled, at, state="bounced", recipient="now@example.com")
    old = {"created_at": at, "state": "failed", "recipient": "then@example.com"}
    make.delivery(conn, api.tenant, run, before, **old)
    make.schedule(conn, api.tenant, next_fire_at=make.now(conn) - timedelta(seconds=90))
    found = read(conn, api.tenant)
    assert {row.queue: row.runs for row in found.queued} == {"calls": 2, "reports": 1}
    assert found.deliveries == {"sent": 2, "failed": 1, "unknown": 1, "suppressed": 1, "bounced": 2}
    assert found.look.oldest_due_seconds == pytest.approx(90, abs=20)


def test_each_trouble_is_named_once_with_a_way_to_it(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    for role in ("ticker", "worker"):
        make.process(conn, role=role)
    source = ROWS["source_id"](conn, api.tenant, "shop")
    conn.execute("update sources set failing_since = now(), last_error = 'refused <script>' where id = %s", (source,))
    late = make.schedule(conn, api.tenant, name="<script>alert(1)</script>", status="paused")
    now = make.now(conn)
    # Looked at again in an hour: the web judges watches too.
    seen = {"late_since": now, "late_slot_at": now, "look_at": now + timedelta(hours=1)}
    make.insert(conn, "watches", {"schedule_id": late, "tenant_id": api.tenant, **seen})
    for what in ("dead", "undelivered", "template"):
        make.insert(
            conn,
            "troubles",
            {"tenant_id": api.tenant, "what": what, "which": "", "schedule_id": late, "slot_at": make.now(conn)},
        )
    for _ in range(2):
        ROWS["letter_id"](conn, api.tenant, "word")
    found = read(conn, api.tenant)
    assert sorted(need.what for need in found.needs) == ["dead", "late", "letters", "source", "template", "undelivered"]
    page = api("GET", "/").text
    assert f'href="/sources/{source}"' in page
    assert page.count(f'href="/schedules/{late}"') >= 4
    assert 'href="/dead-letters?kind=' in page
    assert "6 things need you." in page
    assert "<script>alert" not in page
    assert "refused <script>" not in page
    assert "refused &lt;script&gt;" in page


def test_the_next_ten_slots_are_runs_made_ahead_and_schedules_and_the_last_are_runs(
    api: Api, conn: make.Connection, before: datetime
) -> None:
    assert api.tenant
    soon = make.now(conn) + timedelta(minutes=1)
    ahead = make.schedule(conn, api.tenant, name="made ahead", next_fire_at=soon + 300 * SECOND, interval_seconds=300)
    ring(conn, api.tenant, soon, None, state="queued", schedule_id=ahead, released_at=soon)
    for number in range(12):
        make.schedule(conn, api.tenant, name=f"later {number:02}", next_fire_at=soon + (number + 1) * SECOND)
    make.schedule(conn, api.tenant, name="paused", status="paused", next_fire_at=soon)
    rang = make.schedule(conn, api.tenant, name="rang <b>", status="paused", next_fire_at=None)
    run = ring(conn, api.tenant, before, schedule_id=rang)
    names = [each.name for each in read(conn, api.tenant).following]
    assert names == ["made ahead", *(f"later {number:02}" for number in range(9))]
    page = api("GET", "/").text
    assert f'href="/runs/{run}">rang &lt;b&gt;' in page
    assert "paused" not in re.findall(r'href="/schedules/[^"]+">([^<]+)', page)


def test_another_tenants_picture_is_empty_from_behind_the_wall(two: Two, before: datetime) -> None:
    assert two.a.tenant
    assert two.b.tenant
    ring(two.conn, two.a.tenant, before, state="dead")
    ROWS["letter_id"](two.conn, two.a.tenant, "word")
    make.schedule(two.conn, two.a.tenant)
    info = two.conn.info
    url = f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"
    with Database.at(url).connect("test") as conn:
        words = []
        for asked in (two.a.tenant, uuid4()):
            with within(conn, two.b.tenant, is_walled=has_wall(conn)):
                found = picture.read(conn, asked)
                words.append(picture.sign(conn, asked))
            assert not found.totals
            assert not found.needs
            assert not found.following
            assert found.look.dead_letters == 0
            assert not found.look.has_schedule
        # What it says of theirs is what it says of nobody's.
        assert words[0] == words[1]


def test_the_word_of_a_picture_changes_with_it_and_with_nothing_else(two: Two, before: datetime) -> None:
    conn, tenant = two.conn, two.a.tenant
    assert tenant
    assert two.b.tenant
    words = [picture.sign(conn, tenant)]
    assert picture.sign(conn, tenant) == words[0]
    ring(conn, two.b.tenant, before)
    assert picture.sign(conn, tenant) == words[0]
    run = ring(conn, tenant, before, None, state="queued")
    words.append(picture.sign(conn, tenant))
    conn.execute("update runs set state = 'running', fence = fence + 1, started_at = now() where id = %s", (run,))
    words.append(picture.sign(conn, tenant))
    make.schedule(conn, tenant)
    words.append(picture.sign(conn, tenant))
    source = ROWS["source_id"](conn, tenant, "shop")
    words.append(picture.sign(conn, tenant))
    conn.execute("update sources set failing_since = now() where id = %s", (source,))
    words.append(picture.sign(conn, tenant))
    ROWS["letter_id"](conn, tenant, "word")
    words.append(picture.sign(conn, tenant))
    # One that ends after many others began is seen as well.
    for number in range(120):
        ring(conn, tenant, before + number * timedelta(milliseconds=1), None, state="queued", schedule_id=None)
    words.append(picture.sign(conn, tenant))
    with conn.transaction():
        conn.execute("set local session_replication_role to replica")
        conn.execute("update runs set state = 'succeeded' where id = %s", (run,))
    words.append(picture.sign(conn, tenant))
    assert len(set(words)) == len(words)


def test_who_has_nothing_yet_is_shown_the_first_steps(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    page = api("GET", "/").text
    assert "First steps" in page
    assert 'href="/sources/new"' in page
    ROWS["source_id"](conn, api.tenant, "shop")
    assert re.search(r'class="done"><a href="/sources/new"', api("GET", "/").text)
    make.schedule(conn, api.tenant)
    assert "First steps" not in api("GET", "/").text


def test_who_may_not_see_the_processes_is_not_led_there(api: Api, conn: make.Connection) -> None:
    assert 'href="/processes"' not in api("GET", "/").text
    operator = Api(api.web, conn, "operator")
    headers = {"Tocsin-Tenant": make.value(conn, "select slug from tenants where id = %s", api.tenant)}
    assert 'href="/processes"' in operator("GET", "/", headers=headers).text


def test_when_all_is_well_one_sentence_says_so(api: Api, conn: make.Connection, before: datetime) -> None:
    assert api.tenant
    make.process(conn, role="ticker")
    make.process(conn, role="worker")
    assert overview.verdict(read(conn, api.tenant)) == ("wait", "Nothing was due in the last 24 hours.")
    for _ in range(3):
        ring(conn, api.tenant, before)
    page = api("GET", "/").text
    assert "Everything rang: 3 slots in the last 24 hours, each on time." in page
    assert "Nothing: no source fails" in page
    ring(conn, api.tenant, before, 90)
    assert overview.verdict(read(conn, api.tenant)) == (
        "warn",
        "Of 4 slots in the last 24 hours 1 came late.",
    )
    ring(conn, api.tenant, before, state="dead")
    assert overview.verdict(read(conn, api.tenant))[1] == "Of 5 slots in the last 24 hours 1 died and 1 came late."


def test_what_died_needs_nobody_once_a_run_has_succeeded(api: Api, conn: make.Connection, before: datetime) -> None:
    assert api.tenant
    schedule = make.schedule(conn, api.tenant, next_fire_at=None, status="paused")
    trouble = {"what": "dead", "which": "", "schedule_id": schedule, "slot_at": before, "since": before}
    make.insert(conn, "troubles", {"tenant_id": api.tenant, **trouble})
    assert [need.what for need in read(conn, api.tenant).needs] == ["dead"]
    ring(conn, api.tenant, before + SECOND, schedule_id=schedule)
    assert not read(conn, api.tenant).needs
