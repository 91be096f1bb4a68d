"""SendGrid, Mailgun, Resend and SES, each on loopback as it documents itself: what is sent, and what becomes of it."""

import base64
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest

from tests.workers.channels.guards import Holding
from tests.workers.channels.providers import KEY, Provider, provider
from tests.workers.wire import raw_server
from workers.channels import LeaseLost, Mailer, open_mail
from workers.channels.email import compose, message_id
from workers.channels.sigv4 import Credentials, signed
from workers.outcome import Attachment, Message

AWS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
NAMES = ("sendgrid", "mailgun", "resend", "ses")
RAW = ("mailgun", "ses")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CONTENT = compose(
    Message(
        to=("a@example.com", "b@example.com"),
        subject="Umsatz über 10 000 €",
        text="Zeile\n.\nüber",
        html='<p>page</p><img src="cid:chart" alt="a chart">',
        attachments=(
            Attachment("zahlen ü.csv", "text/csv", b"a;b\r\n1;2\r\n"),
            Attachment("chart.png", "image/png", PNG, content_id="chart"),
        ),
        thread="alert 1",
    ),
    sender="Tocsin <alerts@example.com>",
    reply_to="owner@example.com",
    message_id=message_id(UUID(int=1), 0, "example.com"),
    date=datetime(2026, 11, 21, tzinfo=UTC),
)


@pytest.fixture(params=NAMES)
def played(request: pytest.FixtureRequest) -> Iterator[Provider]:
    with provider(request.param) as found:
        yield found


def opened(played: Provider) -> Mailer:
    return open_mail(played.mail_url(), "alerts@example.com", aws=AWS)


def test_a_mail_is_handed_over_in_the_order_that_its_guard_asks(played: Provider) -> None:
    guard = Holding()
    receipt = opened(played).send("a@example.com", CONTENT, guard, "k.0")

    assert (receipt.state, guard.asked) == ("sent", ["connect", "data", "dot"])
    assert receipt.provider_message_id
    assert not receipt.provider_message_id.startswith("<")
    [mail] = played.mails_to("a@example.com")
    if played.name in RAW:
        assert mail == CONTENT
    if played.name == "resend":
        assert played.asked[0]["headers"]["Idempotency-Key"] == "k.0"


@pytest.mark.parametrize("name", ["sendgrid", "resend"])
def test_what_takes_no_mail_as_it_stands_gets_its_parts_unchanged(name: str) -> None:
    with provider(name) as played:
        opened(played).send("a@example.com", CONTENT, Holding(), "k")
        [said] = played.mails_to("a@example.com")
    mail = message_from_bytes(CONTENT, policy=policy.default)
    bodies = {part["type"]: part["value"] for part in said.get("content", [])} or {
        "text/plain": said["text"],
        "text/html": said["html"],
    }
    assert said["subject"] == mail["Subject"]
    for kind, subtype in (("text/plain", "plain"), ("text/html", "html")):
        found: Any = mail.get_body((subtype,))
        assert bodies[kind] == found.get_content()
    files = {
        each["filename"]: (
            base64.b64decode(each["content"]),
            each.get("type") or each["content_type"],
            each.get("content_id"),
        )
        for each in said["attachments"]
    }
    assert files == {
        "zahlen ü.csv": (b"a;b\r\n1;2\r\n", "text/csv", None),
        "chart.png": (PNG, "image/png", "chart"),
    }
    for header in ("Message-ID", "Auto-Submitted", "References", "In-Reply-To"):
        assert said["headers"][header] == mail[header]
    assert "owner@example.com" in str(said["reply_to"])
    assert "alerts@example.com" in str(said["from"])
    # Its To is its envelope: nobody else may stand there.
    assert "b@example.com" not in str(said)


ANSWERS = [
    ("400", "failed", False, None),
    ("413", "failed", False, None),
    ("429", "pending", False, 7.0),
    ("500", "pending", False, None),
    ("503", "pending", False, None),
    ("404", "pending", True, None),
]


def test_each_answer_becomes_the_state_that_it_says(played: Provider) -> None:
    mailer = opened(played)
    for word, state, is_ours, wait in ANSWERS:
        receipt = mailer.send(f"{word}+x@example.com", CONTENT, Holding(), word)
        assert (receipt.state, receipt.code, receipt.retry_after) == (state, int(word), wait), word
        assert receipt.is_ours == is_ours, word
    assert mailer.send("429-once+x@example.com", CONTENT, Holding(), "o").state == "pending"
    assert mailer.send("429-once+x@example.com", CONTENT, Holding(), "o").state == "sent"
    assert len(played.accepted) == 1


def test_a_wrong_key_is_the_installations_fault_and_is_not_shown(played: Provider) -> None:
    url = played.mail_url().replace(KEY, "another-key")
    receipt = open_mail(url, "alerts@example.com", aws=AWS | {"AWS_ACCESS_KEY_ID": "another-key"}).send(
        "a@example.com", CONTENT, Holding()
    )
    assert (receipt.state, receipt.is_ours) == ("pending", True)
    assert "MAIL_URL" in receipt.error
    assert "another-key" not in receipt.error
    assert played.accepted == []


def test_an_answer_that_is_lost_is_unknown_and_under_a_key_asked_again(played: Provider) -> None:
    mailer, address = opened(played), "drop-after-once+x@example.com"
    receipt = mailer.send(address, CONTENT, Holding(), "k.0")
    assert receipt.state == ("pending" if played.name == "resend" else "unknown")
    assert mailer.send(address, CONTENT, Holding(), "k.0").state == "sent"
    # Without a key the repeat is a second mail: the window that only its policy closes.
    assert len(played.mails_to(address)) == (1 if mailer.is_keyed else 2)
    if mailer.is_keyed:
        assert mailer.send(address, CONTENT.replace(b"page", b"pages"), Holding(), "k.0").state == "unknown"
        assert mailer.send(address, CONTENT, Holding(), "k.1").state == "sent"
        assert len(played.mails_to(address)) == 2


@pytest.mark.parametrize("step", ["connect", "data", "dot"])
def test_a_lost_lease_hands_nothing_over(played: Provider, step: str) -> None:
    with pytest.raises(LeaseLost):
        opened(played).send("a@example.com", CONTENT, Holding(step), "k")
    assert played.accepted == []


def test_what_breaks_before_the_last_byte_is_surely_not_sent() -> None:
    def gone(connection: socket.socket) -> None:
        connection.recv(10)

    with raw_server(gone) as port:
        mailer = open_mail(f"mailgun://{KEY}@mg.example.com?endpoint=http://127.0.0.1:{port}", "a@example.com")
        # More than what lies between us holds, so that the end can't have left.
        receipt = mailer.send("a@example.com", CONTENT + b"x" * 20_000_000, Holding(), "k")
    assert receipt.state == "pending"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    receipt = open_mail(f"ses://eu-west-1?endpoint=http://127.0.0.1:{port}", "a@example.com", aws=AWS).send(
        "a@example.com", CONTENT, Holding()
    )
    assert (receipt.state, receipt.is_ours) == ("pending", False)


def test_a_provider_that_does_not_answer_is_waited_for_no_longer_than_said() -> None:
    def silent(connection: socket.socket) -> None:
        while connection.recv(65_536):
            pass

    with raw_server(silent) as port:
        mailer = open_mail(f"mailgun://{KEY}@mg.example.com?endpoint=http://127.0.0.1:{port}", "a@example.com")
        mailer._send_seconds = 0.3  # type: ignore[attr-defined]
        receipt = mailer.send("a@example.com", CONTENT, Holding())
    assert (receipt.state, receipt.code) == ("unknown", None)


# The first two of AWS's published test suite, and its form. Source: aws-sig-v4-test-suite.
@pytest.mark.parametrize(
    ("method", "headers", "body", "signature"),
    [
        ("GET", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "POST",
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
)
def test_a_request_is_signed_as_the_published_vectors_say(
    method: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    found = signed(
        method,
        "https://example.amazonaws.com/",
        headers,
        body,
        credentials=Credentials(AWS["AWS_ACCESS_KEY_ID"], AWS["AWS_SECRET_ACCESS_KEY"]),
        region="us-east-1",
        service="service",
        now=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
    )
    assert found["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    "url",
    [
        "ses://",
        "ses://key@eu-west-1",
        "sendgrid://secret@host",
        "sendgrid://",
        "mailgun://secret@",
        "resend://secret:word@",
        "resend://secret@/path",
        "resend://secret@?endpoint=http://example.com",
        "resend://secret@?endpoint=https://u:p@example.com",
        "resend://secret@?endpoint=file:///etc",
        "resend://secret@?endpoint=http://localhost.example.com:80",
        "resend://secret@?proxy=http://127.0.0.1",
        "postmark://secret@",
    ],
)
def test_a_url_that_names_no_provider_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^MAIL_URL") as refused:
        open_mail(url, "alerts@example.com", aws=AWS)
    assert "secret" not in str(refused.value).replace("SECRET", "")


def test_ses_says_which_variables_it_lacks() -> None:
    with pytest.raises(ValueError, match="AWS_ACCESS_KEY_ID"):
        open_mail("ses://eu-west-1", "alerts@example.com")
