"""What mail providers call: verified as each documents it, and then the mail has come back and its reader is left alone."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from api.limits import Limit
from tests import make
from tests.api.conftest import Api, TestClient, web_of_it
from workers.http import Response

SENDGRID = ec.generate_private_key(ec.SECP256R1())
AMAZON = rsa.generate_private_key(65537, 2048)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem"
SVIX = base64.b64encode(b"a secret of the test's own").decode()
SECRETS = {
    "sendgrid": base64.b64encode(
        SENDGRID.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).decode(),
    "mailgun": "key-of-webhooks",
    "resend": f"whsec_{SVIX}",
    "ses": TOPIC,
}
NAMES = sorted(SECRETS)


class Call(NamedTuple):
    """A provider's call, signed."""

    headers: dict[str, str]
    body: bytes


class Amazon:
    """Amazon SNS as the web's client reaches it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(AMAZON.public_key())
        made = made.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        self._pem = made.sign(AMAZON, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def request(self, method: str, url: str, **_: Any) -> Response:
        assert method == "GET"
        self.asked.append(url)
        return Response(200, {}, self._pem)


def told(
    provider: str, mail: str, to: str, *, is_hard: bool = True, is_complaint: bool = False, at: datetime | None = None
) -> Any:
    """What the provider says of a mail, as its reference shows it; `at` is when it came back."""
    seconds, text = (at.timestamp(), at.isoformat()) if at else (None, None)
    if provider == "sendgrid":
        event = (
            {"event": "spamreport"} if is_complaint else {"event": "bounce", "type": "bounce" if is_hard else "blocked"}
        )
        return [
            {
                "email": to,
                "sg_message_id": f"{mail}.filter0001.1.2.3",
                "reason": "550 5.1.1 no such user",
                "timestamp": seconds,
                **event,
            }
        ]
    if provider == "mailgun":
        event = (
            {"event": "complained"}
            if is_complaint
            else {"event": "failed", "severity": "permanent" if is_hard else "temporary"}
        )
        return event | {
            "recipient": to,
            "timestamp": seconds,
            "message": {"headers": {"message-id": mail}},
            "delivery-status": {"message": "no such user"},
        }
    if provider == "resend":
        kind = "email.complained" if is_complaint else "email.bounced"
        bounce: dict[str, Any] = {"type": "Permanent" if is_hard else "Transient", "message": "no such user"}
        return {"type": kind, "created_at": text, "data": {"email_id": mail, "to": [to], "bounce": bounce}}
    found: dict[str, Any] = {"mail": {"messageId": mail}}
    when: dict[str, Any] = {"timestamp": text}
    if is_complaint:
        return found | {
            "notificationType": "Complaint",
            "complaint": {"complainedRecipients": [{"emailAddress": to}]} | when,
        }
    bounce = when | {"bounceType": "Permanent" if is_hard else "Transient", "bouncedRecipients": [{"emailAddress": to}]}
    return found | {"notificationType": "Bounce", "bounce": bounce}


def sns(said: dict[str, Any], version: str = "2") -> Call:
    """A call of SNS with these fields, signed."""
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    if said["Type"] == "Notification":
        names = [name for name in names if name not in ("SubscribeURL", "Token")]
    text = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
    kind = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = base64.b64encode(AMAZON.sign(text.encode(), padding.PKCS1v15(), kind)).decode()
    more = {"SignatureVersion": version, "Signature": signature, "SigningCertURL": CERTIFICATE_URL}
    return Call({}, json.dumps(more | said).encode())


def signed(provider: str, said: Any, at: float | None = None) -> Call:
    """The provider's call that says this, signed at that time."""
    at = time.time() if at is None else at
    body = json.dumps(said).encode()
    if provider == "sendgrid":
        signature = SENDGRID.sign(str(int(at)).encode() + body, ec.ECDSA(hashes.SHA256()))
        head = "X-Twilio-Email-Event-Webhook"
        return Call(
            {f"{head}-Timestamp": str(int(at)), f"{head}-Signature": base64.b64encode(signature).decode()}, body
        )
    if provider == "resend":
        mac = hmac.digest(base64.b64decode(SVIX), f"msg_1.{int(at)}.".encode() + body, "sha256")
        macs = " ".join(f"v1,{base64.b64encode(each).decode()}" for each in (bytes(32), mac))
        return Call({"svix-id": "msg_1", "svix-timestamp": str(int(at)), "svix-signature": macs}, body)
    if provider == "mailgun":
        token = uuid4().hex
        right = hmac.new(SECRETS["mailgun"].encode(), f"{int(at)}{token}".encode(), hashlib.sha256).hexdigest()
        shown = {"timestamp": str(int(at)), "token": token, "signature": right}
        return Call({}, json.dumps({"signature": shown, "event-data": said}).encode())
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": TOPIC,
        "Message": json.dumps(said),
        "Timestamp": stamp,
    }
    return sns(fields)


@pytest.fixture
def amazon(host: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    """The module's web with every provider's secret, and Amazon SNS within its reach."""
    web = web_of_it(host)
    found = Amazon()
    monkeypatch.setattr(web, "http", found)
    web.settings.mail_hooks.update(SECRETS)  # type: ignore[attr-defined]  # a dict, in tests
    yield found
    web.settings.mail_hooks.clear()  # type: ignore[attr-defined]


def post(host: TestClient, provider: str, call: Call) -> tuple[int, Any]:
    answer = host.post(f"/hooks/mail/{provider}", content=call.body, headers=call.headers)
    return answer.status_code, answer.json()


def sent(owner: make.Connection, to: str, **row: Any) -> tuple[Api, UUID, str]:
    """A tenant's delivery that a provider took under an id."""
    tenant, mail, slot = make.tenant(owner), uuid4().hex, make.now(owner)
    run = make.run(owner, tenant, slot_at=slot, state="succeeded")
    told_of = {"recipient": to, "state": "sent", "provider_message_id": mail, **row}
    return tenant, make.delivery(owner, tenant, run, slot, **told_of), mail  # type: ignore[return-value]


def state(owner: make.Connection, delivery: UUID) -> tuple[str, str | None]:
    row = owner.execute("select state, error from deliveries where id = %s", (delivery,)).fetchone()
    assert row
    return row[0], row[1]


def suppressed(owner: make.Connection, tenant: Any) -> list[tuple[Any, ...]]:
    return owner.execute(
        "select recipient, reason, source, delivery_id from suppressions where tenant_id = %s", (tenant,)
    ).fetchall()


@pytest.mark.parametrize("provider", NAMES)
def test_a_hard_bounce_and_a_complaint_end_what_their_recipient_gets(
    host: TestClient, owner: make.Connection, amazon: Amazon, provider: str
) -> None:
    for is_complaint, reason in ((False, "bounce"), (True, "complaint")):
        tenant, delivery, mail = sent(owner, "Ann@Example.com")
        call = signed(provider, told(provider, mail, "ann@example.com", is_complaint=is_complaint))

        assert post(host, provider, call) == (200, {"matched": 1})
        assert post(host, provider, call) == (200, {"matched": 1})
        assert state(owner, delivery)[0] == "bounced"
        assert suppressed(owner, tenant) == [("ann@example.com", reason, provider, delivery)]
        audited = owner.execute("select who, after::text from audit_log where tenant_id = %s", (tenant,)).fetchall()
        assert [who for who, _ in audited] == [f"provider:{provider}"]
        assert "ann@" not in str(audited).lower()


@pytest.mark.parametrize("provider", NAMES)
def test_a_soft_bounce_is_noted_and_no_more(
    host: TestClient, owner: make.Connection, amazon: Amazon, provider: str
) -> None:
    tenant, delivery, mail = sent(owner, "ann@example.com")
    assert post(host, provider, signed(provider, told(provider, mail, "ann@example.com", is_hard=False)))[0] == 200
    found, error = state(owner, delivery)
    assert (found, suppressed(owner, tenant)) == ("sent", [])
    assert error is not None
    assert error.startswith(provider)


@pytest.mark.parametrize("provider", NAMES)
def test_a_call_that_is_forged_altered_or_old_changes_nothing(
    host: TestClient, owner: make.Connection, amazon: Amazon, provider: str
) -> None:
    tenant, delivery, mail = sent(owner, "ann@example.com")
    good = signed(provider, told(provider, mail, "ann@example.com"))
    old = signed(provider, told(provider, mail, "ann@example.com"), time.time() - 3 * 86400)
    early = signed(provider, told(provider, mail, "ann@example.com"), time.time() + 3 * 86400)
    unsigned = Call({}, json.dumps(told(provider, mail, "ann@example.com")).encode())
    altered = Call(good.headers, good.body.replace(b"ann@", b"bob@"))
    others = [signed(other, told(provider, mail, "ann@example.com")) for other in NAMES if other != provider]
    forged = [
        old,
        early,
        unsigned,
        Call({}, b""),
        Call({}, b"[]"),
        Call({}, b"\xff{"),
        Call(good.headers, b"{}"),
        *others,
    ]
    # Mailgun signs a token and not the body: what is altered is held off by TLS alone.
    for call in forged + ([] if provider == "mailgun" else [altered]):
        assert post(host, provider, call)[0] == 403, call
    assert state(owner, delivery)[0] == "sent"
    assert suppressed(owner, tenant) == []


def test_what_is_nobodys_is_answered_and_changes_nothing(
    host: TestClient, owner: make.Connection, amazon: Amazon
) -> None:
    tenant, delivery, mail = sent(owner, "ann@example.com")
    for of_mail, to in ((mail, "bob@example.com"), ("", "ann@example.com"), ("another", "ann@example.com")):
        assert post(host, "resend", signed("resend", told("resend", of_mail, to))) == (200, {"matched": 0})
    assert post(host, "resend", signed("resend", {"type": "email.opened", "data": {}})) == (200, {"matched": 0})
    assert state(owner, delivery)[0] == "sent"
    assert suppressed(owner, tenant) == []


@pytest.mark.parametrize("provider", NAMES)
def test_a_mail_that_is_back_before_it_is_known_to_be_out_is_asked_for_again(
    host: TestClient, owner: make.Connection, amazon: Amazon, provider: str
) -> None:
    tenant, delivery, mail = sent(owner, "ann@example.com", provider_message_id=None, state="sending")
    now = make.now(owner)
    calls = [
        signed(provider, told(provider, mail, "ann@example.com", is_complaint=is_complaint, at=now))
        for is_complaint in (False, True)
    ]
    for call in calls:
        answer = host.post(f"/hooks/mail/{provider}", content=call.body, headers=call.headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    # The same call finds it later.
    out = "update deliveries set state = 'sent', provider_message_id = %s, fence = fence + 1 where id = %s"
    owner.execute(out, (mail, delivery))
    assert post(host, provider, calls[0]) == (200, {"matched": 1})
    assert state(owner, delivery)[0] == "bounced"
    assert [row[0] for row in suppressed(owner, tenant)] == ["ann@example.com"]
    # What is still unknown then is nobody's, and is not asked for for ever.
    old = told(provider, "another", "ann@example.com", at=now - timedelta(minutes=3))
    assert post(host, provider, signed(provider, old)) == (200, {"matched": 0})


def test_whoever_calls_too_often_waits_and_others_do_not(
    host: TestClient, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_of_it(host), "per_provider", Limit(2))
    good, forged = signed("resend", told("resend", "a", "b@example.com")), Call({}, b"{}")
    assert [post(host, "resend", call)[0] for call in (good, forged, good)] == [200, 403, 429]
    last = host.post("/hooks/mail/resend", content=good.body, headers=good.headers | {"X-Forwarded-For": "203.0.113.9"})
    assert (last.status_code, 1 <= int(last.headers["Retry-After"]) <= 60) == (429, True)
    elsewhere = TestClient(host.app, client=("203.0.113.9", 50000), base_url=str(host.base_url))
    assert post(elsewhere, "resend", good)[0] == 200


def test_a_provider_without_a_secret_is_shut_and_one_that_is_none_is_unknown(
    host: TestClient, owner: make.Connection
) -> None:
    assert post(host, "ses", signed("ses", {}))[0] == 404
    assert post(host, "postmark", Call({}, b"{}"))[0] == 422


def confirmation(**fields: str) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x&Token=abc"
    asked = {"Type": "SubscriptionConfirmation", "MessageId": "1", "Message": "m", "Token": "abc", "TopicArn": TOPIC}
    return asked | {"SubscribeURL": url, "Timestamp": at} | fields


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_subscription_to_our_topic_is_confirmed_at_amazon(host: TestClient, amazon: Amazon, version: str) -> None:
    assert post(host, "ses", sns(confirmation(), version))[0] == 200
    assert amazon.asked[-1].startswith("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription")


@pytest.mark.parametrize(
    "fields",
    [
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:bounces"},
        {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/a.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem"},
        {"SigningCertURL": "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem"},
        {"SigningCertURL": "https://bucket.s3.amazonaws.com/a.pem"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com:8443/a.pem"},
        {"SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"},
        {"SubscribeURL": "http://169.254.169.254/latest/meta-data"},
        {"SignatureVersion": "3"},
    ],
    ids=lambda fields: " ".join(fields.values()),
)
def test_a_call_of_sns_that_leads_elsewhere_is_refused_and_nothing_is_called(
    host: TestClient, amazon: Amazon, fields: dict[str, str]
) -> None:
    call = sns(confirmation(**fields))
    assert post(host, "ses", call)[0] == 403
    assert not [url for url in amazon.asked if url != CERTIFICATE_URL]
