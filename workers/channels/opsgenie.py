"""Opsgenie: the Alert API. One alert by its alias, the thread: created while ours fires, closed once it is back.

There is one open alert of an alias, so what was in doubt is sent again. Source: Opsgenie's Alert API reference.
"""

import re
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field

from workers.channels.adapter import Account, Adapter, Endpoint, Options, as_json, by_status, words
from workers.channels.over_http import Call, told
from workers.channels.post import Post, cut, line_of, more_of
from workers.channels.receipt import Receipt
from workers.http import Response

ENDPOINTS = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}
_TAKES = "takes the key of an API integration"


class OpsgenieOptions(Options):
    """Where the account is, and how an alert of ours is filed."""

    region: Literal["us", "eu"] = "us"
    priority: Annotated[Literal["P1", "P2", "P3", "P4", "P5"], Field(description="of an alert that fires")] = "P3"
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=50)]], Field(max_length=20)] = Field(
        default_factory=list
    )
    endpoint: Endpoint | None = None


def address(credential: str, options: OpsgenieOptions) -> str:
    """Return where alerts are made. Raises ValueError when the credential is no key."""
    if not re.fullmatch(r"[A-Za-z0-9-]{16,100}", credential):
        raise ValueError(_TAKES)
    return f"{options.endpoint or ENDPOINTS[options.region]}/v2/alerts"


def request(post: Post, account: Account, _root: str) -> Call:
    """Return the request that creates the alert, or closes it."""
    options = account.options
    url = address(account.credential, options)
    headers = {"Authorization": f"GenieKey {account.credential}"}
    alias = post.thread[:512]
    if post.state == "resolved":
        said: dict[str, Any] = {"source": "Tocsin", "note": cut(post.title, 1000)}
        return as_json(f"{url}/{quote(alias, safe='')}/close?identifierType=alias", said, headers)
    lines = [line for item in post.items for line in (line_of(item), item.text) if line]
    said = {
        "message": cut(post.title, 130),
        "alias": alias,
        "description": cut("\n".join([*lines, more_of(post, len(post.items))]).strip(), 15_000),
        "details": {cut(name, 200): cut(value, 500) for name, value in post.facts},
        "entity": cut(post.subject, 512),
        "source": "Tocsin",
        "tags": options.tags,
        "priority": options.priority,
    }
    return as_json(url, said, headers)


def read(answer: Response) -> Receipt:
    """Return what the status says; a taken request has an id, by which its state can be asked."""
    return by_status(answer, str(told(answer).get("requestId") or ""), words(answer, "message"))


ADAPTER = Adapter("Opsgenie", OpsgenieOptions, address, request, read, is_keyed=True, is_pager=True)
