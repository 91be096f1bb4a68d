"""Whatever goes wrong with a turn, as Unavailable or Refused. Words of the endpoint are kept short and without the key."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from workers.addresses import Forbidden, ResolveTooSlow, Unresolved
from workers.chat.endpoint import Endpoint
from workers.chat.outcome import Lasting, Refused, Unavailable
from workers.chat.transport import Cancelled
from workers.http import BadUrl, TooLarge, TooSlow, Unreachable

_LONGEST_WORDS = 300
_LONGEST_WAIT = 86_400.0
_PASSING = frozenset({408, 409, 425, 429})
_REASONS: dict[int, Lasting] = {401: "credentials", 403: "credentials", 404: "model"}
# How the protocols call what passes when they tell of it in the middle of an answer.
_PASSING_TYPES = frozenset(
    {"overloaded_error", "rate_limit_error", "api_error", "timeout_error", "server_error", "rate_limit_exceeded"}
)


class Half(Exception):
    """The answer ended before it was whole, or can't be read."""


class TooLong(Exception):
    """The answer is longer than is kept."""


def trouble(error: Exception, endpoint: Endpoint) -> Unavailable | Refused:
    """Return what an error of a turn means; one of an unknown class is an answer that can't be read."""
    for each in _chain(error):
        match each:
            case Cancelled():
                return Unavailable("cancelled", "the run was cancelled")
            case Unreachable() | Unresolved():
                return Unavailable("away", f"the model can't be reached: {each}")
            case TooSlow() | ResolveTooSlow():
                return Unavailable("slow", f"the model was too slow: {each}")
            case Forbidden() | BadUrl():
                return Refused("request", f"the model may not be called: {each}")
            case TooLarge() | TooLong():
                return Refused("long", "the model's answer is longer than is kept")
            case Half():
                return Unavailable("half", f"the model's answer is not whole: {each}")
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= 300:
        return _of_status(status, error, endpoint)
    body = getattr(error, "body", None)
    if body is not None:
        return _in_the_middle(body, endpoint)
    return Unavailable("half", f"the model's answer can't be read ({type(error).__name__})")


def _of_status(status: int, error: Any, endpoint: Endpoint) -> Unavailable | Refused:
    said = f"the model's endpoint answers {status}: {_words(error.body, endpoint)}"
    if status in _PASSING or status >= 500:
        return Unavailable("busy", said, _retry_after(error.response.headers))
    if status < 400:
        return Refused(
            "request", f"the model's endpoint answers {status}: redirects are not followed, name the address"
        )
    if "content_filter" in str(error.body)[:5_000]:
        return Refused("filtered", said)
    return Refused(_REASONS.get(status, "request"), said)


def _in_the_middle(body: object, endpoint: Endpoint) -> Unavailable | Refused:
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    words = [str(inner.get(name)) for name in ("type", "code")] if isinstance(inner, Mapping) else []
    said = f"the model's endpoint gives up: {_words(body, endpoint)}"
    if "content_filter" in words:
        return Refused("filtered", said)
    if {"invalid_request_error", "authentication_error", "permission_error"} & set(words) - _PASSING_TYPES:
        return Refused("request", said)
    return Unavailable("busy", said)


def _words(body: object, endpoint: Endpoint) -> str:
    """The reason that a body gives, on one short line."""
    found = body.get("error", body) if isinstance(body, Mapping) else body
    found = found.get("message") or found.get("detail") if isinstance(found, Mapping) else found
    line = " ".join(str(found or "no reason is given").split())
    line = re.sub(r"[\x00-\x1f\x7f]", "", line.replace(endpoint.key, "***") if endpoint.key else line)
    return line[:_LONGEST_WORDS]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "").strip()
    return min(float(text), _LONGEST_WAIT) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from: the libraries wrap what the guarded client raises."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__
