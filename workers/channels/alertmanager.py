"""Any receiver of Alertmanager's webhooks, version 4: one group an alert, one alert in it a segment.

A segment's labels are the same from its firing to its end, and so is its fingerprint, which is counted from them as
Prometheus does. Source: Alertmanager's documentation of `webhook_config`.
"""

import base64
import re
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import Field

from workers.channels.adapter import Account, Adapter, Options, as_json, by_status, secure
from workers.channels.over_http import Call
from workers.channels.post import Post, line_of
from workers.channels.receipt import Receipt
from workers.http import BadUrl, Response, check_url
from workers.outcome import Item

_TAKES = "takes the URL of the receiver"
# What RFC 3986 lets stand before a host.
_SHOWN = r"[A-Za-z0-9._~!$&'()*+,;=:%-]+"
_NEVER = "0001-01-01T00:00:00Z"
_LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$"


class AlertmanagerOptions(Options):
    """Labels that each alert carries beside its own, such as a severity or a team."""

    labels: Annotated[
        dict[Annotated[str, Field(pattern=_LABEL)], Annotated[str, Field(max_length=200)]], Field(max_length=20)
    ] = Field(default_factory=dict)


def address(credential: str, _options: AlertmanagerOptions) -> str:
    """Return the receiver's URL, without what it is shown. Raises ValueError when it is none."""
    return _taken_apart(credential)[0]


def _taken_apart(credential: str) -> tuple[str, str]:
    """The URL to call, and what is shown as Authorization: `user:password@` as Basic, `token@` alone as Bearer."""
    scheme, _, rest = credential.partition("://")
    shown, sign, _ = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")
    if not sign:
        return _checked(credential), ""
    url = secure(_checked(f"{scheme}://{rest[len(shown) + 1 :]}"), f"{_TAKES} with a password or a token")
    if not re.fullmatch(_SHOWN, shown):
        raise ValueError(f"{_TAKES}, with user:password@ or token@ before its host, percent-encoded")
    name, colon, password = shown.partition(":")
    if not colon:
        token = unquote(name)
        if not re.fullmatch("[!-~]+", token):
            raise ValueError(f"{_TAKES}; its token is made of plain characters")
        return url, f"Bearer {token}"
    pair = f"{unquote(name)}:{unquote(password)}".encode()
    return url, f"Basic {base64.b64encode(pair).decode()}"


def _checked(url: str) -> str:
    try:
        return check_url(url)
    except BadUrl as error:
        raise ValueError(f"{_TAKES}: {error}") from None


def request(post: Post, account: Account, _root: str) -> Call:
    """Return the request."""
    own = {**account.options.labels, "alertname": post.subject, "alert_id": post.thread}
    alerts = [_alert(post, item, own) for item in post.items]
    said = {
        "version": "4",
        "groupKey": f"{{}}:{{alert_id={_quoted(post.thread)}, alertname={_quoted(post.subject)}}}",
        "truncatedAlerts": post.left_out,
        "status": "resolved" if post.state == "resolved" else "firing",
        "receiver": account.name,
        "groupLabels": {"alertname": post.subject, "alert_id": post.thread},
        "commonLabels": _common([each["labels"] for each in alerts]),
        "commonAnnotations": _common([each["annotations"] for each in alerts]),
        "externalURL": post.home,
        "alerts": alerts,
    }
    url, shown = _taken_apart(account.credential)
    return as_json(url, said, {"Authorization": shown} if shown else None)


def read(answer: Response) -> Receipt:
    """Return what the status says; of what the receiver answers nothing is kept."""
    return by_status(answer)


def fingerprint(labels: dict[str, str]) -> str:
    """Return the labels' hash as Prometheus counts it: FNV-1a of 64 bits over the sorted names and values."""
    found = 14695981039346656037
    for name in sorted(labels):
        for part in (name, labels[name]):
            for byte in (*part.encode(), 255):
                found = ((found ^ byte) * 1099511628211) % 2**64
    return f"{found:016x}"


def _alert(post: Post, item: Item, own: dict[str, str]) -> dict[str, Any]:
    labels = own | ({"segment": item.name} if item.name else {})
    notes = {"summary": line_of(item), "description": item.text, "value": item.value, "severity": post.severity}
    return {
        "status": "firing" if item.is_open else "resolved",
        "labels": labels,
        "annotations": {name: value for name, value in notes.items() if value},
        "startsAt": _instant(item.since or post.at),
        "endsAt": _NEVER if item.is_open else _instant(item.until or post.at),
        "generatorURL": post.link or post.home,
        "fingerprint": fingerprint(labels),
    }


def _common(each: list[dict[str, str]]) -> dict[str, str]:
    if not each:
        return {}
    return {name: value for name, value in each[0].items() if all(one.get(name) == value for one in each)}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


ADAPTER = Adapter("the receiver", AlertmanagerOptions, address, request, read, is_pager=True)
