import base64
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tests.workers.kinds.contexts import RUN, Journal, context
from tests.workers.wire import LOOPBACK, http_server
from workers.http import Client
from workers.kind import Webhook
from workers.kinds import INNER, KINDS
from workers.kinds.http_call import signature_headers
from workers.kinds.webhook_send import WAITS, Params, run, wait_after
from workers.outcome import Done, Later, Rejected

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_" + base64.b64encode(b"an older key of 24 bytes").decode()
WEBHOOK = UUID(int=3)
BODY: dict[str, Any] = {"type": "run.dead", "timestamp": "2026-11-21T08:30:00Z", "data": {"error": "ü", "attempt": 1}}


class Known(Journal):
    """A journal that knows one webhook, and keeps why it was disabled."""

    def __init__(self, url: str, secret: str = SECRET, *, is_active: bool = True) -> None:
        super().__init__()
        self.known: Webhook | None = Webhook("ops", is_active, url, secret)
        self.told: list[tuple[UUID, str, str, str]] = []

    def webhook(self, _: UUID) -> Webhook | None:
        return self.known

    def disable_webhook(self, webhook_id: UUID, reason: str, *, subject: str, text: str) -> None:
        self.told.append((webhook_id, reason, subject, text))


@pytest.fixture
def client() -> Iterator[Client]:
    with closing(Client(allowed=LOOPBACK)) as one:
        yield one


def send(journal: Journal, client: Client, **overrides: Any) -> Done | Later | Rejected:
    params = Params.model_validate({"webhookId": str(WEBHOOK), "body": BODY})
    overrides = {"schedule_id": None, "started_at": datetime.now(UTC)} | overrides
    return run(context(params, http=client, journal=journal, **overrides))


def test_an_event_verifies_with_the_reference_library_and_no_other_does(client: Client) -> None:
    with http_server() as server:
        assert send(Known(f"{server.url}/hook"), client) == Done({"status": 200})
    [seen] = server.seen
    assert Verifier(SECRET).verify(seen.body, seen.headers) == BODY
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["webhook-id"] == seen.headers["idempotency-key"] == str(RUN)
    signature = seen.headers["webhook-signature"]
    late = str(int(seen.headers["webhook-timestamp"]) - 301)
    early = str(int(seen.headers["webhook-timestamp"]) + 302)
    # The first character: of the last one, two bits are padding that no decoder reads.
    flipped = f"v1,{'A' if signature[3] != 'A' else 'B'}{signature[4:]}"
    for change in (
        *({name: ""} for name in ("webhook-id", "webhook-timestamp", "webhook-signature")),
        *({"webhook-timestamp": text} for text in ("hello", late, early)),
        *({"webhook-signature": text} for text in (flipped, signature.replace("v1,", "v2,"))),
    ):
        with pytest.raises(WebhookVerificationError):
            Verifier(SECRET).verify(seen.body, seen.headers | change)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(seen.body.replace(b":", b": "), seen.headers)
    Verifier(SECRET).verify(seen.body, seen.headers | {"webhook-signature": f"v1,AAAA {signature}"})


def test_a_retry_has_the_same_id_and_bytes_and_a_new_timestamp_and_signature(client: Client) -> None:
    now = datetime.now(UTC)
    with http_server(502) as server:
        for attempt in (1, 2):
            found = send(Known(server.url), client, attempt=attempt, started_at=now + timedelta(seconds=attempt))
            assert isinstance(found, Later)
    one, two = server.seen
    assert one.body == two.body
    assert one.headers["webhook-id"] == two.headers["webhook-id"]
    assert int(two.headers["webhook-timestamp"]) == int(one.headers["webhook-timestamp"]) + 1
    assert one.headers["webhook-signature"] != two.headers["webhook-signature"]
    for seen in (one, two):
        assert Verifier(SECRET).verify(seen.body, seen.headers) == BODY


def test_while_a_secret_is_rotated_both_verify(client: Client) -> None:
    with http_server() as server:
        send(Known(server.url, f"{SECRET} {OLDER}"), client)
    [seen] = server.seen
    assert len(seen.headers["webhook-signature"].split()) == 2
    for secret in (SECRET, OLDER):
        assert Verifier(secret).verify(seen.body, seen.headers) == BODY


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 422, 429, 500, 502, 504])
def test_whatever_is_not_2xx_is_tried_again(client: Client, status: int) -> None:
    with http_server(status, b"", {"Location": "/elsewhere"}) as server:
        found = send(Known(server.url), client)
    assert isinstance(found, Later)
    assert found.why == f"the receiver answered {status}"
    assert found.delay_seconds == pytest.approx(WAITS[0], rel=0.11)
    assert len(server.seen) == 1


@pytest.mark.parametrize(("asked", "wait"), [("7", 7.0), ("1000000000", 86_400.0), ("-5", 1.0)])
def test_the_receiver_may_ask_for_another_wait_between_a_second_and_a_day(
    client: Client, asked: str, wait: float
) -> None:
    with http_server(429, b"", {"Retry-After": asked}) as server:
        assert send(Known(server.url), client) == Later(wait, "the receiver answered 429")


def test_410_disables_the_webhook_and_says_whose_it_was_without_its_path(client: Client) -> None:
    with http_server(410) as server:
        journal = Known(f"{server.url}/hush")
        assert isinstance(send(journal, client), Rejected)
    [(webhook_id, reason, subject, text)] = journal.told
    assert (webhook_id, subject) == (WEBHOOK, "The webhook ops was disabled")
    assert "410" in reason
    assert server.url in text
    assert "hush" not in text


def test_a_webhook_that_is_disabled_or_gone_is_not_called(client: Client) -> None:
    with http_server() as server:
        assert isinstance(send(Known(server.url, is_active=False), client), Rejected)
        gone = Known(server.url)
        gone.known = None
        assert isinstance(send(gone, client), Done)
        assert send(Known(server.url), client, mode="dry") == Done({"suppressed": True})
    assert server.seen == []


def test_an_absent_receiver_is_tried_again_and_a_closed_address_is_not(client: Client) -> None:
    with http_server() as server:
        url = server.url
    found = send(Known(url), client, attempt=3)
    assert isinstance(found, Later)
    assert found.delay_seconds == pytest.approx(WAITS[2], rel=0.11)
    with closing(Client()) as closed:
        assert isinstance(send(Known(url), closed), Rejected)


def test_the_waits_of_ten_attempts_last_three_days_and_differ() -> None:
    waits = [[wait_after(attempt) for attempt in range(1, 10)] for _ in range(2)]
    assert waits[0] != waits[1]
    for each in waits:
        assert each == sorted(each)
        assert 2.5 * 86_400 < sum(each) < 3.7 * 86_400
    assert wait_after(11) == pytest.approx(WAITS[-1], rel=0.11)


def test_an_id_with_a_dot_is_not_signed_and_an_empty_or_large_body_is() -> None:
    now = datetime.now(UTC)
    with pytest.raises(ValueError, match="dot"):
        signature_headers(SECRET, "msg.1", now, b"")
    for body in (b"", b"x" * 5_000_000):
        headers = signature_headers(SECRET, "msg_1", now, body)
        signed = Verifier(SECRET).sign("msg_1", now, body.decode())
        assert headers["webhook-signature"] == signed


def test_no_schedule_has_a_kind_of_tocsins_own() -> None:
    assert set(INNER) == {"crew.ask", "notice.mail", "webhook.send"}
    assert not set(INNER) & set(KINDS)
