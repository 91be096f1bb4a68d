"""What the statements of limits do to the model: each mirrors the file of its name."""
# ruff: noqa: ARG001  every statement is asked alike

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from proof.simulator.planning import TENANT, Answer, Params, pointer
from proof.simulator.rows import RunRow
from proof.simulator.store import Store

RETRIES = ("retry", "retry_budget")
Group = tuple[str, tuple[str, ...]]


def find_held_back_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The groups of runs held back by the same limits in the same queue, with the seconds of the first of each."""
    place = p["after_tenant"], p["after_queue"], tuple(p["after_limits"])
    firsts: dict[Group, datetime] = {}
    for run in _held_back(db):
        firsts[_group(run)] = min(run.available_at, firsts.get(_group(run), run.available_at))
    beyond = sorted(group for group in firsts if (TENANT, *group) > place)
    return [
        (TENANT, queue, list(names), (firsts[queue, names] - now).total_seconds())
        for queue, names in beyond[: p["room"]]
    ]


def wait_shortly(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: nobody waits for a limit here."""
    return [(str(p["milliseconds"]),)]


def lock_limits(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The limits; a transaction of the model is alone between this statement and its end."""
    return [
        (
            TENANT,
            name,
            each.max_running,
            each.max_per_minute,
            each.spent_until,
            None,
            each.retries_left,
            each.retries_at,
            now,
        )
        for name, each in sorted(db.limits.items())
    ]


def count_limited_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """How many runs are out, by the limits that they are under; no run of the model keeps a place while it is pending."""
    if "no_count" in db.plants:
        return []
    return [(TENANT, list(names), count, 0, None) for names, count in sorted(_out(db).items())]


def list_held_back_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Of each group those that have waited longest."""
    found: Answer = []
    for queue, literal, room in zip(p["queues"], p["limits"], p["rooms"], strict=True):
        names = tuple(word.strip('"') for word in literal.strip("{}").split(","))
        due = [run for run in _held_back(db) if _group(run) == (queue, names) and run.available_at <= now]
        due.sort(key=lambda run: (run.available_at, run.id))
        found += [
            (run.id, run.slot_at, TENANT, queue, list(names), run.available_at, run.reason in RETRIES, False)
            for run in due[:room]
        ]
    return found


def release_limited_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """These runs released; what is then out beyond a limit is noted."""
    released = []
    for id_ in sorted(p["ids"]):
        run = db.open.get(id_)
        if run is not None and run.state == "pending" and run.limited_by and run.available_at <= now:
            db.move(run, state="queued", fence=run.fence + 1, released_at=now, reason=None)
            released.append(pointer(run))
    counts = Counter[str]()
    for names, count in _out(db).items():
        counts.update(dict.fromkeys(names, count))
    for name, each in db.limits.items():
        if released and each.max_running is not None and counts[name] > each.max_running:
            text = f"{counts[name]} runs are out under {name}, which lets {each.max_running} out"
            db.when_committed.append(partial(db.exceeded.append, text))
    return released


def spend_limits(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """How far the rates are spent."""
    rates, budgets = p["spent_until"], p["retries_left"]
    for name, until, left in zip(p["names"], rates, budgets, strict=True):
        if name in db.limits:
            row = db.limits[name]
            db.touch(row)
            row.spent_until = until or row.spent_until
            if left is not None:
                row.retries_left, row.retries_at = left, now
    return [()]


def put_off_retries(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Further attempts without a budget, put off with their reason."""
    for id_, seconds in zip(p["ids"], p["seconds"], strict=True):
        run = db.open.get(id_)
        if run is not None and run.state == "pending" and run.limited_by and run.available_at <= now:
            db.move(run, reason="retry_budget", available_at=now + timedelta(seconds=seconds))
    return [()]


def _held_back(db: Store) -> list[RunRow]:
    return [run for run in db.open.values() if run.state == "pending" and run.limited_by]


def _group(run: RunRow) -> Group:
    return run.queue, run.limited_by or ()


def _out(db: Store) -> Counter[tuple[str, ...]]:
    return Counter(run.limited_by for run in db.open.values() if run.limited_by and run.released_at is not None)


STATEMENTS: Final = (
    find_held_back_runs,
    wait_shortly,
    lock_limits,
    count_limited_runs,
    list_held_back_runs,
    release_limited_runs,
    spend_limits,
    put_off_retries,
)
