"""A delivery's message as it is kept: a mail taken apart again, or what is said on a channel."""

import base64
import json
from typing import Any, NamedTuple

from workers.channels.stored import File, taken_apart


class Told(NamedTuple):
    """A message in parts; `said` is a channel's, None of a mail. `files` are those that are no part of its page."""

    subject: str
    sender: str = ""
    text: str = ""
    html: str = ""
    files: tuple[File, ...] = ()
    said: dict[str, Any] | None = None


def read(channel: str, content: bytes) -> Told | None:
    """The message of these bytes; None of what can't be read any more."""
    try:
        return _mail(content) if channel == "email" else _post(content)
    except (ValueError, LookupError, TypeError):
        return None


def _mail(content: bytes) -> Told:
    mail = taken_apart(content)
    shown = [each for each in mail.files if each.content_id]
    files = tuple(each for each in mail.files if not each.content_id)
    return Told(mail.subject, str(mail.sender), mail.text, _with_pictures(mail.html, shown), files)


def _with_pictures(html: str, pictures: list[File]) -> str:
    """The page with its own pictures in it: a frame of no origin can ask for nothing."""
    for each in pictures:
        if each.content_type.startswith("image/"):
            inline = f"data:{each.content_type};base64,{base64.b64encode(each.content).decode()}"
            html = html.replace(f"cid:{each.content_id}", inline)
    return html


def _post(content: bytes) -> Told:
    said = json.loads(content)
    if not isinstance(said, dict):
        raise TypeError("a channel's message is an object")
    return Told(str(said.get("title", "")), said=said)
