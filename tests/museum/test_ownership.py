"""Who owns a run: one process, by an identity of its own; and of two who end it, one does."""

import os
import random
import socket
from collections import Counter
from contextlib import closing
from functools import partial

import pytest

from db import processes
from db.processes import Lease
from scheduler import reaper
from tests import make
from tests.museum.held import at_once, lease, queue
from tests.scheduler.ticking import Hand
from workers.finish import FINISH, End, _columns
from workers.rows import Leased


def lose(hand: Hand, process: object) -> None:
    """Lets the process's lease run out."""
    hand.conn.execute("update processes set leased_until = now() - interval '1 ms' where id = %s", (process,))


def test_processes_of_one_host_and_number_own_each_their_own(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    """oban-py#32: a lease goes by the host's name, so three processes share it and each entry fires three times."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    monkeypatch.setattr(socket, "gethostname", lambda: "pod-0")
    leases = [processes.register(hand.conn, "worker", 60.0) for _ in range(3)]
    held = [lease(hand, queue(hand, 2), each.process_id) for each in leases]
    lose(hand, leases[1].process_id)

    hand.turn()

    assert [each.extend(hand.conn) for each in leases] == [True, False, True]
    taken_back = hand.conn.execute("select id from runs where reason = 'suspect' or queue = 'suspect'").fetchall()
    assert {run for (run,) in taken_back} == {run.id for run in held[1]}


@pytest.mark.parametrize("is_back", [True, False], ids=["the same host is back", "nobody is back"])
def test_a_run_whose_owners_row_is_gone_is_taken_back(hand: Hand, is_back: bool) -> None:
    """procrastinate#1518: the worker's row is pruned before its jobs, and a pod of the same name looks alive."""
    owner = make.process(hand.conn, host="pod-0", pid=1)
    (leased,) = lease(hand, queue(hand, 1), owner)
    hand.conn.execute("delete from processes where id = %s", (owner,))
    if is_back:
        make.process(hand.conn, host="pod-0", pid=1)

    hand.turn()

    assert hand.conn.execute("select id, state, leased_by, attempt from runs").fetchall() == [
        (leased.id, "queued", None, 0)
    ]


def finish_each(hand: Hand, runs: list[Leased]) -> None:
    """Ends the runs well, a few at a time."""
    held = Lease(hand.process, 60.0)
    for start in range(0, len(runs), 40):
        ends = [End(run, held, "succeeded", "done") for run in runs[start : start + 40]]
        FINISH.all(hand.conn, process_id=hand.process, **_columns(ends))


def reap_all(hand: Hand) -> None:
    """Takes back what there is to take back, until nothing is left."""
    while reaper.reap(hand.conn):
        continue


def test_a_run_is_finished_or_taken_back_and_never_both(hand: Hand, database: str) -> None:
    """solid_queue#589: a job is both finished and failed when its process is pruned while it finishes."""
    runs = lease(hand, queue(hand, 1500))
    random.shuffle(runs)
    with closing(Hand(database)) as finisher, closing(Hand(database)) as ticker:
        # The heartbeat was late: the process is declared lost while it ends its runs.
        finisher.process = hand.process
        lose(hand, hand.process)
        reaper.lose_processes(hand.conn)
        raised = at_once(partial(finish_each, finisher, runs), partial(reap_all, ticker))

    assert raised == []
    states = Counter(
        hand.conn.execute(
            "select r.state, count(a.run_id) from runs as r "
            "left join run_attempts as a on a.run_id = r.id and a.outcome = 'expired' group by r.id, r.state"
        ).fetchall()
    )
    assert set(states) <= {("succeeded", 0), ("pending", 1)}, states
    assert sum(states.values()) == 1500
    assert hand.value("select count(*) from dead_letters") == 0


def test_reapers_and_finishers_at_once_meet_in_no_deadlock(hand: Hand, database: str) -> None:
    """airflow#32289: two clean-ups of the same zombies wait for each other."""
    runs = lease(hand, queue(hand, 1500))
    with closing(Hand(database)) as finisher:
        finisher.process = hand.process
        tickers = [Hand(database) for _ in range(3)]
        lose(hand, hand.process)
        reaper.lose_processes(hand.conn)
        try:
            # Each from another end.
            raised = at_once(
                partial(finish_each, finisher, runs[::-1]), *(partial(reap_all, ticker) for ticker in tickers)
            )
        finally:
            for ticker in tickers:
                ticker.close()

    assert raised == []
    assert hand.value("select count(*) from runs where state = 'running'") == 0
    assert hand.value("select max(n) from (select count(*) as n from run_attempts group by run_id) as c") in (None, 1)
