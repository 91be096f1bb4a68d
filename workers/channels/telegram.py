"""Telegram: a bot's `sendMessage`, in HTML, of which a text needs three signs escaped; a reply keeps a firing together.

A name after an @ would tell its owner, so a sign that joins words stands between. Source: Telegram's Bot API.
"""

import re
from dataclasses import replace
from html import escape
from typing import Annotated, Any

from pydantic import Field

from workers.channels.adapter import Account, Adapter, Endpoint, Options, as_json, by_status, secure, words
from workers.channels.over_http import Call, told
from workers.channels.post import Post, line_of, more_of, units
from workers.channels.receipt import Receipt
from workers.http import Response

ENDPOINT = "https://api.telegram.org"
MOST_UNITS = 4000
_TOKEN = re.compile(r"[0-9]{5,20}:[A-Za-z0-9_-]{20,100}")
_TAKES = "takes the token of a bot, as BotFather gives it: 123456:ABC…"


class TelegramOptions(Options):
    """Which chat the bot writes to."""

    chat_id: Annotated[
        str, Field(pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,32})$", description="-1001234567890 or @name")
    ]
    message_thread_id: Annotated[int, Field(ge=1, description="a topic of a forum")] | None = None
    endpoint: Endpoint | None = None


def address(credential: str, options: TelegramOptions) -> str:
    """Return where the bot is called; the token is a part of it. Raises ValueError when it is no token."""
    if not _TOKEN.fullmatch(credential):
        raise ValueError(_TAKES)
    return secure(f"{options.endpoint or ENDPOINT}/bot{credential}/sendMessage", _TAKES)


def request(post: Post, account: Account, root: str) -> Call:
    """Return the request; `root` is the id of the message that this one answers."""
    options = account.options
    said: dict[str, Any] = {
        "chat_id": options.chat_id,
        "text": _text(post),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    if options.message_thread_id is not None:
        said["message_thread_id"] = options.message_thread_id
    if root.isdigit():
        said["reply_parameters"] = {"message_id": int(root), "allow_sending_without_reply": True}
    return as_json(address(account.credential, options), said)


def read(answer: Response) -> Receipt:
    """Return what the status says, with the message's id, or how long Telegram wants to be left alone."""
    found = told(answer)
    result, asked = found.get("result"), found.get("parameters")
    message_id = str(result.get("message_id") or "") if isinstance(result, dict) else ""
    receipt = by_status(answer, message_id, words(answer, "description"))
    seconds = asked.get("retry_after") if isinstance(asked, dict) else None
    if receipt.state == "pending" and isinstance(seconds, int):
        return replace(receipt, retry_after=float(min(max(seconds, 0), 6 * 3600)))
    return receipt


def _text(post: Post) -> str:
    """Return the message: what it comes to once its markup is read stays below Telegram's 4,096."""
    lines, room = [], MOST_UNITS

    def put(text: str, tag: str = "") -> bool:
        nonlocal room
        plain = re.sub(r"@(?=\w)", "@\N{WORD JOINER}", text)
        room -= units(plain) + 1
        if room < 0:
            lines.append("…")
            return False
        shown = escape(plain, quote=False)
        lines.append(f"<{tag}>{shown}</{tag}>" if tag else shown)
        return True

    parts = [(post.title, "b")]
    for item in post.items:
        parts += [(line_of(item), "b"), (item.text, "")]
    parts += [(f"{name}: {value}", "") for name, value in post.facts]
    parts += [(more_of(post, len(post.items)), "")]
    for text, tag in parts:
        if text and not put(text, tag):
            break
    if post.link:
        lines.append(f'<a href="{escape(post.link)}">Open</a>')
    return "\n".join(lines)


ADAPTER = Adapter("Telegram", TelegramOptions, address, request, read)
