"""What becomes of deliveries by what the mail server answers, as a real ticker and a real worker do it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from local.mail import MailSink
from tests import make
from tests.system import System, until


@pytest.fixture
def addressed(mail_server: MailSink) -> Callable[[str], list[str]]:
    """The subjects of the mails that reached an address."""

    def find(address: str) -> list[str]:
        return [str(mail.message["Subject"]) for mail in mail_server.mails() if address in mail.recipients]

    return find


def unique(local: str) -> str:
    """An address of the test's own that makes the server behave as its first part says."""
    return f"{local}+{uuid4().hex[:8]}@example.com"


def deliveries(system: System, schedule: UUID) -> dict[str, dict[str, Any]]:
    """The deliveries of the schedule's run by recipient."""
    rows = system.conn.execute(
        "select d.recipient, to_jsonb(d) from deliveries as d inner join runs as r on r.id = d.run_id "
        "where r.schedule_id = %s",
        (schedule,),
    ).fetchall()
    return dict(rows)


def until_settled(system: System, schedule: UUID, **states: str) -> dict[str, dict[str, Any]]:
    """The deliveries once each is in the state given for its recipient's first part."""

    def found() -> dict[str, str]:
        return {name: row["state"] for name, row in deliveries(system, schedule).items()}

    def is_settled() -> bool:
        now = found()
        return bool(now) and all(now[address] == state for address, state in states.items())

    until(is_settled, 30, lambda: f"{found()}\n{system.logs()}")
    return deliveries(system, schedule)


def mail(system: System, *to: str, **row: Any) -> UUID:
    """A schedule that mails these once."""
    return system.schedule(kind="test.mail", params={"to": to}, **row)


def test_each_recipient_gets_one_mail_with_the_same_bytes(
    living: System, mail_server: MailSink, addressed: Callable[[str], list[str]]
) -> None:
    a, b, c = unique("a"), unique("b"), unique("c")
    schedule = living.schedule(kind="test.mail", params={"to": [a, b, a], "cc": [b], "bcc": [c]})
    rows = until_settled(living, schedule, **{a: "sent", b: "sent", c: "sent"})

    mails = [each for each in mail_server.mails() if set(each.recipients) & {a, b, c}]
    assert sorted(each.recipients for each in mails) == sorted([(a,), (b,), (c,)])
    assert len({each.content for each in mails}) == 1
    assert c not in mails[0].content.decode()
    assert {name: row["recipient_type"] for name, row in rows.items()} == {a: "to", b: "to", c: "bcc"}
    run = next(iter(rows.values()))["run_id"]
    assert mails[0].message["Message-ID"] == f"<{run}.0@localhost>"


def test_refused_for_now_is_sent_later(living: System, addressed: Callable[[str], list[str]]) -> None:
    late = unique("451-once")
    schedule = mail(living, late)

    rows = until_settled(living, schedule, **{late: "sent"})

    assert rows[late]["attempts"] == 2
    assert len(addressed(late)) == 1


def test_refused_for_good_fails_that_recipient_alone(living: System, addressed: Callable[[str], list[str]]) -> None:
    good, bad, after = unique("good"), unique("550"), unique("554-after-dot")
    schedule = mail(living, bad, good, after)

    rows = until_settled(living, schedule, **{good: "sent", bad: "failed", after: "failed"})

    assert rows[bad]["error"].startswith("550")
    assert rows[bad]["attempts"] == 1
    assert addressed(good) != []
    assert addressed(bad) == addressed(after) == []


def test_an_answer_lost_after_the_dot_is_unknown_and_held_where_it_shall_be(
    living: System, addressed: Callable[[str], list[str]]
) -> None:
    address = unique("drop-after-dot")
    schedule = mail(living, address, unknown_delivery_policy="hold")

    rows = until_settled(living, schedule, **{address: "unknown"})

    assert (rows[address]["attempts"], rows[address]["unknown_count"]) == (1, 1)
    assert len(addressed(address)) == 1


def test_an_answer_lost_after_the_dot_is_resent_with_the_same_id_and_counted(
    living: System, mail_server: MailSink, addressed: Callable[[str], list[str]]
) -> None:
    address = unique("drop-after-dot")
    schedule = mail(living, address, unknown_delivery_policy="resend")

    until(lambda: len(addressed(address)) >= 2, 30)
    living.conn.execute("update deliveries set max_attempts = 2 where recipient = %s", (address,))

    mails = [each for each in mail_server.mails() if address in each.recipients]
    assert len({each.content for each in mails}) == 1
    assert deliveries(living, schedule)[address]["unknown_count"] >= 1


def test_a_connection_that_breaks_before_the_dot_is_surely_not_sent(
    living: System, addressed: Callable[[str], list[str]]
) -> None:
    address = unique("drop-before-dot")
    schedule = mail(living, address)

    until(lambda: deliveries(living, schedule).get(address, {}).get("attempts", 0) >= 2, 30)
    living.conn.execute("update deliveries set max_attempts = 2 where recipient = %s", (address,))

    assert deliveries(living, schedule)[address]["unknown_count"] == 0
    assert addressed(address) == []


def test_attempts_have_an_end(living: System) -> None:
    address = unique("451")
    schedule = mail(living, address)
    until(lambda: deliveries(living, schedule).get(address, {}).get("attempts", 0) >= 1)
    living.conn.execute("update deliveries set max_attempts = 2 where recipient = %s", (address,))

    until_settled(living, schedule, **{address: "failed"})


def test_an_address_that_is_none_fails_the_run_and_mails_nobody(
    living: System, addressed: Callable[[str], list[str]]
) -> None:
    good = unique("good")
    schedule = mail(living, good, "no address\r\nBcc: x@example.com", max_attempts=1)

    until(lambda: living.value("select state from runs where schedule_id = %s", schedule) == "dead")

    assert deliveries(living, schedule) == {}
    assert addressed(good) == []


def test_a_pending_delivery_that_nobody_was_told_of_is_found(
    living: System, addressed: Callable[[str], list[str]]
) -> None:
    address = unique("found")
    slot = make.now(living.conn)
    run = make.run(living.conn, living.tenant, slot_at=slot, state="succeeded")
    make.delivery(living.conn, living.tenant, run, slot, recipient=address)

    until(lambda: addressed(address))


def test_a_hundred_orphans_are_sent_soon(living: System, mail_server: MailSink) -> None:
    slot = make.now(living.conn)
    run = make.run(living.conn, living.tenant, slot_at=slot, state="succeeded")
    before = len(mail_server.mails())
    with living.conn.transaction():
        for number in range(100):
            make.delivery(living.conn, living.tenant, run, slot, recipient=unique(f"orphan{number}"))

    until(lambda: len(mail_server.mails()) >= before + 100, 15, living.logs)
