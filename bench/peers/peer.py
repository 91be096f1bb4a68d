"""What each peer's file offers: how to load work for an instant, whom to start, and how to see that all is done."""

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import psycopg

from bench.stage import Processes


class Absent(RuntimeError):
    """The peer can't be measured on this machine; the text says why."""


class Loaded(NamedTuple):
    """Work that is stored and waits for its instant: what to do then (if anything), and whether all has finished."""

    at_instant: Callable[[], None]
    is_finished: Callable[[], bool]


class Place(NamedTuple):
    """The addresses of a database and of an emptied Redis, for one repetition, and a connection to the first."""

    database: str
    redis: str
    conn: psycopg.Connection[tuple[Any, ...]]


class Peer(Protocol):
    """One peer in one repetition."""

    lead_seconds: float
    """How long before the instant loading may take for 10,000."""

    def start(self, processes: Processes, place: Place, /) -> None:
        """Starts two worker processes (and what times them) and returns once they are idle."""
        ...

    def load(self, count: int, due_at: datetime, /) -> Loaded:
        """Stores `count` pieces of work that are due at `due_at`."""
        ...


def nothing() -> None:
    """The peer's own processes know when."""


def environ(name: str) -> str:
    """A variable that `start` gave the worker."""
    return os.environ[name]
