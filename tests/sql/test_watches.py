"""The dead-man's switch: what is due and not delivered in time is told once, and once more when it arrived."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from api.gauges import MEASURE
from db.pool import Database
from scheduler import watches
from tests import make

MINUTE = timedelta(minutes=1)


class Stand:
    """A watched schedule of an owner, and the judge's own connection."""

    def __init__(self, conn: make.Connection, judge: Any) -> None:
        self.conn, self._judge = conn, judge
        self.tenant = make.tenant(conn)
        self.owner = {"tenant_id": self.tenant, "subject": "ann", "email": "ann@example.com", "role": "editor"}
        make.insert(conn, "members", self.owner)
        self.now = make.now(conn)
        # Those of other tests are judged by nobody any more.
        conn.execute("delete from watches")

    def schedule(self, *, due: timedelta, name: str = "", **row: Any) -> UUID:
        """A daily schedule of ten minutes whose next slot is `due` from now; it is watched since yesterday."""
        at = self.now + due
        row = {
            "interval_seconds": 86_400,
            "interval_anchor": at,
            "next_fire_at": at,
            "deliver_within_seconds": 600,
        } | row
        row |= {"plan_from": self.now - timedelta(days=1), "created_by": "member:ann", "name": name or "report"}
        made = make.schedule(self.conn, self.tenant, **row)
        self.conn.execute("update watches set since = now() - interval '1 day' where schedule_id = %s", (made,))
        return made

    def planned(self, schedule: UUID, slot: datetime, state: str = "succeeded", **row: Any) -> UUID:
        """A run of that slot; the schedule's next one is tomorrow's."""
        self.conn.execute(
            "update schedules set next_fire_at = %s, last_slot_at = %s where id = %s",
            (slot + timedelta(days=1), slot, schedule),
        )
        more = {"origin": "schedule", "schedule_id": schedule, "slot_at": slot, "kind": "kpi.schedule"} | row
        return make.run(self.conn, self.tenant, state=state, **more)

    def look(self) -> int:
        """Judges all watches now, whenever they were to be looked at."""
        self.conn.execute("update watches set look_at = now() where tenant_id = %s", (self.tenant,))
        return watches.look(self._judge)

    def late_since(self, schedule: UUID) -> datetime | None:
        found: datetime | None = make.value(
            self.conn, "select late_since from watches where schedule_id = %s", schedule
        )
        return found

    def notices(self) -> list[str]:
        rows = self.conn.execute(
            "select params ->> 'subject' from runs where tenant_id = %s and kind = 'notice.mail' order by id",
            (self.tenant,),
        )
        return [subject for (subject,) in rows.fetchall()]


@pytest.fixture
def stand(conn: make.Connection, shared: str) -> Iterator[Stand]:
    with Database.at(shared).connect("test") as judge:
        yield Stand(conn, judge)


def test_a_slot_that_nobody_planned_is_late_once_and_its_owner_told_once(stand: Stand) -> None:
    late, soon = stand.schedule(due=-11 * MINUTE), stand.schedule(due=-9 * MINUTE, name="soon")
    assert [stand.look(), stand.look()] == [1, 0]
    assert stand.late_since(late) == stand.now - MINUTE
    assert stand.late_since(soon) is None
    assert stand.notices() == ["report is late"]
    notice = stand.conn.execute(
        "select state, fence, released_at <= now(), params ->> 'scheduleId' from runs where kind = 'notice.mail' and tenant_id = %s",
        (stand.tenant,),
    ).fetchall()
    assert notice == [("queued", 1, True, str(late))], "no ticker has to release it"


def test_it_ends_with_how_late_it_arrived(stand: Stand) -> None:
    schedule = stand.schedule(due=-20 * MINUTE)
    stand.look()
    run = stand.planned(schedule, stand.now - 20 * MINUTE)
    delivery = make.delivery(stand.conn, stand.tenant, run, stand.now - 20 * MINUTE, state="pending")
    assert stand.look() == 0, "its mail is not out yet"
    stand.conn.execute("update deliveries set state = 'sending', fence = 1 where id = %s", (delivery,))
    stand.conn.execute(
        "update deliveries set state = 'sent', written_fence = 1, sent_at = now() where id = %s", (delivery,)
    )
    assert [stand.look(), stand.look()] == [1, 0]
    assert stand.late_since(schedule) is None
    first, last = stand.notices()
    assert (first, last) == ("report is late", "report arrived late by 21 min"), "a minute that began counts"


@pytest.mark.parametrize(
    ("state", "row", "is_late"),
    [
        ("succeeded", {}, False),
        ("succeeded", {"outcome": {"outcome": "gated"}}, False),
        ("succeeded", {"outcome": {"outcome": "could_not_check"}}, True),
        ("succeeded", {"outcome": {"outcome": "stale"}}, True),
        ("succeeded", {"kind": "report.export", "outcome": {"outcome": "kept"}}, False),
        ("succeeded", {"kind": "report.export", "outcome": {"outcome": "empty"}}, False),
        ("dead", {"kind": "report.export"}, True),
        ("running", {}, True),
        ("dead", {}, True),
        ("cancelled", {}, False),
        ("skipped", {"reason": "overlap"}, True),
        ("skipped", {"reason": "misfire"}, True),
        ("skipped", {"reason": "holiday"}, False),
    ],
)
def test_what_counts_as_delivered(stand: Stand, state: str, row: dict[str, Any], is_late: bool) -> None:
    schedule = stand.schedule(due=-11 * MINUTE)
    slot = stand.now - 11 * MINUTE
    skipped = {"skipped_until": slot, "skipped_count": 1} if state == "skipped" else {}
    stand.planned(schedule, slot, state, **row, **skipped)
    assert (stand.look(), stand.late_since(schedule) is not None) == (int(is_late), is_late)


@pytest.mark.parametrize(
    ("states", "is_late"),
    [
        (["sent", "suppressed"], False),
        (["sent", "failed"], False),
        (["sent", "pending"], True),
        (["sent", "unknown"], True),
        (["failed", "bounced"], True),
    ],
)
def test_deliveries_that_are_open_or_all_failed_are_late(stand: Stand, states: list[str], is_late: bool) -> None:
    schedule = stand.schedule(due=-11 * MINUTE)
    run = stand.planned(schedule, slot := stand.now - 11 * MINUTE)
    for state in states:
        make.delivery(stand.conn, stand.tenant, run, slot, recipient=f"{state}@example.com", state=state)
    stand.look()
    assert (stand.late_since(schedule) is not None) == is_late


def test_a_later_slot_that_came_through_ends_it(stand: Stand) -> None:
    schedule = stand.schedule(due=-80 * MINUTE)
    stand.planned(schedule, stand.now - 80 * MINUTE, "dead")
    stand.look()
    stand.planned(schedule, stand.now - 20 * MINUTE)
    assert [stand.look(), stand.look()] == [1, 0]
    assert stand.notices()[1].endswith("arrives again")


@pytest.mark.parametrize("status", ["paused", "cancelled"])
def test_what_somebody_stopped_is_not_late(stand: Stand, status: str) -> None:
    stopped, was_late = (
        stand.schedule(due=-11 * MINUTE, status=status),
        stand.schedule(due=-12 * MINUTE, name="was late"),
    )
    stand.look()
    stand.conn.execute("update schedules set status = %s, next_fire_at = null where id = %s", (status, was_late))
    assert stand.look() == 0
    assert (stand.late_since(stopped), stand.late_since(was_late)) == (None, None)
    assert len(stand.notices()) == 1


def test_a_switch_that_is_set_now_asks_for_no_slot_of_the_past(stand: Stand) -> None:
    schedule = stand.schedule(due=-11 * MINUTE, deliver_within_seconds=None)
    stand.planned(schedule, stand.now - 11 * MINUTE, "dead")
    stand.conn.execute("update schedules set deliver_within_seconds = 60 where id = %s", (schedule,))
    assert stand.look() == 0
    stand.conn.execute("update schedules set deliver_within_seconds = null where id = %s", (schedule,))
    assert make.value(stand.conn, "select count(*) from watches where schedule_id = %s", schedule) == 0


def test_no_slot_is_looked_at_later_than_it_is_owed(stand: Stand) -> None:
    due = stand.schedule(due=5 * MINUTE, deliver_within_seconds=60)
    planned = stand.schedule(due=7 * MINUTE, name="planned", deliver_within_seconds=3600)
    stand.planned(planned, stand.now - 50 * MINUTE, "running")
    stand.look()
    looks = dict(stand.conn.execute("select schedule_id, look_at - %s from watches", (stand.now,)).fetchall())
    assert looks[due] <= timedelta(seconds=62), "an edit may move a slot"
    assert looks[planned] == 10 * MINUTE


def test_two_judges_tell_once(stand: Stand, shared: str) -> None:
    stand.schedule(due=-11 * MINUTE)
    with Database.at(shared).connect("test") as other:
        stand.conn.execute("begin")
        stand.conn.execute("select from watches for update")
        assert watches.look(other) == 0, "who finds it held leaves it"
        stand.conn.execute("commit")
        assert watches.look(other) + watches.look(other) == 1
    assert len(stand.notices()) == 1


def test_what_is_overdue_is_counted_though_nobody_judges(stand: Stand, shared: str) -> None:
    stand.schedule(due=-11 * MINUTE)
    stand.schedule(due=-9 * MINUTE, name="soon")
    stand.conn.execute("update watches set look_at = now() - interval '1 minute'")
    with Database.at(shared).connect("test") as reader:
        found = {row.gauge: row.value for row in MEASURE.all(reader)}
        assert found["overdue_schedules"] == 1
    stand.look()
    with Database.at(shared).connect("test") as reader:
        assert {row.gauge: row.value for row in MEASURE.all(reader)}["overdue_schedules"] == 1


def test_webhooks_hear_of_both(stand: Stand) -> None:
    events = ["schedule.late", "schedule.arrived"]
    row = {
        "origin": "https://x",
        "sealed_url": "",
        "sealed_secret": "",
        "events": events,
        "name": "w",
        "id": UUID(int=9),
    }
    make.insert(stand.conn, "webhooks", row | {"tenant_id": stand.tenant})
    schedule = stand.schedule(due=-11 * MINUTE)
    stand.look()
    stand.planned(schedule, stand.now - 11 * MINUTE)
    stand.look()
    told = stand.conn.execute(
        "select params -> 'body' ->> 'type' from runs where kind = 'webhook.send' and tenant_id = %s order by id",
        (stand.tenant,),
    )
    assert [event for (event,) in told.fetchall()] == events
