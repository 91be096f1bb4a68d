"""What each type of channel is made of: what it takes, the request that it makes of a message, and how it reads the answer."""

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from workers.channels.over_http import Call, retry_after, told
from workers.channels.post import Post
from workers.channels.receipt import Receipt
from workers.http import BadUrl, Response, check_url


class Options(BaseModel):
    """What a type takes besides its credential."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Account(NamedTuple):
    """A channel, opened: its name, its credential and its options. Nothing may show the credential."""

    name: str
    credential: str
    options: Any


@dataclass(frozen=True, slots=True)
class Adapter:
    """A type of channel.

    `address` is where an account is called; raises ValueError with what the credential takes, which it never repeats.
    `request` is pure. `is_keyed`: a repeat under one thread makes no second incident, so a lost answer is no doubt.
    `is_pager`: it wakes somebody or feeds a machine that does, so it takes alerts and no reports.
    """

    name: str
    Options: type[Options]
    address: Callable[[str, Any], str]
    request: Callable[[Post, Account, str], Call]
    read: Callable[[Response], Receipt]
    is_keyed: bool = False
    is_pager: bool = False


def secure(url: str, takes: str) -> str:
    """Return a URL that a secret may be sent to: https, or http of this very machine. Raises ValueError with `takes`."""
    try:
        parts = urlsplit(check_url(url))
    except BadUrl as error:
        raise ValueError(f"{takes}: {error}") from None
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise ValueError(f"{takes}: it begins with https://")
    return url


def _endpoint(url: str) -> str:
    secure(url, "takes https://host")
    if urlsplit(url).path.strip("/") or "?" in url or "#" in url:
        raise ValueError("takes https://host without a path")
    return url.rstrip("/")


Endpoint = Annotated[
    str, Field(max_length=500, description="in place of the provider's own, as https://host"), AfterValidator(_endpoint)
]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def as_json(url: str, said: Any, headers: Mapping[str, str] | None = None) -> Call:
    """Return the request that posts this as JSON."""
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Call(url, {"Content-Type": "application/json", **(headers or {})}, body)


def by_status(answer: Response, message_id: str = "", why: str = "") -> Receipt:
    """Return what the status says: 2xx taken, too many and theirs later, 504 in doubt, all else refused for good."""
    status = answer.status
    if status // 100 == 2:
        return Receipt("sent", message_id, code=status)
    error = f"answers {status} {why}".strip()
    if status == 504:
        # Of a gateway that did not wait: whom it asked may have taken it.
        return Receipt("unknown", error=error, code=status)
    if status in (408, 423, 425, 429) or status // 100 == 5:
        return Receipt("pending", error=error, code=status, retry_after=retry_after(answer))
    return Receipt("failed", error=error, code=status)


def words(answer: Response, *names: str) -> str:
    """Return what the answer's JSON says under these names, on one line."""
    found = told(answer)
    return " ".join(" ".join(str(found[name]) for name in names if found.get(name)).split())[:300]
