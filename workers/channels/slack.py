"""Slack: an incoming webhook, or `chat.postMessage` with a bot's token, which also keeps an alert's messages in a thread.

Source: Slack's references of incoming webhooks, chat.postMessage, Block Kit and formatting: `&`, `<` and `>` are all that
its text gives a meaning to, so a mention such as `<!channel>` can't come from data; parsing of bare names is off.
"""

import re
from typing import Annotated, Any

from pydantic import Field

from workers.channels.adapter import Account, Adapter, Endpoint, Options, as_json, by_status, secure
from workers.channels.over_http import Call, retry_after, told
from workers.channels.post import Post, cut, line_of, more_of
from workers.channels.receipt import Receipt
from workers.http import Response

ENDPOINT = "https://slack.com"
MOST_SHOWN = 20
_TOKEN = re.compile(r"xox[a-z]-[A-Za-z0-9-]{10,500}")
_TAKES = "takes the URL of an incoming webhook, or a bot's token xoxb-… with options.channel"
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_PASSING = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}


class SlackOptions(Options):
    """Where a bot posts."""

    channel: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_#-]{1,80}$", description="where a bot's token posts: C0123456789")
    ] = ""
    endpoint: Endpoint | None = None


def address(credential: str, options: SlackOptions) -> str:
    """Return where Slack is called. Raises ValueError when the credential is neither a webhook's URL nor a token."""
    if _TOKEN.fullmatch(credential):
        if not options.channel:
            raise ValueError(_TAKES)
        return f"{options.endpoint or ENDPOINT}/api/chat.postMessage"
    if not credential.startswith("http"):
        raise ValueError(_TAKES)
    return secure(credential, _TAKES)


def request(post: Post, account: Account, root: str) -> Call:
    """Return the request; `root` is the time stamp of the thread's first message."""
    said: dict[str, Any] = {"text": escaped(post.title, 3000), "blocks": _blocks(post)}
    url = address(account.credential, account.options)
    if url == account.credential:
        return as_json(url, said)
    said |= {"channel": account.options.channel, "parse": "none", "link_names": False, "unfurl_links": False}
    if root:
        said["thread_ts"] = root
    return as_json(url, said, {"Authorization": f"Bearer {account.credential}"})


def read(answer: Response) -> Receipt:
    """Return what became of it: of a token's call the JSON decides, of a webhook's the status."""
    found = told(answer)
    if answer.status == 200 and "ok" in found:
        if found["ok"] is True:
            return Receipt("sent", str(found.get("ts") or ""), code=200)
        error = _word(str(found.get("error") or ""))
        state = "pending" if error in _PASSING else "failed"
        return Receipt(state, error=f"answers {error}", code=200, retry_after=retry_after(answer))  # type: ignore[arg-type]
    return by_status(answer, why=_word(answer.content[:100].decode("ascii", "replace")))


def escaped(text: str, most: int) -> str:
    """Return the text as Slack shows it, at most so long as it is sent."""
    return cut(text, most, lambda sign: _ESCAPES.get(sign, sign))


def _blocks(post: Post) -> list[dict[str, Any]]:
    told_of = post.items[:MOST_SHOWN]
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(post.title, 150)}]
    for item in told_of:
        text = "\n".join(filter(None, (line_of(item), item.text)))
        if text:
            blocks.append({"type": "section", "text": _plain(text, 3000)})
    if post.facts:
        fields = [_plain(f"{name}: {value}", 2000) for name, value in post.facts[:10]]
        blocks.append({"type": "section", "fields": fields})
    if more := more_of(post, len(told_of)):
        blocks.append({"type": "context", "elements": [_plain(more, 300)]})
    if post.link:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"<{_link(post.link)}|Open>"}})
    return blocks


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": escaped(text, most), "emoji": False}


def _link(url: str) -> str:
    return url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _word(text: str) -> str:
    """Return Slack's one word for what is wrong; nothing of an answer that is a page."""
    return text.strip() if re.fullmatch(r"[a-z0-9_]{1,60}", text.strip()) else ""


ADAPTER = Adapter("Slack", SlackOptions, address, request, read)
