"""One ticker's claims in a process of its own: `python -m bench.claimer` claims all that is due once it reads a line.

It prints when it began and when it ended, on the clock that all processes of a machine share, and how much it claimed.
"""

import os
import sys
import time
from typing import Any

import psycopg

from db.pool import Database
from scheduler.frontier import LONG_AGO, Frontier
from scheduler.ticker import tick

BATCH = 1000


def claim_all(conn: psycopg.Connection[Any]) -> int:
    """Claims until nothing is due; returns how many schedules."""
    done, frontier = 0, Frontier()
    while True:
        frontier.open()
        batch = tick(conn, frontier.at, BATCH, lambda _claimed: None, low_id=frontier.id)
        assert not batch.failed, batch.failed
        if not batch.claimed:
            return done
        frontier.close((batch.claimed[-1].next_fire_at, batch.claimed[-1].id))
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
