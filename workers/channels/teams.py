"""Microsoft Teams: a webhook of the Workflows app, which posts an Adaptive Card. It takes no files and keeps no threads.

All text is in rich text blocks, which know no Markdown; a mention needs an entity of its own, and none is ever sent.
Source: Microsoft's references of Workflows webhooks and Adaptive Cards; a message of 28 KB at most.
"""

import re
from typing import Any

from workers.channels.adapter import Account, Adapter, Options, as_json, by_status, secure
from workers.channels.over_http import Call
from workers.channels.post import Post, cut, line_of, more_of
from workers.channels.receipt import Receipt
from workers.http import Response

MOST_SHOWN = 20
MOST_BYTES = 27_000
_TAKES = "takes the URL that the workflow shows"
_COLORS = {"firing": "attention", "resolved": "good"}


class TeamsOptions(Options):
    """Nothing: all is in the URL."""


def address(credential: str, _options: TeamsOptions) -> str:
    """Return the workflow's URL. Raises ValueError when it is none."""
    return secure(credential, _TAKES)


def request(post: Post, account: Account, _root: str) -> Call:
    """Return the request, with as many items as go into a message."""
    most = min(MOST_SHOWN, len(post.items))
    while True:
        call = as_json(address(account.credential, account.options), _message(post, most))
        if not most or len(call.body) <= MOST_BYTES:
            return call
        most -= 1


def read(answer: Response) -> Receipt:
    """Return what the status says; a workflow answers 202 and no id."""
    return by_status(answer)


def _message(post: Post, most: int) -> dict[str, Any]:
    body = [_block(post.title, 300, weight="bolder", size="large", color=_COLORS.get(post.state, "default"))]
    for item in post.items[:most]:
        body.append(_block(line_of(item), 500, weight="bolder"))
        if item.text:
            body.append(_block(item.text, 1000))
    body += [_block(f"{name}: {value}", 600) for name, value in post.facts]
    if more := more_of(post, most):
        body.append(_block(more, 100))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "msteams": {"width": "Full"},
    }
    if post.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": post.link}]
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _block(text: str, most: int, **style: str) -> dict[str, Any]:
    # A card fills in {{DATE(…)}} and ${…}, and workflows @{…}: between the two signs stands one that joins words.
    plain = re.sub(r"([{$@])(?=\{)", "\\1\N{WORD JOINER}", cut(text, most))
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": plain or " ", **style}]}


ADAPTER = Adapter("Teams", TeamsOptions, address, request, read)
