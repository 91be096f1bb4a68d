"""Owners are told what goes wrong with their schedules: once, by name, and never because a notice went wrong."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any, LiteralString
from uuid import UUID

import pytest

from db.ids import id_at
from db.pool import Connection, Database
from scheduler.reaper import FORGET_TROUBLES
from tests import make
from workers.journal import LIST_FAILED, LIST_OWNERS
from workers.kind import Owner
from workers.owners import TELL_OWNER_ONCE

# Two that die in one millisecond are not of one slot; all lie a little back.
_LATER = (timedelta(milliseconds=number) for number in count(-100_000))
DEAD_LETTERS: LiteralString = (
    "insert into dead_letters (id, run_id, slot_at, tenant_id, schedule_id, kind, cause, attempts, fence) "
    "select id_beside(id), id, slot_at, tenant_id, schedule_id, kind, 'rejected', 1, 1 from runs where id = any(%s)"
)


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
    slot: datetime = row.setdefault("slot_at", make.now(conn) + next(_LATER))
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


def test_any_success_since_ends_it_though_history_forgot_it(conn: make.Connection, tenant: UUID) -> None:
    by_hand, yearly, still = (schedule(conn, tenant, name=name) for name in ("by hand", "yearly", "still"))
    for each in (by_hand, yearly, still):
        die(conn, tenant, each)
    make.run(conn, tenant, schedule_id=by_hand, state="succeeded", origin="manual")
    # As record_last_runs.sql writes it; the run itself is dropped by now.
    conn.execute("update schedules set last_run_at = now() where id = %s", (yearly,))
    for each in (by_hand, yearly, still):
        die(conn, tenant, each)
    assert sorted(subjects(conn, tenant)) == ["by hand failed"] * 2 + ["still failed"] + ["yearly failed"] * 2


@pytest.mark.parametrize("what", ["death", "delivery"])
def test_what_is_told_waits_for_nobody_who_holds_the_schedule(
    conn: make.Connection, tenant: UUID, shared: str, what: str
) -> None:
    """Who cancels holds the schedule and then its runs; who finishes holds the run."""
    made = schedule(conn, tenant)
    run = make.run(conn, tenant, schedule_id=made, state="succeeded", origin="manual")
    slot = make.value(conn, "select slot_at from runs where id = %s", run)
    failing = make.delivery(conn, tenant, run, slot)
    with make.connect(shared) as holder:
        holder.execute("begin")
        holder.execute("select from schedules where id = %s for update", (made,))
        conn.execute("set lock_timeout = '1 s'")
        try:
            if what == "death":
                conn.execute(DEAD_LETTERS, ([run],))
            else:
                fail(conn, failing)
        finally:
            conn.execute("set lock_timeout = default")
    assert len(notices(conn, tenant)) == 1


def test_one_group_of_deaths_is_one_notice_for_each_schedule(conn: make.Connection, tenant: UUID) -> None:
    made = [schedule(conn, tenant, name=name) for name in ("a", "b")]
    runs = [make.run(conn, tenant, schedule_id=each, state="dead", origin="manual") for each in made * 2]
    conn.execute(DEAD_LETTERS, (runs,))
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


def test_a_channel_that_could_not_be_told_is_named_as_people_know_it(
    conn: make.Connection, tenant: UUID, owner: Connection
) -> None:
    """A chat or a pager is a delivery like any other: its owner is told by mail."""
    row = {"tenant_id": tenant, "name": "ops", "type": "slack", "origin": "https://x", "sealed_credential": "x"}
    make.insert(conn, "channels", row)
    channel = make.value(conn, "select id from channels where tenant_id = %s", tenant)
    made = schedule(conn, tenant, name="watched")
    run = make.run(conn, tenant, schedule_id=made, state="succeeded")
    slot = make.value(conn, "select slot_at from runs where id = %s", run)
    for kind, recipient in (("slack", channel), ("pagerduty", UUID(int=5))):
        fail(conn, make.delivery(conn, tenant, run, slot, channel=kind, recipient=str(recipient)))
    assert subjects(conn, tenant) == ["watched could not be delivered to all"]
    found = LIST_FAILED.all(owner, tenant_id=tenant, run_id=run, slot_at=slot)
    assert {each.recipient for each in found} == {"slack ops", f"pagerduty channel {UUID(int=5)}"}


def test_a_template_that_fails_is_told_once_until_it_is_saved_anew(
    conn: make.Connection, tenant: UUID, owner: Connection
) -> None:
    made = schedule(conn, tenant)

    def fails(version: int) -> None:
        run = make.run(conn, tenant, schedule_id=made, state="running", origin="manual")
        where = make.value(conn, "select slot_at from runs where id = %s", run)
        fence = make.value(conn, "select fence from runs where id = %s", run)
        told = {"what": "template", "which": f"{UUID(int=3)} {version}", "subject": f"v{version}", "text": ""}
        TELL_OWNER_ONCE.one(owner, run_id=run, slot_at=where, fence=fence, **told)

    for version in (1, 1, 2, 2):
        fails(version)
    assert subjects(conn, tenant) == ["v1", "v2"]


def test_what_owners_were_told_goes_with_history(conn: make.Connection, tenant: UUID, owner: Connection) -> None:
    old, new = (schedule(conn, tenant, name=name) for name in ("old", "new"))
    for each in (old, new):
        die(conn, tenant, each)
    long_ago = "update troubles set since = now() - interval '91 days', slot_at = now() - interval '91 days' "
    conn.execute(long_ago + "where schedule_id = %s", (old,))
    make.insert(conn, "troubles", {
        "tenant_id": tenant, "what": "undelivered", "which": "gone@example.com", "schedule_id": UUID(int=4),
        "slot_at": make.now(conn),
    })  # fmt: skip
    FORGET_TROUBLES.run(owner, retention_days=90)
    left = conn.execute("select schedule_id from troubles where tenant_id = %s", (tenant,)).fetchall()
    assert left == [(new,)]


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
    return [(row.email, row.left_by) for row in found_owners(reader, tenant, about)]


def found_owners(reader: Connection, tenant: UUID, about: UUID | None, **more: Any) -> list[Owner]:
    asked: dict[str, Any] = {
        "tenant_id": tenant,
        "schedule_id": about,
        "source_id": None,
        "graph_id": None,
        "domains": [],
    }
    return LIST_OWNERS.all(reader, **asked | more)


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


def test_an_owner_who_may_not_be_mailed_is_passed_over_while_somebody_else_may(
    conn: make.Connection, tenant: UUID, owner: Connection
) -> None:
    own = schedule(conn, tenant)
    barred = [Owner("ada@example.com", None, "ann@example.com")]
    itself = [Owner("ann@example.com", None, None)]
    row = {"tenant_id": tenant, "recipient": "ann@example.com", "reason": "bounce", "source": "provider"}
    make.insert(conn, "suppressions", row)
    assert found_owners(owner, tenant, own) == barred
    conn.execute("delete from suppressions where tenant_id = %s", (tenant,))
    conn.execute("update members set email = 'ada@other.example' where tenant_id = %s and subject = 'ada'", (tenant,))
    assert found_owners(owner, tenant, own, domains=["other.example"])[0].email == "ada@other.example"
    conn.execute("""update tenants set settings = '{"recipientDomains": ["example.com"]}' where id = %s""", (tenant,))
    assert found_owners(owner, tenant, own) == itself
    assert found_owners(owner, tenant, own, domains=["third.example"]) == itself, "where nobody may, it is shown as is"


def test_a_death_of_what_a_run_made_names_its_schedule_and_is_not_told(conn: make.Connection, tenant: UUID) -> None:
    made = schedule(conn, tenant)
    maker = make.run(conn, tenant, schedule_id=made, state="succeeded", attempt=1)
    slot = make.value(conn, "select slot_at from runs where id = %s", maker)
    child = die(conn, tenant, None, parent_run_id=maker, item_key="ann", slot_at=slot)
    row = "select row(parent_run_id, item_key, schedule_id)::text from dead_letters where run_id = %s"
    assert make.value(conn, row, child) == f"({maker},ann,{made})"
    assert subjects(conn, tenant) == []
    assert make.value(conn, "select count(*) from troubles where tenant_id = %s", tenant) == 0


def test_of_a_source_all_who_alert_on_it_are_told_beside_the_admins(
    conn: make.Connection, tenant: UUID, owner: Connection
) -> None:
    bob = {"tenant_id": tenant, "subject": "bob", "email": "bob@example.com", "role": "editor"}
    make.insert(conn, "members", bob)
    sources, graphs = [], []
    for who in ("ann", "bob"):
        alert = make.alert(conn, tenant)
        graph, source, schedule_id = conn.execute(
            "select g.id, g.source_id, k.schedule_id from kpi_alerts as k join graphs as g on g.id = k.graph_id "
            "where k.id = %s",
            (alert,),
        ).fetchone() or (None, None, None)
        conn.execute(
            "update schedules set created_by = %s, status = 'active' where id = %s", (f"member:{who}", schedule_id)
        )
        sources.append(source)
        graphs.append(graph)
    told = {"ada@example.com", "ann@example.com"}
    assert {each.email for each in found_owners(owner, tenant, None, source_id=sources[0])} == told
    assert {each.email for each in found_owners(owner, tenant, None, graph_id=graphs[0])} == told
    other = make.tenant(conn)
    assert found_owners(owner, other, None, source_id=sources[0]) == []
