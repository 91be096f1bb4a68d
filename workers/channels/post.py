"""A channel's message as it is stored: rendered once, in no markup, so that every attempt says the same.

What comes from users and from data is text here. Each channel escapes it for its own markup and cuts it to its own limits.
"""

import json
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from workers.outcome import ChannelMessage, Item

LONGEST_TITLE = 300
LONGEST_TEXT = 2000
MOST_ITEMS = 50
MOST_FACTS = 10
_BREAKS = "\n\t"


class Post(NamedTuple):
    """A stored message. `at` is the slot that it tells of, `home` the installation's address, empty where none is set."""

    title: str
    subject: str
    items: tuple[Item, ...]
    state: str
    severity: str
    thread: str
    facts: tuple[tuple[str, str], ...]
    link: str
    left_out: int
    at: datetime
    home: str


def written(message: ChannelMessage, at: datetime, home: str) -> bytes:
    """Return the bytes that are stored: JSON, equal for equal arguments."""
    items = message.items[:MOST_ITEMS]
    said = {
        "title": shown(message.title, LONGEST_TITLE),
        "subject": shown(message.subject, LONGEST_TITLE),
        "items": [_item(each) for each in items],
        "state": message.state,
        "severity": message.severity,
        "thread": message.thread,
        "facts": [[shown(name, 200), shown(value, 500)] for name, value in message.facts[:MOST_FACTS]],
        "link": message.link,
        "leftOut": message.left_out + len(message.items) - len(items),
        "at": _instant(at),
        "home": home,
    }
    return json.dumps(said, separators=(",", ":")).encode()


def thread_mark(thread: str) -> bytes:
    """Return the bytes that a stored message has if it is of this thread, and no other one: quotes in texts are escaped."""
    return b'"thread":' + json.dumps(thread).encode()


RESOLVED_MARK = b'"state":"resolved"'


def read(content: bytes) -> Post:
    """Return the message that `written` stored. Raises ValueError when it is none."""
    try:
        said = json.loads(content)
        return Post(
            title=said["title"],
            subject=said["subject"],
            items=tuple(_item_of(each) for each in said["items"]),
            state=said["state"],
            severity=said["severity"],
            thread=said["thread"],
            facts=tuple((name, value) for name, value in said["facts"]),
            link=said["link"],
            left_out=said["leftOut"],
            at=datetime.fromisoformat(said["at"]),
            home=said["home"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError("this is no message of a channel") from error


def shown(text: str, longest: int) -> str:
    """Return the text without what no screen shows or what turns others round, at most so long."""
    seen = (sign if sign in _BREAKS or unicodedata.category(sign) not in _UNSEEN else " " for sign in text)
    return cut("".join(seen).encode("utf-8", "replace").decode().strip(), longest)


# Controls, marks that turn the reading direction, and separators of lines and paragraphs.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _same(sign: str) -> str:
    return sign


def cut(text: str, most: int, escape: Callable[[str], str] = _same, size: Callable[[str], int] = len) -> str:
    """Return the text, each sign escaped, in at most `most` as `size` counts; what is cut ends with an ellipsis.

    An escape is never cut in two.
    """
    parts = [escape(sign) for sign in text]
    if sum(map(size, parts)) <= most:
        return "".join(parts)
    kept, room = [], most - size("…")
    for part in parts:
        room -= size(part)
        if room < 0:
            break
        kept.append(part)
    return "".join(kept).rstrip() + "…"


def units(text: str) -> int:
    """Return the length in UTF-16, as Discord and Telegram count."""
    return sum(2 if ord(sign) > 0xFFFF else 1 for sign in text)


def line_of(item: Item) -> str:
    """Return an item's headline as one line: its name, what is the matter, the figure."""
    head = f"{item.name}: {item.headline}" if item.name and item.headline else item.name or item.headline
    return f"{head}: {item.value}" if head and item.value else head or item.value


def more_of(post: Post, told: int) -> str:
    """Return what says how many items are not told; empty where all are."""
    left = post.left_out + len(post.items) - told
    return f"and {left} more" if left > 0 else ""


def _item(item: Item) -> dict[str, Any]:
    return {
        "name": shown(item.name, LONGEST_TITLE),
        "headline": shown(item.headline, LONGEST_TITLE),
        "text": shown(item.text, LONGEST_TEXT),
        "value": shown(item.value, 200),
        "isOpen": item.is_open,
        "since": None if item.since is None else _instant(item.since),
        "until": None if item.until is None else _instant(item.until),
    }


def _item_of(said: dict[str, Any]) -> Item:
    since, until = (None if said[each] is None else datetime.fromisoformat(said[each]) for each in ("since", "until"))
    return Item(said["name"], said["headline"], said["text"], said["value"], said["isOpen"], since, until)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
