"""The look: how long a run must have been queued before a worker takes it for one that nobody brings."""

import threading
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from workers import look
from workers.look import Look
from workers.runner import Runner


class Asked:
    """In place of the statement: what it was asked with."""

    def __init__(self) -> None:
        self.ages: list[float] = []

    def all(self, _conn: object, *, age: float, **_: Any) -> list[object]:
        self.ages.append(age)
        return []


@pytest.mark.parametrize(("busy", "age"), [(0, 0.5), (1, 0.5), (2, 2.0)])
def test_where_a_thread_is_idle_a_queued_run_was_lost_sooner(
    monkeypatch: pytest.MonkeyPatch, busy: int, age: float
) -> None:
    asked = Asked()
    monkeypatch.setattr(look, "FIND_RUNS", asked)
    over = threading.Event()

    def work(_: str) -> None:
        over.wait(20)

    async def never(_: str) -> None:
        raise AssertionError

    runner: Runner[str] = Runner(2, work, never)
    runner.start()
    runner.take([(f"work-{number}", False) for number in range(busy)])
    pool = SimpleNamespace(connection=lambda: nullcontext(None))
    leaser = SimpleNamespace(lease=lambda pointers: pointers)
    looking = Look(
        cast(Any, pool),
        cast(Any, None),
        cast(Any, leaser),
        cast(Any, None),
        cast(Any, runner),
        cast(Any, None),
        (),
        cast(Any, None),
        cast(Any, None),
    )

    looking._look_for_runs()
    over.set()
    runner.close()

    assert asked.ages == [age]
    assert runner.wait_until_idle(20)
