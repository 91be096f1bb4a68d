"""What an answer is: JSON that Postgres keeps, or a failure with its reason and how the answer began. Pure."""

import json
import random
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from workers.http import Response
from workers.kinds.http_call import retry_after

EXCERPT_BYTES = 4096
DEEPEST = 100
_LONGEST_NUMBER = 300
_LONGEST_WAIT = 3600.0
_FIRST_WAIT, _MOST_BACKED_OFF = 2.0, 300.0
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class Answered(NamedTuple):
    """An answer as it came and as it reads."""

    text: str
    value: Any


class Failed(NamedTuple):
    """No answer that can be kept. A passing failure is tried again; an outage is the endpoint's and not the user's."""

    why: str
    is_passing: bool = False
    excerpt: str | None = None
    wait_seconds: float | None = None


class Pending(NamedTuple):
    """The endpoint works on it: ask again later."""

    why: str


def read(response: Response, called_at: datetime) -> Answered | Failed:
    """What a response means: JSON of a 2xx is the answer; 408, 425, 429 and 5xx pass; all else lasts."""
    status, excerpt = response.status, excerpt_of(response.content)
    if 200 <= status < 300:
        return read_json(response.content)
    if status in (408, 425, 429) or status >= 500:
        return Failed(
            f"the endpoint answered {status}",
            is_passing=True,
            excerpt=excerpt,
            wait_seconds=_bounded(response.headers, called_at),
        )
    if 300 <= status < 400:
        return Failed(f"the endpoint answered {status}, and a redirect is not followed", excerpt=excerpt)
    return Failed(f"the endpoint answered {status}", excerpt=excerpt)


def read_json(content: bytes) -> Answered | Failed:
    """The JSON of an answer, or why it can't be kept."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Failed("the answer is not UTF-8", excerpt=excerpt_of(content))
    try:
        _check_depth(text)
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_number, parse_int=_whole)
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is JSON, but no text
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, _NotKept) else "the answer is not JSON"
        return Failed(why, excerpt=excerpt_of(content))
    if _NUL.search(text):
        return Failed("the answer holds the character NUL", excerpt=excerpt_of(content))
    return Answered(text, value)


def excerpt_of(content: bytes) -> str:
    """How an answer begins, as text that Postgres keeps."""
    return content[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")


def back_off(attempt: int) -> float:
    """Seconds before the next attempt: at random below 2 s, 4 s, 8 s … and never above five minutes."""
    return random.uniform(0, min(_MOST_BACKED_OFF, _FIRST_WAIT * 2.0 ** min(attempt, 20)))


class _NotKept(ValueError):
    """JSON that is not kept, and why."""


def _check_depth(text: str) -> None:
    """Passes JSON that is at most a hundred levels deep. Raises ValueError."""
    depth = 0
    for found in _TOKENS.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > DEEPEST:
                raise _NotKept(f"the answer is more than {DEEPEST} levels deep")
        elif mark in "]}":
            depth -= 1


# Texts are passed over as a whole, so that what they hold is no bracket.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


def _refuse_constant(name: str) -> Any:
    raise _NotKept(f"the answer holds {name}, which is no JSON")


def _number(text: str) -> float:
    exponent = text.lower().partition("e")[2]
    if len(text) > _LONGEST_NUMBER or abs(int(exponent or 0)) > _LONGEST_NUMBER:
        raise _NotKept("the answer holds a number that is too long")
    return float(text)


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise _NotKept("the answer holds a number that is too long")
    return int(text)


def _bounded(headers: Mapping[str, str], called_at: datetime) -> float | None:
    wait = retry_after(headers, called_at)
    return None if wait is None else min(wait, _LONGEST_WAIT)
