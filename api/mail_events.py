"""What mail providers tell by their webhooks: whether it is truly them, and what became of whose mail.

Each is verified as its provider documents it, and within a window: as long as the provider may repeat one call under one
signature. Pure, apart from the certificate that `fetch` gets for SNS.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import load_pem_x509_certificate

Fetch = Callable[[str], bytes]
_SNS_HOST = re.compile(r"https://sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?/[A-Za-z0-9_./?=&%:-]*")
_SHORTLY, _NINE_HOURS, _A_DAY = timedelta(minutes=10), timedelta(hours=9), timedelta(days=1)


class NotTheirs(Exception):
    """The call is not the provider's, or is too old; its text tells the operator which."""


class MailEvent(NamedTuple):
    """What became of one mail, and when, where that is told: `soft` is only noted, the others end what the recipient gets."""

    provider_message_id: str
    recipient: str
    what: Literal["bounce", "complaint", "unsubscribe", "soft"]
    note: str
    at: datetime | None = None


class Told(NamedTuple):
    """What a true call says: its events, or the address that confirms a subscription."""

    events: tuple[MailEvent, ...] = ()
    confirm_url: str = ""


def heard(provider: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime, fetch: Fetch) -> Told:
    """Return what a provider's call tells. Raises NotTheirs; what is no JSON of the documented form is not theirs."""
    try:
        match provider:
            case "sendgrid":
                _check_sendgrid(secret, headers, body, now)
                return Told(tuple(_of_sendgrid(json.loads(body))))
            case "resend":
                _check_resend(secret, headers, body, now)
                return Told(tuple(_of_resend(json.loads(body))))
            case "mailgun":
                said = json.loads(body)
                _check_mailgun(secret, said["signature"], now)
                return Told(tuple(_of_mailgun(said["event-data"])))
            case _:
                said = json.loads(body)
                _check_sns(secret, said, now, fetch)
                return _of_sns(said)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise NotTheirs("it has not the form that the provider documents") from None


def _check_sendgrid(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Source: SendGrid's Signed Event Webhook: ECDSA over the timestamp and the body."""
    at = headers.get("x-twilio-email-event-webhook-timestamp", "")
    key = serialization.load_der_public_key(base64.b64decode(secret))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotTheirs("MAIL_WEBHOOK_SECRET holds no verification key of SendGrid")
    try:
        signature = base64.b64decode(headers.get("x-twilio-email-event-webhook-signature", ""), validate=True)
        key.verify(signature, at.encode() + body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise NotTheirs("its signature is wrong") from None
    _check_age(float(at), now, _SHORTLY)


def _check_resend(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Source: Svix's verification of webhooks, which Resend's are: HMAC over id, timestamp and body."""
    at = headers.get("svix-timestamp", "")
    told = f"{headers.get('svix-id', '')}.{at}.".encode() + body
    right = base64.b64encode(hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), told, "sha256")).decode()
    given = [each.partition(",")[2] for each in headers.get("svix-signature", "").split() if each.startswith("v1,")]
    if not any(hmac.compare_digest(each.encode(), right.encode()) for each in given):
        raise NotTheirs("its signature is wrong")
    _check_age(float(at), now, _SHORTLY)


def _check_mailgun(secret: str, said: Mapping[str, Any], now: datetime) -> None:
    """Source: Mailgun's Securing Webhooks: HMAC over timestamp and token; the rest of the body is under TLS alone."""
    right = hmac.new(secret.encode(), f"{said['timestamp']}{said['token']}".encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(str(said["signature"]).encode(), right.encode()):
        raise NotTheirs("its signature is wrong")
    _check_age(float(said["timestamp"]), now, _NINE_HOURS)


def _check_sns(topic: str, said: Mapping[str, Any], now: datetime, fetch: Fetch) -> None:
    """Source: Amazon's Verifying the signatures of SNS messages: RSA over the named fields, by a certificate of AWS's."""
    if said["TopicArn"] != topic:
        raise NotTheirs("its topic is another one than MAIL_WEBHOOK_SECRET names")
    url = said["SigningCertURL"]
    if not _SNS_HOST.fullmatch(url) or not url.endswith(".pem"):
        raise NotTheirs("its certificate does not lie at Amazon SNS")
    kinds = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303  version 1 is what topics have unless told otherwise
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    if said["Type"] == "Notification":
        names = [name for name in names if name not in ("SubscribeURL", "Token")]
    else:
        names.remove("Subject")
    told = "".join(f"{name}\n{said[name]}\n" for name in names if said.get(name) is not None)
    key = load_pem_x509_certificate(fetch(url)).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise NotTheirs("its certificate has no RSA key")
    try:
        signature = base64.b64decode(said["Signature"], validate=True)
        key.verify(signature, told.encode(), padding.PKCS1v15(), kinds[str(said["SignatureVersion"])])
    except (InvalidSignature, binascii.Error):
        raise NotTheirs("its signature is wrong") from None
    _check_age(datetime.fromisoformat(said["Timestamp"]).timestamp(), now, _A_DAY)


def _check_age(at: float, now: datetime, window: timedelta) -> None:
    if not abs(now.timestamp() - at) <= window.total_seconds():
        raise NotTheirs(f"it is more than {window} from now")


def _when(told: Any) -> datetime | None:
    """The instant of seconds since 1970, or of a text; None where it is neither."""
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else datetime.fromtimestamp(float(told), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _of_sendgrid(said: list[Mapping[str, Any]]) -> Iterator[MailEvent]:
    for each in said:
        # Its webhooks add a filter's name to the id that it answered.
        found = str(each.get("sg_message_id", "")).partition(".")[0], str(each.get("email", ""))
        noted = str(each.get("reason") or each.get("response") or ""), _when(each.get("timestamp"))
        reason = noted[0]
        match each.get("event"):
            case "bounce":
                yield MailEvent(*found, "soft" if each.get("type") == "blocked" else "bounce", *noted)
            case "dropped" if re.search("bounce|invalid", reason, re.IGNORECASE):
                yield MailEvent(*found, "bounce", *noted)
            case "dropped" | "spamreport" if each["event"] == "spamreport" or "spam report" in reason.lower():
                yield MailEvent(*found, "complaint", *noted)
            case "unsubscribe" | "group_unsubscribe":
                yield MailEvent(*found, "unsubscribe", *noted)
            case "deferred":
                yield MailEvent(*found, "soft", *noted)


def _of_resend(said: Mapping[str, Any]) -> Iterator[MailEvent]:
    data = said["data"]
    bounce = data.get("bounce") or {}
    whats: dict[str, Literal["bounce", "complaint", "soft"]] = {
        "email.bounced": "bounce" if bounce.get("type", "Permanent") == "Permanent" else "soft",
        "email.complained": "complaint",
        "email.delivery_delayed": "soft",
    }
    if said["type"] in whats:
        for recipient in data["to"]:
            found = str(data["email_id"]), str(recipient)
            yield MailEvent(*found, whats[said["type"]], str(bounce.get("message", "")), _when(said.get("created_at")))


def _of_mailgun(said: Mapping[str, Any]) -> Iterator[MailEvent]:
    status = said.get("delivery-status") or {}
    whats: dict[str, Literal["bounce", "complaint", "unsubscribe", "soft"]] = {
        "failed": "bounce" if said.get("severity") == "permanent" else "soft",
        "complained": "complaint",
        "unsubscribed": "unsubscribe",
    }
    if said["event"] in whats:
        found = str(said["message"]["headers"]["message-id"]).strip("<> ")
        note = str(status.get("message") or status.get("description") or said.get("reason") or "")
        yield MailEvent(found, str(said["recipient"]), whats[said["event"]], note, _when(said.get("timestamp")))


def _of_sns(said: Mapping[str, Any]) -> Told:
    if said["Type"] == "SubscriptionConfirmation":
        if not _SNS_HOST.fullmatch(said["SubscribeURL"]):
            raise NotTheirs("what confirms the subscription does not lie at Amazon SNS")
        return Told(confirm_url=said["SubscribeURL"])
    if said["Type"] != "Notification":
        return Told()
    return Told(tuple(_of_ses(json.loads(said["Message"]))))


def _of_ses(said: Mapping[str, Any]) -> Iterator[MailEvent]:
    what = said.get("notificationType") or said.get("eventType")
    found = str((said.get("mail") or {}).get("messageId", ""))
    if what == "Bounce":
        is_soft = said["bounce"]["bounceType"] != "Permanent"
        for each in said["bounce"]["bouncedRecipients"]:
            note = str(each.get("diagnosticCode") or said["bounce"].get("bounceSubType") or "")
            at = _when(said["bounce"].get("timestamp"))
            yield MailEvent(found, str(each["emailAddress"]), "soft" if is_soft else "bounce", note, at)
    elif what == "Complaint":
        note = str(said["complaint"].get("complaintFeedbackType") or "")
        for each in said["complaint"]["complainedRecipients"]:
            at = _when(said["complaint"].get("timestamp"))
            yield MailEvent(found, str(each["emailAddress"]), "complaint", note, at)
