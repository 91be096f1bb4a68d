"""One ticker's claims in a process of its own: `python -m bench.claimer` claims all that is due once it reads a line.

It prints when it began and when it ended, on the clock that all processes of a machine share, and how much it claimed.
"""

import os
import sys
import time
from typing import Any

import psycopg

from db.pool import Database
from scheduler.ticker import LONG_AGO, tick

BATCH = 1000
# As the ticker's step: it looks below what it has claimed again after so long.
_LOW_SECONDS = 2.0


def claim_all(conn: psycopg.Connection[Any]) -> int:
    """Claims until nothing is due; returns how many schedules."""
    done, low, low_until = 0, LONG_AGO, time.monotonic() + _LOW_SECONDS
    while True:
        if time.monotonic() >= low_until:
            low, low_until = LONG_AGO, time.monotonic() + _LOW_SECONDS
        batch = tick(conn, low, BATCH, lambda _claimed: None)
        assert not batch.failed, batch.failed
        if not batch.claimed:
            return done
        low = batch.claimed[-1].next_fire_at
        done += len(batch.rings)


def main() -> None:
    with Database.at(os.environ["BENCH_DATABASE"]).connect("bench", waits_for_disk=False) as conn:
        # The first claim of a session makes its plans.
        tick(conn, LONG_AGO, 1, lambda _claimed: None)
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.monotonic()
        done = claim_all(conn)
        print(began, time.monotonic(), done, flush=True)


if __name__ == "__main__":
    main()
