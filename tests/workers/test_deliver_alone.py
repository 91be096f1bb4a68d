"""The deliverer by itself: what it asks before each step, and what it does while Postgres is away."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY

from db.pool import Database, Pool
from db.processes import Heartbeat, Lease
from db.query import Query
from local.processes import free_port
from scheduler.reaper import reap
from tests import make
from tests.system import until
from tests.workers.channels.providers import provider
from tests.workers.channels.test_smtp import Scripted
from tests.workers.wire import certificate, raw_server
from workers import deliver as module
from workers.channels import Guard, LeaseLost, Receipt, open_mail
from workers.channels.email import compose
from workers.channels.smtp import Smtp
from workers.deliver import Deliverer
from workers.mail_rules import RuleBook
from workers.outcome import Message


@dataclass
class Outbox:
    """A mailer that hands over to nobody, asking its guard as a real one does."""

    answer: Receipt = Receipt("sent")  # noqa: RUF009  frozen
    before: Callable[[], None] = lambda: None
    sent: list[str] = field(default_factory=list)
    refusals: int = 0
    is_keyed: bool = False

    def send(self, recipient: str, content: bytes, guard: Guard, key: str = "") -> Receipt:  # noqa: ARG002  as the deliverer calls it
        assert content
        try:
            guard.before_connect()
            guard.before_data()
            self.before()
            guard.before_dot()
        except LeaseLost:
            self.refusals += 1
            raise
        self.sent.append(recipient)
        return self.answer


class Post:
    """A deliverer on a database, with one delivery to make."""

    def __init__(self, url: str) -> None:
        self.conn = make.connect(url)
        tenant = make.tenant(self.conn)
        database = Database.at(url)
        self.pool: Pool = database.open_pool("test", 4)
        self.lease = Lease(make.process(self.conn), 60.0, held_until=time.monotonic() + 60)
        self.outbox = Outbox()
        self.heartbeat = Heartbeat(database, "worker", self.lease)
        self.deliverer = Deliverer(
            self.pool, self.heartbeat, self.outbox, RuleBook(self.pool, "a@b.example", "live", ()), 2
        )
        self.slot: datetime = make.now(self.conn)
        run = make.run(self.conn, tenant, slot_at=self.slot, state="succeeded")
        self.id: UUID = make.delivery(self.conn, tenant, run, self.slot)

    def go(self) -> None:
        """Has the delivery made, and waits for its end."""
        self.deliverer.start()
        self.deliverer.offer(self.id, self.slot)

    def is_put_off(self) -> bool:
        """Whether it was tried once and is to be tried again."""
        row = self.row()
        return (row["state"], row["attempts"]) == ("pending", 1)

    def row(self) -> dict[str, Any]:
        found: dict[str, Any] = make.value(self.conn, "select to_jsonb(d) from deliveries as d")
        return found

    def close(self) -> None:
        self.deliverer.stop(10)
        self.pool.close()
        self.conn.close()


@pytest.fixture
def post(database: str) -> Iterator[Post]:
    post = Post(database)
    yield post
    post.close()


def test_what_was_accepted_is_sent(post: Post) -> None:
    post.go()
    until(lambda: post.row()["state"] == "sent")

    assert post.outbox.sent == ["someone@example.com"]
    assert post.row()["handed_over_at"]


def test_what_was_sent_is_recorded_once_postgres_is_back(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([True] * 3)
    right = module.FINISH.one

    def finish(conn: Any, **params: Any) -> Any:
        if next(failures, False):
            raise psycopg.OperationalError("the server is away")
        return right(conn, **params)

    monkeypatch.setattr(module.FINISH, "one", finish)
    post.go()
    until(lambda: post.row()["state"] == "sent")

    assert len(post.outbox.sent) == 1
    assert post.row()["unknown_count"] == 0


def test_a_lease_whose_answer_was_lost_is_a_doubt(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    right = module.START.one

    def lose(conn: Any, **params: Any) -> None:
        right(conn, **params)
        raise psycopg.OperationalError("the answer is lost")

    monkeypatch.setattr(module.START, "one", lose)
    post.go()
    until(lambda: post.heartbeat.doubts)

    assert post.row()["state"] == "sending"
    until(lambda: post.deliverer.held == [None, None])


def test_a_lease_that_ran_out_before_the_dot_sends_nothing(post: Post) -> None:
    def lose() -> None:
        post.lease.held_until = 0.0

    post.outbox.before = lose
    post.go()
    until(post.is_put_off)

    assert post.outbox.refusals == 1
    assert post.outbox.sent == []


def test_what_postgres_was_away_for_is_given_back_at_once(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def hand_over(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("the server is away")

    monkeypatch.setattr(module.HAND_OVER, "run", hand_over)
    post.go()
    until(post.is_put_off)

    assert post.outbox.sent == []
    assert (post.row()["leased_by"], post.row()["unknown_count"]) == (None, 0)


def test_a_delivery_that_the_reaper_may_take_by_now_sends_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    # The process and its lease are well, but this delivery took longer than start_deliveries.sql gave it.
    monkeypatch.setattr(module, "_OWN_SECONDS", 0.05)
    post.outbox.before = lambda: time.sleep(0.1)
    post.go()
    until(lambda: post.outbox.refusals == 1)

    assert post.outbox.sent == []


def test_content_leaves_only_after_that_was_written_under_the_fence(post: Post) -> None:
    post.outbox.before = lambda: None
    right = post.outbox.send

    def send(recipient: str, content: bytes, guard: Guard, key: str = "") -> Receipt:
        post.conn.execute("update deliveries set state = 'pending', fence = fence + 1, available_at = 'infinity'")
        return right(recipient, content, guard, key)

    post.outbox.send = send  # type: ignore[method-assign]
    post.go()
    until(lambda: post.outbox.refusals == 1)

    assert post.outbox.sent == []
    assert post.row()["handed_over_at"] is None


def test_a_process_that_was_declared_lost_hands_nothing_over(post: Post) -> None:
    def declare_lost() -> None:
        post.conn.execute("update processes set lost_at = now()")

    right = post.outbox.send

    def send(recipient: str, content: bytes, guard: Guard, key: str = "") -> Receipt:
        declare_lost()
        return right(recipient, content, guard, key)

    post.outbox.send = send  # type: ignore[method-assign]
    post.go()
    until(lambda: post.outbox.refusals == 1)

    assert post.outbox.sent == []


def test_a_mailer_that_raises_leaves_its_thread_alive(post: Post) -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise RuntimeError("a bug of the channel")

    post.outbox.before = fail
    post.go()
    until(lambda: calls)
    post.outbox.before = lambda: None
    post.conn.execute("update deliveries set state = 'pending', fence = fence + 1, available_at = now()")
    for _ in range(2):
        post.deliverer.offer(post.id, post.slot)

    until(lambda: post.row()["state"] == "sent")


def test_without_mail_url_deliveries_fail_and_say_why(post: Post) -> None:
    post.deliverer._mailer = None
    post.go()
    until(lambda: post.row()["state"] == "failed")

    assert "MAIL_URL" in post.row()["error"]


def test_a_recipient_whom_a_rule_has_shut_out_since_gets_nothing_and_the_delivery_says_why(post: Post) -> None:
    post.conn.execute("""update tenants set settings = '{"recipientDomains": ["elsewhere.example"]}'""")
    post.go()
    until(lambda: post.row()["state"] == "failed")

    assert post.outbox.sent == []
    assert post.row()["error"] == "its domain is not among the tenant's recipientDomains"


def test_a_recipient_who_was_suppressed_meanwhile_gets_nothing_and_no_attempt_is_made(post: Post) -> None:
    other = {"recipient": "other@example.com", "reason": "bounce", "source": "x"}
    tenant = make.value(post.conn, "select tenant_id from deliveries")
    make.insert(post.conn, "suppressions", {"tenant_id": tenant, **other})
    make.insert(
        post.conn, "suppressions", {"tenant_id": make.tenant(post.conn), **other, "recipient": "someone@example.com"}
    )
    make.insert(post.conn, "suppressions", {"tenant_id": tenant, **other, "recipient": "someone@example.com"})
    post.go()
    until(lambda: post.row()["state"] == "suppressed")

    assert post.outbox.sent == []
    assert (post.row()["attempts"], post.row()["error"]) == (0, "the recipient is suppressed: bounce")


def test_another_schedules_and_another_tenants_suppressions_hold_nothing_back(post: Post) -> None:
    tenant = make.value(post.conn, "select tenant_id from deliveries")
    row = {"recipient": "someone@example.com", "reason": "unsubscribe", "source": "x"}
    make.insert(post.conn, "suppressions", {"tenant_id": make.tenant(post.conn), **row})
    of_another = make.schedule(post.conn, tenant, interval_seconds=60)
    make.insert(post.conn, "suppressions", {"tenant_id": tenant, "schedule_id": of_another, **row})
    post.go()
    until(lambda: post.row()["state"] == "sent")


def test_a_provider_that_says_when_is_not_asked_before(post: Post) -> None:
    post.outbox.answer = Receipt("pending", error="429", retry_after=1800.0)
    post.go()
    until(post.is_put_off)
    assert make.value(post.conn, "select available_at > now() + interval '29 minutes' from deliveries")


def test_the_key_is_one_for_all_attempts_and_another_once_it_is_sent_on_purpose_again(post: Post) -> None:
    keys: list[str] = []
    right = post.outbox.send

    def send(recipient: str, content: bytes, guard: Guard, key: str = "") -> Receipt:
        keys.append(key)
        return right(recipient, content, guard, key)

    post.outbox.send = send  # type: ignore[method-assign]
    post.outbox.answer = Receipt("pending", error="503")
    post.go()
    until(post.is_put_off)
    post.outbox.answer = Receipt("sent")
    post.conn.execute("update deliveries set available_at = now()")
    post.deliverer.offer(post.id, post.slot)
    until(lambda: post.row()["state"] == "sent")
    resend = Query[Any]("resend_delivery")
    with post.pool.connection() as conn:
        place = {"tenant_id": post.row()["tenant_id"], "id": post.id, "slot_at": post.slot}
        assert resend.run(conn, **place, is_forced=True) == 1
    post.deliverer.offer(post.id, post.slot)
    until(lambda: len(keys) == 3)

    assert keys == [f"{post.id}.0", f"{post.id}.0", f"{post.id}.1"]


@pytest.mark.parametrize("fault", ["nobody listens", "the password is wrong"])
def test_mail_that_a_dead_provider_does_not_take_counts_as_failed_once_its_attempts_are_over(
    post: Post, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level("INFO", "tocsin.deliver")
    made = certificate(tmp_path)
    refusing = Scripted({"AUTH": b"535 no"}, offers=[b"AUTH PLAIN"], tls=made.server, is_tls_at_once=True)
    before = {outcome: counted(outcome) for outcome in ("later", "failed")}
    post.conn.execute("update deliveries set max_attempts = 2")
    with raw_server(refusing) as port:
        where = port if fault == "the password is wrong" else free_port()
        post.deliverer._mailer = Smtp(f"smtps://u:p@127.0.0.1:{where}", "a@b.example", ssl_context=made.client)
        post.go()
        until(post.is_put_off)
        post.conn.execute("update deliveries set available_at = now()")
        post.deliverer.offer(post.id, post.slot)
        until(lambda: post.row()["state"] == "failed" and counted("failed") > before["failed"])

    assert {outcome: counted(outcome) - before[outcome] for outcome in before} == {"later": 1, "failed": 1}
    told = [vars(line)["fields"] for line in caplog.records if line.message == "delivery.ended"]
    assert [line["outcome"] for line in told] == ["later", "failed"]
    assert all({"slot_at", "schedule_id", "run_id"} <= set(line) for line in told)


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("tocsin_deliveries_total", {"channel": "email", "outcome": outcome}) or 0.0


def test_a_delivery_whose_process_was_lost_in_its_last_attempt_counts_as_failed(post: Post) -> None:
    before = counted("failed")
    post.deliverer.start()
    post.conn.execute("update deliveries set max_attempts = 1")
    with post.pool.connection() as conn:
        place = {"ids": [post.id], "slots": [post.slot], "low": post.slot, "high": post.slot}
        assert module.START.one(conn, **place, process_id=post.lease.process_id)
        post.conn.execute("update processes set lost_at = now()")
        assert reap(conn) == 1
    assert post.row()["state"] == "failed"
    assert counted("failed") == before + 1


@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_a_death_between_acceptance_and_its_record_is_one_mail_at_a_keyed_provider(database: str, policy: str) -> None:
    with provider("resend") as played:
        post = Post(database)
        try:
            post.deliverer._mailer = open_mail(played.mail_url(), "a@b.example")
            post.conn.execute("update deliveries set unknown_policy = %s", (policy,))
            body = compose(
                Message(to=("someone@example.com",), text="t"), sender="a@b.example", message_id="<a@b>", date=post.slot
            )
            post.conn.execute("update delivery_bodies set content = %s", (body,))
            # It dies: nothing of what the provider answered is ever written.
            is_dead = threading.Event()
            post.deliverer._finish = lambda *_: is_dead.set()  # type: ignore[method-assign]
            post.go()
            assert is_dead.wait(10)
            assert len(played.accepted) == 1
            del post.deliverer._finish
            post.conn.execute("update deliveries set deadline_at = now() - interval '1 second'")
            with post.pool.connection() as conn:
                assert Query[Any]("reap_deliveries").run(conn) == 1
            if policy == "resend":
                post.deliverer.offer(post.id, post.slot)
                until(lambda: post.row()["state"] == "sent")
                assert post.row()["provider_message_id"]
            assert post.row()["state"] == ("sent" if policy == "resend" else "unknown")
            assert post.row()["unknown_count"] == 1
            assert len(played.accepted) == 1
        finally:
            post.close()
