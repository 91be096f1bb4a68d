"""Asks a shared source from threads of its own: says `claimed` for each that has its place, then each one's answer.

`python -m tests.workers.sources.asker DATABASE TENANT SOURCE PROCESS URL THREADS`
"""

import sys
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import UUID

from db.pool import Database
from tests.workers.sources.asking import SLOT, opened
from workers.sources import Question, SourceRefused, SourceUnavailable
from workers.sources.flight import Claim, Shared

QUESTION = Question("@", SLOT, context={"region": "north"})


class Told(Shared):
    """Tells `claimed` whenever it has taken its place, or knows who has it."""

    claimed: Callable[[], Any]

    def _claim(self, flight: Any, seconds: float) -> Claim:
        found = super()._claim(flight, seconds)
        type(self).claimed()
        return found


def main(database: str, tenant: str, source: str, process: str, url: str, threads: str) -> None:
    """Asks once from each thread."""
    lock = threading.Lock()

    def say(text: str) -> None:
        with lock:
            print(text, flush=True)  # noqa: T201 - a child that talks to its test

    Told.claimed = staticmethod(lambda: say("claimed"))
    with closing(Database.at(database).open_pool("asker", 4)) as pool, opened("http", url) as inner:
        shared = Told(inner, pool, UUID(tenant), UUID(source), UUID(process), "http", "1")

        def ask() -> None:
            try:
                say(f"answer {shared.query(QUESTION, timeout_seconds=60, row_cap=10).rows}")
            except (SourceRefused, SourceUnavailable) as error:
                say(f"error {error}")

        asking = [threading.Thread(target=ask) for _ in range(int(threads))]
        for each in asking:
            each.start()
        for each in asking:
            each.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
