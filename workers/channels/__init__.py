"""Channels: each hands stored bytes to one recipient and returns a Receipt."""

import ipaddress
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from workers.addresses import IPNetwork
from workers.channels import mailgun, resend, sendgrid
from workers.channels.file import FileMail
from workers.channels.over_http import HttpMail, Provider
from workers.channels.receipt import Guard, LeaseLost, Mailer, Receipt
from workers.channels.ses import Ses
from workers.channels.sigv4 import Credentials
from workers.channels.smtp import Smtp
from workers.http import Client

__all__ = ["Guard", "LeaseLost", "Mailer", "Receipt", "open_mail"]

_TAKES = (
    "MAIL_URL takes smtp://user:password@host:587, smtps://user:password@host:465, ses://region, sendgrid://KEY@, "
    "mailgun://KEY@domain, resend://KEY@ or file:///folder"
)
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def open_mail(
    url: str,
    mail_from: str,
    *,
    allowed: Sequence[IPNetwork] = (),
    aws: Mapping[str, str | None] | None = None,
) -> Mailer:
    """Return the mailer that MAIL_URL names; nothing is connected yet.

    `allowed` are the ranges that TOCSIN_EGRESS_ALLOW opens, `aws` AWS's own variables by their names. Raises ValueError
    with what MAIL_URL or MAIL_FROM takes; its text never repeats the URL, which holds a password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(f"{_TAKES}; this one can't be read") from None
    if parts.scheme in ("smtp", "smtps"):
        return Smtp(url, mail_from)
    if parts.scheme == "file":
        return FileMail(url)
    if parts.scheme not in ("ses", "sendgrid", "mailgun", "resend"):
        raise ValueError(f"{_TAKES}, got the scheme {parts.scheme[:20]!r}")
    endpoint, is_near = _endpoint(parts)
    # A test's provider, or a relay on the same machine, is the operator's own word; no tenant's address comes here.
    return HttpMail(_provider(parts, endpoint, aws or {}), Client(allowed=(*allowed, *(_LOOPBACK if is_near else ()))))


def _provider(parts: SplitResult, endpoint: str, aws: Mapping[str, str | None]) -> Provider:
    key, host = unquote(parts.username or ""), parts.hostname or ""
    if parts.password or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"{_TAKES}; this one holds more than that")
    if parts.scheme == "ses":
        if key or not host:
            raise ValueError("MAIL_URL takes ses://region, such as ses://eu-west-1, and AWS's own variables beside it")
        key_id, secret = aws.get("AWS_ACCESS_KEY_ID"), aws.get("AWS_SECRET_ACCESS_KEY")
        if not key_id or not secret:
            raise ValueError("MAIL_URL with ses:// needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        return Ses(endpoint, host, Credentials(key_id, secret, aws.get("AWS_SESSION_TOKEN") or ""))
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError(
            f"MAIL_URL takes {parts.scheme}://KEY@{'domain' if parts.scheme == 'mailgun' else ''}, with the key"
        )
    if (parts.scheme == "mailgun") != bool(host):
        raise ValueError(
            "MAIL_URL takes mailgun://KEY@domain, sendgrid://KEY@ and resend://KEY@: Mailgun alone a domain"
        )
    if parts.scheme == "mailgun":
        return mailgun.Mailgun(endpoint or mailgun.ENDPOINT, key, host)
    if parts.scheme == "sendgrid":
        return sendgrid.SendGrid(endpoint or sendgrid.ENDPOINT, key)
    return resend.Resend(endpoint or resend.ENDPOINT, key)


def _endpoint(parts: SplitResult) -> tuple[str, bool]:
    """Return where the provider is called, empty for its usual place, and whether that is this very machine."""
    asked = parse_qs(parts.query, keep_blank_values=True)
    if set(asked) - {"endpoint"} or len(asked.get("endpoint", [])) > 1:
        raise ValueError(f"{_TAKES}; after the ? it takes endpoint alone")
    if not asked:
        return "", False
    endpoint = asked["endpoint"][0].rstrip("/")
    takes = "MAIL_URL takes endpoint=https://host, or http:// of this machine alone, such as http://127.0.0.1:8025"
    try:
        found = urlsplit(endpoint)
        host, _ = found.hostname or "", found.port
    except ValueError:
        raise ValueError(takes) from None
    is_near = _is_loopback(host)
    if not host or found.username or found.query or found.fragment or found.path:
        raise ValueError(takes)
    if found.scheme != "https" and not (found.scheme == "http" and is_near):
        raise ValueError(takes)
    return endpoint, is_near


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
