"""Owners are told what goes wrong with their schedules: once, by name, and never because a notice went wrong."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from db.ids import id_at
from db.pool import Connection, Database
from tests import make
from workers.journal import LIST_FAILED, LIST_OWNERS


@pytest.fixture
def tenant(conn: make.Connection) -> UUID:
    made = make.tenant(conn)
    for name, role in (("ada", "admin"), ("ann", "editor")):
        row = {"tenant_id": made, "subject": name, "email": f"{name}@example.com", "role": role}
        make.insert(conn, "members", row)
    return made


def schedule(conn: make.Connection, tenant: UUID, created_by: str | None = "member:ann", **row: Any) -> UUID:
    return make.schedule(conn, tenant, created_by=created_by, **row)


def notices(conn: make.Connection, tenant: UUID) -> list[tuple[str, str, str | None]]:
    """Subject, text and schedule of each notice, in the order of their making."""
    rows = conn.execute(
        "select params ->> 'subject', params ->> 'text', params ->> 'scheduleId' from runs "
        "where tenant_id = %s and kind = 'notice.mail' order by created_at, id",
        (tenant,),
    )
    return [(subject, text, about) for subject, text, about in rows.fetchall()]


def subjects(conn: make.Connection, tenant: UUID) -> list[str]:
    return [subject for subject, _, _ in notices(conn, tenant)]


def die(conn: make.Connection, tenant: UUID, of: UUID | None, **row: Any) -> UUID:
    """A run that died, with its dead letter as finish_runs.sql writes it."""
    slot: datetime = row.setdefault("slot_at", make.now(conn))
    run = make.run(conn, tenant, schedule_id=of, state="dead", origin="schedule", **row)
    letter = {"run_id": run, "slot_at": slot, "tenant_id": tenant, "schedule_id": of, "kind": "test.noop"}
    letter |= {
        "id": id_at(slot),
        "cause": "rejected",
        "error": "the <b>host</b> is away",
        "attempts": 5,
        "fence": 1,
    }
    make.insert(conn, "dead_letters", letter)
    return run


def fail(conn: make.Connection, delivery: UUID, state: str = "failed") -> None:
    """Ends the delivery as finish_delivery.sql does."""
    conn.execute("update deliveries set state = 'sending', fence = fence + 1 where id = %s", (delivery,))
    conn.execute(
        "update deliveries set state = %s, written_fence = fence, error = 'no such user', "
        "sent_at = case when %s = 'sent' then now() end where id = %s",
        (state, state, delivery),
    )


def test_the_first_death_is_told_until_a_run_succeeds(conn: make.Connection, tenant: UUID) -> None:
    made = schedule(conn, tenant, name="nightly")
    for _ in range(3):
        die(conn, tenant, made)
    [(subject, text, about)] = notices(conn, tenant)
    assert (subject, about) == ("nightly failed", str(made))
    assert "died after 5 attempts: the <b>host</b> is away" in text
    make.run(conn, tenant, schedule_id=made, state="succeeded", origin="schedule")
    die(conn, tenant, made)
    die(conn, tenant, made)
    assert subjects(conn, tenant) == ["nightly failed"] * 2


def test_one_group_of_deaths_is_one_notice_for_each_schedule(conn: make.Connection, tenant: UUID) -> None:
    made = [schedule(conn, tenant, name=name) for name in ("a", "b")]
    runs = [make.run(conn, tenant, schedule_id=each, state="dead", origin="manual") for each in made * 2]
    conn.execute(
        "insert into dead_letters (id, run_id, slot_at, tenant_id, schedule_id, kind, cause, attempts, fence) "
        "select id_beside(id), id, slot_at, tenant_id, schedule_id, kind, 'rejected', 1, 1 from runs where id = any(%s)",
        (runs,),
    )
    assert sorted(subjects(conn, tenant)) == ["a failed", "b failed"]


def test_recipients_of_one_run_that_fail_are_one_notice_and_are_told_once(conn: make.Connection, tenant: UUID) -> None:
    made = schedule(conn, tenant, name="weekly")
    runs = [make.run(conn, tenant, schedule_id=made, state="succeeded", origin="manual") for _ in range(3)]
    for run in runs[:2]:
        for name in ("bad", "worse"):
            slot = make.value(conn, "select slot_at from runs where id = %s", run)
            fail(conn, make.delivery(conn, tenant, run, slot, recipient=f"{name}@example.com"))
    [(subject, _, about)] = notices(conn, tenant)
    assert (subject, about) == ("weekly could not be delivered to all", str(made))

    slot = make.value(conn, "select slot_at from runs where id = %s", runs[2])
    good = make.delivery(conn, tenant, runs[2], slot, recipient="bad@example.com")
    fail(conn, good, "sent")
    conn.execute("update deliveries set state = 'bounced', fence = fence + 1 where id = %s", (good,))
    assert len(notices(conn, tenant)) == 2, "after one that went out it is told anew"


def test_the_recipients_are_named(conn: make.Connection, tenant: UUID, owner: Connection) -> None:
    made = schedule(conn, tenant)
    run = make.run(conn, tenant, schedule_id=made, state="succeeded")
    slot = make.value(conn, "select slot_at from runs where id = %s", run)
    for name, state in (("bad", "failed"), ("good", "sent")):
        fail(conn, make.delivery(conn, tenant, run, slot, recipient=f"{name}@example.com"), state)
    found = LIST_FAILED.all(owner, tenant_id=tenant, run_id=run, slot_at=slot)
    assert [tuple(each) for each in found] == [("bad@example.com", "failed", "no such user")]


def test_a_notice_that_fails_makes_no_other(conn: make.Connection, tenant: UUID) -> None:
    run = die(conn, tenant, None)
    slot = make.value(conn, "select slot_at from runs where id = %s", run)
    fail(conn, make.delivery(conn, tenant, run, slot))
    assert notices(conn, tenant) == []


def test_where_nobody_can_be_told_no_notice_is_made(conn: make.Connection) -> None:
    alone = make.tenant(conn)
    die(conn, alone, schedule(conn, alone))
    assert notices(conn, alone) == []


def test_a_schedule_that_cannot_be_planned_is_told_as_what_it_is(conn: make.Connection, tenant: UUID) -> None:
    made = schedule(conn, tenant, name="odd")
    for status, error in (("active", "busy"), ("active", "busy again"), ("failed", "no such zone")):
        conn.execute("update schedules set status = %s, last_error = %s where id = %s", (status, error, made))
    assert subjects(conn, tenant) == ["odd could not be planned", "odd is disabled"]


@pytest.mark.parametrize("leave", ["update members set disabled_at = now()", "delete from members"])
def test_who_leaves_is_told_of_once_with_all_that_they_made(conn: make.Connection, tenant: UUID, leave: str) -> None:
    token = {"tenant_id": tenant, "name": "ci", "scope": "write", "hash": tenant.bytes, "created_by": "member:ann"}
    make.insert(conn, "api_tokens", token)
    made_by = "token:" + str(make.value(conn, "select id from api_tokens where tenant_id = %s", tenant))
    schedule(conn, tenant, name="by hand")
    schedule(conn, tenant, made_by, name="by token")
    schedule(conn, tenant, "member:ada", name="another's")
    schedule(conn, tenant, name="over", status="cancelled")
    for _ in range(2):
        conn.execute(f"{leave} where tenant_id = %s and subject = 'ann'", (tenant,))
    [(subject, text, about)] = notices(conn, tenant)
    assert (subject, about) == ("ann@example.com left 2 schedules behind", None)
    assert "- by hand\n- by token" in text


def owners(reader: Connection, tenant: UUID, about: UUID | None) -> list[tuple[str, str | None]]:
    return [(row.email, row.left_by) for row in LIST_OWNERS.all(reader, tenant_id=tenant, schedule_id=about)]


@pytest.fixture
def owner(shared: str) -> Any:
    with Database.at(shared).connect("test") as found:
        yield found


def test_the_owner_is_who_made_it_and_after_them_whom_the_tenant_names_and_its_admins(
    conn: make.Connection, tenant: UUID, owner: Connection
) -> None:
    own, commands, strangers = (schedule(conn, tenant, by) for by in ("member:ann", "command:root", "member:eve"))
    admin, ann = ("ada@example.com", None), ("ann@example.com", None)
    assert [owners(owner, tenant, each) for each in (own, commands, None)] == [[ann], [admin], [admin]]
    assert owners(owner, tenant, strangers) == [("ada@example.com", "eve")]
    conn.execute("update members set disabled_at = now() where tenant_id = %s and subject = 'ann'", (tenant,))
    assert owners(owner, tenant, own) == [("ada@example.com", "ann")]
    conn.execute("""update tenants set settings = '{"noticesTo": ["ops@example.com"]}' where id = %s""", (tenant,))
    assert owners(owner, tenant, own) == [("ops@example.com", "ann")]
    assert owners(owner, make.tenant(conn), own) == [], "another tenant's schedule has no owner here"
