"""Channels: each hands stored bytes to one recipient and returns a Receipt."""

from urllib.parse import urlsplit

from workers.channels.file import FileMail
from workers.channels.receipt import Guard, LeaseLost, Mailer, Receipt
from workers.channels.smtp import Smtp

__all__ = ["Guard", "LeaseLost", "Mailer", "Receipt", "open_mail"]

_TAKES = "MAIL_URL takes smtp://user:password@host:587, smtps://user:password@host:465 or file:///folder"


def open_mail(url: str, mail_from: str) -> Mailer:
    """Return the mailer that MAIL_URL names; nothing is connected yet.

    Raises ValueError with what MAIL_URL or MAIL_FROM takes; its text never repeats the URL, which holds a password.
    """
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        raise ValueError(f"{_TAKES}; this one can't be read") from None
    if scheme in ("smtp", "smtps"):
        return Smtp(url, mail_from)
    if scheme == "file":
        return FileMail(url)
    raise ValueError(f"{_TAKES}, got the scheme {scheme[:20]!r}")
