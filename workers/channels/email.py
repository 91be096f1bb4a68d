"""A message as the bytes of one mail: composed once, stored, and sent as stored to each of its recipients.

The same message, id and date always make the same bytes. Every copy carries the same To and Cc; a bcc recipient stands
in no header. What comes from users (subject, names of files) is cleaned of all that could start a header of its own.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.utils import getaddresses
from typing import Any
from uuid import UUID

from workers.channels import footer
from workers.outcome import Action, Attachment, Message

# One dot-atom and a host name. Source: RFC 5321 4.1.2 without quoted strings, address literals, comments and UTF-8.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})*)")
_CONTENT_TYPE = re.compile(r"([A-Za-z0-9!#$&^_.+-]+)/([A-Za-z0-9!#$&^_.+-]+)(?:; ?charset=([A-Za-z0-9_.-]+))?")
_CONTENT_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_POLICY = policy.SMTP.clone(cte_type="7bit")
MAX_SUBJECT = 250
MAX_FILENAME = 150


def mailbox(text: str) -> str:
    """Return the one plain address that the text is, its domain in lower case.

    Raises ValueError for anything else: two addresses, a display name, a comment, a line break, a non-ASCII domain.
    """
    found = _MAILBOX.fullmatch(text)
    if found is None or len(found[1]) > 64 or len(text) > 254:
        raise ValueError("takes one plain e-mail address such as ops@example.com")
    return f"{found[1]}@{found[2].lower()}"


def sender_of(mail_from: str) -> Address:
    """Return MAIL_FROM, `Name <address>` or a plain address, in its parts. Raises ValueError when it is neither."""
    found = getaddresses([mail_from])
    name, address = found[0] if len(found) == 1 else ("", "")
    try:
        return Address(display_name=one_line(name, 100), addr_spec=mailbox(address))
    except ValueError:
        raise ValueError("MAIL_FROM takes an address such as Tocsin <alerts@example.com>") from None


def message_id(run_id: UUID, index: int, domain: str) -> str:
    """Return the Message-ID of a run's message: the same at every attempt and for every recipient."""
    return f"<{run_id}.{index}@{domain}>"


def thread_id(thread: str, domain: str) -> str:
    """Return the id that every message of a thread refers to: of a mail that never was, so that none has to come first."""
    return f"<{hashlib.sha256(thread.encode(errors='replace')).hexdigest()[:32]}@{domain}>"


def compose(
    message: Message,
    *,
    sender: str,
    message_id: str,
    date: datetime,
    reply_to: str | None = None,
    links: Mapping[Action, str] | None = None,
) -> bytes:
    """Return the mail as bytes with CRLF line ends, 7-bit clean and equal for equal arguments.

    `date` is aware; `links` are the addresses behind the message's actions, which has only those. Raises ValueError when
    an address, the Message-ID, a link or a content type is malformed.
    """
    if not re.fullmatch(r"<[!-;=?A-~]+@[!-;=?A-~]+>", message_id):
        raise ValueError("a Message-ID is <left@right> in printable ASCII")
    found = {action: link for action, link in (links or {}).items() if action in message.actions}
    text, html = footer.with_links(message, found)
    mail = EmailMessage(policy=_POLICY)
    mail["Date"] = date
    mail["From"] = sender_of(sender)
    if reply_to is not None:
        mail["Reply-To"] = sender_of(reply_to)
    if message.to:
        mail["To"] = _addresses(message.to)
    if message.cc:
        mail["Cc"] = _addresses(message.cc)
    if not message.to and not message.cc:
        mail["To"] = "undisclosed-recipients:;"
    mail["Subject"] = one_line(message.subject, MAX_SUBJECT)
    mail["Auto-Submitted"] = "auto-generated"
    # Quoted-printable or base64 throughout: no line can be taken for a boundary, and no line end stands alone.
    mail.set_content(_body(text), cte="quoted-printable")
    if html:
        mail.add_alternative(_body(html), subtype="html", cte="quoted-printable")
    # First what the page shows: once a file is attached, the page is a part within a part.
    for attachment in sorted(message.attachments, key=lambda each: not each.content_id):
        (_show if attachment.content_id else _attach)(mail, attachment)
    _fix_boundaries(mail, message_id)
    return _head(message, message_id, found) + mail.as_bytes()


def _head(message: Message, message_id: str, links: Mapping[Action, str]) -> bytes:
    """Return what the library would encode or fold when it is longer than a line: then it were another id or link."""
    head = [f"Message-ID: {message_id}"]
    if message.thread:
        root = thread_id(message.thread, message_id.rpartition("@")[2].rstrip(">"))
        head += [f"References: {root}", f"In-Reply-To: {root}"]
    if "unsubscribe" in links:
        head += [f"List-Unsubscribe: <{links['unsubscribe']}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    return "".join(f"{line}\r\n" for line in head).encode("ascii")


def one_line(text: str, longest: int) -> str:
    """Return the text on one line: control, line and paragraph separators become spaces, what can't be encoded a `?`."""
    spaced = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    return " ".join(_encodable(spaced).split())[:longest].strip()


def base_name(filename: str) -> str:
    """Return the last part of a path without anything invisible, at most 150 characters, never empty."""
    last = re.split(r"[/\\]", filename)[-1]
    # Cf holds the marks that turn the reading direction, which make `exe.pdf` out of `fdp.exe`.
    seen = "".join(char for char in _encodable(last) if unicodedata.category(char) not in ("Cc", "Cf", "Zl", "Zp"))
    seen = seen.strip(" .")
    if len(seen) > MAX_FILENAME:
        stem, dot, suffix = seen.rpartition(".")
        seen = (
            f"{stem[: MAX_FILENAME - 1 - len(suffix)]}.{suffix}" if dot and len(suffix) <= 10 else seen[:MAX_FILENAME]
        )
    return seen or "attachment"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _body(text: str) -> str:
    return _encodable(text).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _addresses(texts: tuple[str, ...]) -> tuple[Address, ...]:
    return tuple(Address(addr_spec=mailbox(text)) for text in texts)


def _attach(mail: EmailMessage, attachment: Attachment) -> None:
    mail.add_attachment(
        attachment.content, filename=base_name(attachment.filename), cte="base64", **_type_of(attachment)
    )


def _show(mail: EmailMessage, attachment: Attachment) -> None:
    """Put a file beside the page, which shows it."""
    page = mail.get_body(("html",))
    if page is None:
        raise ValueError("a file with a content_id needs html that shows it")
    if not _CONTENT_ID.fullmatch(attachment.content_id):
        raise ValueError(f"{attachment.content_id[:50]!r} is no content_id: up to 100 letters, digits, dots and dashes")
    page.add_related(
        attachment.content,
        cid=f"<{attachment.content_id}>",
        filename=base_name(attachment.filename),
        disposition="inline",
        cte="base64",
        **_type_of(attachment),
    )


def _type_of(attachment: Attachment) -> dict[str, Any]:
    """Return the type of a file as a part of a mail takes it; of parameters there may be a charset."""
    found = _CONTENT_TYPE.fullmatch(attachment.content_type)
    if found is None or found[1].lower() in ("multipart", "message"):
        raise ValueError(f"{attachment.content_type[:50]!r} is no content type of a file")
    params = {"charset": found[3]} if found[3] else {}
    return {"maintype": found[1], "subtype": found[2], "params": params}


def _fix_boundaries(mail: MIMEPart, seed: str) -> None:
    """Give each multipart a boundary that follows from the seed; `=_` can't occur in either coding of a body."""
    digest = hashlib.sha256(seed.encode()).hexdigest()[:32]
    for index, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{digest}_{index}")
