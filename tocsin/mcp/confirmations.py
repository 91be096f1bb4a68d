"""Codes that confirm a change: each is good once, for a while, and for exactly the change that it was made for."""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

GOOD_FOR_SECONDS = 600
_MOST_OPEN = 100


class Unconfirmed(Exception):
    """The code confirms nothing; the message says why."""


@dataclass(frozen=True)
class Change:
    """A request that changes something, and in a person's words what it does."""

    sentence: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None

    @property
    def request(self) -> dict[str, Any]:
        """What the API would be asked."""
        return {"method": self.method, "path": self.path, "body": self.body}

    @property
    def mark(self) -> str:
        """The same for the same request alone."""
        return hashlib.sha256(json.dumps(self.request, sort_keys=True).encode()).hexdigest()


class Confirmations:
    """The codes of one server process; they end with it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, tuple[Change, float]] = {}

    def plan(self, change: Change) -> str:
        """A new code for the change; the oldest one goes where too many are open."""
        while len(self._open) >= _MOST_OPEN:
            del self._open[next(iter(self._open))]
        code = secrets.token_hex(8)
        self._open[code] = (change, self._clock() + GOOD_FOR_SECONDS)
        return code

    def planned(self, code: str) -> Change | None:
        """The change that a code is good for, which it stays; None when it is good for none."""
        change, until = self._open.get(code, (None, 0.0))
        return change if self._clock() < until else None

    def take(self, code: str, change: Change) -> None:
        """Uses the code up, for this change. Raises Unconfirmed when it is good for no change, or for another."""
        planned = self.planned(code)
        self._open.pop(code, None)
        if planned is None:
            raise Unconfirmed(
                "confirmation: this code is good no more, or never was; call without one to have a new plan"
            )
        if planned.mark != change.mark:
            raise Unconfirmed("confirmation: this code was for another change and is used up now; nothing was done")
