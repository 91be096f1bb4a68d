"""A tenant's template, and a message in its words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from workers.outcome import Message
from workers.templating.apart import ROOM_SECONDS, WALL_SECONDS, render


class Template(NamedTuple):
    """A template's row as a run reads it; a part that is None is worded by Tocsin."""

    id: UUID
    name: str
    version: int
    subject: str | None
    text: str | None
    html: str | None

    @property
    def sources(self) -> dict[str, str]:
        """The parts that it words."""
        return sources_of(self.subject, self.text, self.html)


def sources_of(subject: str | None, text: str | None, html: str | None) -> dict[str, str]:
    """The parts that are worded, by their names."""
    parts = {"subject": subject, "text": text, "html": html}
    return {name: source for name, source in parts.items() if source is not None}


def worded(
    message: Message,
    sources: Mapping[str, str],
    context: Mapping[str, Any],
    *,
    wall_seconds: float = WALL_SECONDS,
    room_seconds: float = ROOM_SECONDS,
) -> Message:
    """Return the message in the words of a template. Raises BadPart and Ended; then it is good as it was."""
    if not sources:
        return message
    [made] = render(sources, [context], wall_seconds=wall_seconds, room_seconds=room_seconds)
    return in_words(message, made)


def in_words(message: Message, made: Mapping[str, str]) -> Message:
    """Return the message with the parts that were made; pictures that its page no longer shows stay behind."""
    new = replace(
        message,
        subject=made.get("subject", message.subject),
        text=made.get("text", message.text),
        html=made.get("html", message.html),
    )
    files = tuple(each for each in new.attachments if not each.content_id or f"cid:{each.content_id}" in new.html)
    return replace(new, attachments=files)
