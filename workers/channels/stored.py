"""A stored mail taken apart again, for providers that take fields in place of the mail itself."""

from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from typing import NamedTuple

# What is a field of its own at the provider, or made by it.
_OWN = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "subject", "date", "mime-version", "content-type"}
    | {"content-transfer-encoding", "content-disposition"}
)


class File(NamedTuple):
    """A file of the mail; one with a `content_id` is shown within the page and is no attachment."""

    filename: str
    content_type: str
    content: bytes
    content_id: str


class Stored(NamedTuple):
    """The mail in parts; `headers` are those that are no field of their own, in their order."""

    sender: Address
    reply_to: Address | None
    subject: str
    text: str
    html: str
    files: tuple[File, ...]
    headers: dict[str, str]


def taken_apart(content: bytes) -> Stored:
    """Return the parts of a mail that `compose` made. Raises ValueError when it has no sender."""
    mail = BytesParser(policy=policy.default).parsebytes(content)
    if not mail["From"] or not mail["From"].addresses:
        raise ValueError("the stored mail has no sender")
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    bodies = {id(text), id(html)}
    return Stored(
        sender=mail["From"].addresses[0],
        reply_to=mail["Reply-To"].addresses[0] if mail["Reply-To"] else None,
        subject=str(mail["Subject"]),
        text=_text(text),
        html=_text(html),
        files=tuple(_file(part) for part in mail.walk() if not part.is_multipart() and id(part) not in bodies),
        headers={name: str(value) for name, value in mail.items() if name.lower() not in _OWN},
    )


def _text(part: object) -> str:
    return str(part.get_content()) if isinstance(part, EmailMessage) else ""


def _file(part: object) -> File:
    if not isinstance(part, EmailMessage):
        raise TypeError("the stored mail was read under another policy")
    content = part.get_payload(decode=True)
    cid = str(part.get("Content-ID", "")).strip("<> ")
    return File(part.get_filename(""), part.get_content_type(), content if isinstance(content, bytes) else b"", cid)
