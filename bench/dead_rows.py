"""dead_rows: what a claimed row costs while another session holds a snapshot, and after a million updates that nothing
has vacuumed; 20,000 due among 200,000.

The updates are what claims do to a schedule: they leave their dead entries where a scan for what is due begins. `both`:
the session took its snapshot before them, so that no scan may forget them.
"""

import time
from contextlib import ExitStack

import psycopg

from bench.claim import CROWD, seed
from bench.claimer import BATCH, claim_all
from bench.result import Goal, Options, Result, tell
from bench.stage import Stage
from db.pool import Database

_HOURS = (-30, 1, 1, 1, 1, 26)
_MOVE = """
update schedules set next_fire_at = next_fire_at + make_interval(hours => %s::int) where name like 'later%%'
"""
_CASES = ("plain", "snapshot", "updates", "both")


def run(options: Options) -> list[Result]:
    due = options.size(20_000)
    costs: dict[str, list[float]] = {case: [] for case in _CASES}
    with Stage() as stage:
        template = seed(stage, due)
        for rep in range(options.reps):
            for case in _CASES if rep % 2 == 0 else _CASES[::-1]:
                costs[case].append(_cost(stage, template, case, due))
                tell(f"{rep + 1}/{options.reps} {case}: {costs[case][-1]:.1f} us a row")
    updates = due * (CROWD - 1) * len(_HOURS)
    plain = costs.pop("plain")
    details = {"due": due, "of": due * CROWD, "batch": BATCH, "updates": updates, "microsecondsPlain": plain}
    return [
        Result(
            f"claim.times_as_costly_{name}",
            "x",
            "lower",
            [cost / beside for cost, beside in zip(costs[case], plain, strict=True)],
            goals=[Goal(2)],
            details=details,
        )
        for case, name in (
            ("snapshot", "beside_a_snapshot"),
            ("updates", "after_updates"),
            ("both", "beside_a_snapshot_before_updates"),
        )
    ]


def _cost(stage: Stage, template: str, case: str, due: int) -> float:
    """Microseconds a row to claim all that is due."""
    url = stage.copy(template)
    with ExitStack() as held, psycopg.connect(url, autocommit=True) as conn:
        conn.execute("alter table schedules set (autovacuum_enabled = off)")
        if case in ("snapshot", "both"):
            other = held.enter_context(psycopg.connect(url))
            other.execute("set transaction isolation level repeatable read")
            other.execute("select from schedules limit 1")
        if case in ("updates", "both"):
            _update(conn)
        stage.flush()
        with Database.at(url).connect("bench", waits_for_disk=False) as ticker:
            began = time.perf_counter()
            done = claim_all(ticker)
            seconds = time.perf_counter() - began
        assert done == due, f"{done} of {due} were claimed"
    stage.drop(url)
    return seconds / due * 1e6


def _update(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    """Moves all that is due tomorrow back, ahead hour by hour, and to where it was."""
    conn.execute("set session_replication_role = replica")
    for hours in _HOURS:
        conn.execute(_MOVE, (hours,))
