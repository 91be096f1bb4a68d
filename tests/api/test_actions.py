"""Links in mails: looking changes nothing, pressing the button acts once, and nobody acts for somebody else."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from api.limits import Limit
from config.seal import Seal
from tests import make
from tests.api import tenanted
from tests.api.conftest import KEY, TestClient, web_of_it
from workers import action_links
from workers.outcome import Action

SIGNS = Seal((KEY,)).derived(action_links.PURPOSE)[0]
ACTIONS: tuple[Action, ...] = ("acknowledge", "snooze", "unsubscribe", "not_useful")


class Mail(NamedTuple):
    """A mail that was sent, and whose it is."""

    tenant: UUID
    schedule: UUID
    alert: UUID
    run: UUID
    id: UUID
    slot: Any

    def token(self, action: Action, **other: Any) -> str:
        said = {"tenant_id": self.tenant, "delivery_id": self.id, "recipient": "ann@example.com", "slot_at": self.slot}
        return action_links.token(SIGNS, action=action, **{**said, **other})


@pytest.fixture
def mail(owner: make.Connection) -> Mail:
    return mailed(owner)


def mailed(owner: make.Connection, age: timedelta = timedelta(0)) -> Mail:
    tenant, slot = make.tenant(owner), make.now(owner) - age
    owner.execute("select make_partitions(%s, %s)", (slot, slot + timedelta(days=1)))
    alert = UUID(tenanted.alert(owner, tenant, "alfa"))
    schedule = make.value(owner, "select schedule_id from kpi_alerts where id = %s", alert)
    run = make.run(owner, tenant, slot_at=slot, state="succeeded", schedule_id=schedule)
    delivery = make.delivery(owner, tenant, run, slot, recipient="Ann@example.com", state="sent")
    return Mail(tenant, schedule, alert, run, delivery, slot)


def acted(owner: make.Connection, mail: Mail) -> list[tuple[Any, ...]]:
    return owner.execute(
        "select action, acted_by, schedule_id, alert_id, run_id, until - created_at from message_actions "
        "where tenant_id = %s",
        (mail.tenant,),
    ).fetchall()


@pytest.mark.parametrize("action", ACTIONS)
def test_looking_changes_nothing_and_the_button_acts_once(
    host: TestClient, owner: make.Connection, mail: Mail, action: Action
) -> None:
    path = f"/a/{mail.token(action)}"
    page = [host.get(path) for _ in range(3)][-1]
    assert page.status_code == 200
    assert page.text.count("<button") == 1
    assert '<form method="post">' in page.text
    assert "<script" not in page.text
    assert "prefers-color-scheme: dark" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert acted(owner, mail) == []

    # As the page sends it, and as a mail program does.
    for body in ({}, {"List-Unsubscribe": "One-Click"}):
        assert host.post(path, data=body).status_code == 200
    until = timedelta(days=1) if action == "snooze" else None
    assert acted(owner, mail) == [(action, "Ann@example.com", mail.schedule, mail.alert, mail.run, until)]
    found = owner.execute(
        "select recipient, reason, source, schedule_id from suppressions where tenant_id = %s", (mail.tenant,)
    ).fetchall()
    assert found == (
        [("ann@example.com", "unsubscribe", "recipient", mail.schedule)] if action == "unsubscribe" else []
    )
    audited = owner.execute("select who, action from audit_log where tenant_id = %s", (mail.tenant,)).fetchall()
    assert audited == [("recipient", f"message.{action}")]


def test_a_token_for_anybody_or_anything_else_opens_nothing(
    host: TestClient, owner: make.Connection, mail: Mail
) -> None:
    other = mailed(owner)
    wrong = [
        mail.token("snooze", tenant_id=other.tenant),
        mail.token("snooze", recipient="bob@example.com"),
        mail.token("snooze", delivery_id=other.id),
        mail.token("snooze", delivery_id=UUID(int=1)),
        action_links.token(bytes(32), mail.tenant, mail.id, "ann@example.com", "snooze", mail.slot),
        mail.token("snooze")[:-1],
        mail.token("snooze") + "A",
        "x",
        "%00" * 24,
    ]
    for token in wrong:
        assert host.get(f"/a/{token}").status_code == host.post(f"/a/{token}").status_code == 404, token
    assert acted(owner, mail) == acted(owner, other) == []


def test_an_old_link_says_so(host: TestClient, owner: make.Connection) -> None:
    mail = mailed(owner, action_links.LASTS + timedelta(minutes=1))
    for answer in (host.get(f"/a/{mail.token('unsubscribe')}"), host.post(f"/a/{mail.token('unsubscribe')}")):
        assert answer.status_code == 410
        assert "too old" in answer.text
    assert acted(owner, mail) == []


def test_whoever_follows_links_too_often_waits_and_others_do_not(
    host: TestClient, owner: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_of_it(host), "per_visitor", Limit(2))
    found = mailed(owner)
    path = f"/a/{found.token('acknowledge')}"
    assert [host.get(path).status_code, host.post("/a/nobodys").status_code] == [200, 404]
    last = host.post(path, headers={"X-Forwarded-For": "203.0.113.9"})
    assert (last.status_code, 1 <= int(last.headers["Retry-After"]) <= 60) == (429, True)
    assert acted(owner, found) == []
    elsewhere = TestClient(host.app, client=("203.0.113.9", 50000), base_url=str(host.base_url))
    assert elsewhere.post(path).status_code == 200
