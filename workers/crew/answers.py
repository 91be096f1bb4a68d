"""What an answer is: JSON that Postgres keeps, or a failure with its reason and how the answer began. Pure."""

import json
import random
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from math import isinf
from typing import Any, NamedTuple

from workers.http import Response
from workers.kinds.http_call import retry_after

EXCERPT_BYTES = 4096
DEEPEST = 100
_LONGEST_NUMBER = 300
_LONGEST_WAIT = 3600.0
_FIRST_WAIT, _MOST_BACKED_OFF = 2.0, 300.0
# What an endpoint answers to everybody whose key, method or address is wrong.
_REFUSALS = frozenset({401, 403, 404, 405, 407})
_JITTER = 0.1
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class Answered(NamedTuple):
    """An answer as it came and as it reads."""

    text: str
    value: Any


class Failed(NamedTuple):
    """No answer that can be kept. A passing failure is tried again.

    A refusal lasts, and is the endpoint's fault where it meets all users: a wrong key, a page instead of JSON. What else
    lasts is the user's alone, and says nothing of the endpoint. `is_ours`: the endpoint has no part in it.
    `is_over`: so is what was kicked off.
    """

    why: str
    is_passing: bool = False
    excerpt: str | None = None
    wait_seconds: float | None = None
    is_refusal: bool = False
    is_ours: bool = False
    is_over: bool = False


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
        why = f"the endpoint answered {status}, and a redirect is not followed"
        return Failed(why, excerpt=excerpt, is_refusal=True)
    return Failed(f"the endpoint answered {status}", excerpt=excerpt, is_refusal=status in _REFUSALS)


def read_json(content: bytes) -> Answered | Failed:
    """The JSON of an answer, or why it can't be kept."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Failed("the answer is not UTF-8", excerpt=excerpt_of(content), is_refusal=True)
    try:
        _check_depth(text)
        twice: list[str] = []
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_number,
            parse_int=_whole,
            object_pairs_hook=partial(_object, twice),
        )
        parsed = json.dumps(value, ensure_ascii=False)
        parsed.encode()  # a lone surrogate is JSON, but no text
    except _NotKept as error:
        return Failed(str(error), excerpt=excerpt_of(content))
    except (ValueError, RecursionError):
        return Failed("the answer is not JSON", excerpt=excerpt_of(content), is_refusal=True)
    if "\\u0000" in text and _NUL.search(text):
        return Failed("the answer holds the character NUL", excerpt=excerpt_of(content))
    # Of a name that stands there twice the last counts: the first may hold what nobody checked.
    return Answered(parsed if twice else text, value)


def excerpt_of(content: bytes) -> str:
    """How an answer begins, as text that Postgres keeps."""
    return content[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")


def back_off(attempt: int) -> float:
    """Seconds before the next attempt: at random below 2 s, 4 s, 8 s … and never above five minutes."""
    return random.uniform(0, min(_MOST_BACKED_OFF, _FIRST_WAIT * 2.0 ** min(attempt, 20)))


def asked_for(seconds: float) -> float:
    """The wait that an endpoint asked for, up to a tenth longer: those who were told the same don't come back at once."""
    return seconds * random.uniform(1.0, 1.0 + _JITTER)


def _object(twice: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice.append("a name")
    return found


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


# Texts are passed over as a whole, so that what they hold is no bracket, and not letter by letter: all calls wait meanwhile.
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


def _refuse_constant(name: str) -> Any:
    raise _NotKept(f"the answer holds {name}, which is no JSON")


def _number(text: str) -> float:
    exponent = text.lower().partition("e")[2]
    if len(text) > _LONGEST_NUMBER or abs(int(exponent or 0)) > _LONGEST_NUMBER:
        raise _NotKept("the answer holds a number that is too long")
    if isinf(found := float(text)):
        raise _NotKept("the answer holds a number that is too long")
    return found


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise _NotKept("the answer holds a number that is too long")
    return int(text)


def _bounded(headers: Mapping[str, str], called_at: datetime) -> float | None:
    wait = retry_after(headers, called_at)
    return None if wait is None else min(wait, _LONGEST_WAIT)
