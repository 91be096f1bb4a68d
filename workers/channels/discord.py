"""Discord: a channel's webhook, which posts an embed. Nobody is ever mentioned, whatever the text holds.

Source: Discord's references of Execute Webhook, embeds and allowed mentions.
"""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from workers.channels.adapter import Account, Adapter, Options, as_json, by_status, secure, words
from workers.channels.over_http import Call, told
from workers.channels.post import Post, cut, line_of, more_of, units
from workers.channels.receipt import Receipt
from workers.http import Response

MOST_SHOWN = 25
_TAKES = "takes the URL of a channel's webhook"
_MARKS = frozenset("\\*_~`|>#-[]()<@")
_COLORS = {"firing": 0xC62828, "resolved": 0x2E7D32}


class DiscordOptions(Options):
    """Where in the channel."""

    thread_id: Annotated[str, Field(pattern=r"^[0-9]{5,25}$")] | None = None


def address(credential: str, options: DiscordOptions) -> str:
    """Return where the webhook is called, so that it answers with the message. Raises ValueError when it is no URL."""
    secure(credential, _TAKES)
    if urlsplit(credential).query or "#" in credential:
        raise ValueError(f"{_TAKES}, without a query")
    return f"{credential}?wait=true" + (f"&thread_id={options.thread_id}" if options.thread_id else "")


def request(post: Post, account: Account, _root: str) -> Call:
    """Return the request; title, description and footer stay below the 6,000 signs of a message."""
    told_of = post.items[:MOST_SHOWN]
    lines = []
    for item in told_of:
        lines.append(f"**{_escaped(line_of(item), 500)}**")
        if item.text:
            lines.append(_escaped(item.text, 1000))
    lines += [f"{_escaped(name, 200)}: {_escaped(value, 500)}" for name, value in post.facts]
    whole: list[str] = []
    room = 4000
    for line in lines:
        room -= units(line) + 1
        if room < 0:
            whole.append("…")
            break
        whole.append(line)
    if more := more_of(post, len(told_of)):
        whole.append(more)
    embed: dict[str, Any] = {
        "title": _escaped(post.title, 256),
        "description": "\n".join(whole),
        "timestamp": post.at.isoformat(),
    }
    if post.state in _COLORS:
        embed["color"] = _COLORS[post.state]
    if post.link:
        embed["url"] = post.link
    said = {"embeds": [embed], "allowed_mentions": {"parse": []}}
    return as_json(address(account.credential, account.options), said)


def read(answer: Response) -> Receipt:
    """Return what the status says, with the message's id."""
    return by_status(answer, str(told(answer).get("id") or ""), words(answer, "code", "message"))


def _escaped(text: str, most: int) -> str:
    return cut(text, most, lambda sign: f"\\{sign}" if sign in _MARKS else sign, units)


ADAPTER = Adapter("Discord", DiscordOptions, address, request, read)
