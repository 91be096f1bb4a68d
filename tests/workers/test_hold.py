"""Works leased before their instant begin at it, together, and never before; a drain gives them back."""

import queue
import time
from typing import Any, cast
from uuid import uuid4

from db.processes import Lease
from workers.hold import Hold, Works
from workers.kinds.http_call import KIND
from workers.lease import Work


class Early:
    """A work of which only its instant is asked."""

    def __init__(self, begin_at: float) -> None:
        self.begin_at = begin_at


def early(begin_at: float) -> tuple[Work, bool]:
    return cast("Work", Early(begin_at)), False


def holding() -> tuple[Hold, "queue.Queue[tuple[Works, int, float, bool]]"]:
    taken: queue.Queue[Any] = queue.Queue()
    hold = Hold(lambda works, granted, goes_first: taken.put((works, granted, time.monotonic(), goes_first)))
    hold.start()
    return hold, taken


def test_what_may_begin_is_not_kept() -> None:
    hold, taken = holding()
    works = [early(0.0), early(time.monotonic())]

    assert hold.keep(works) == works
    assert hold.close() == []
    assert taken.empty()


def test_a_herd_begins_together_at_its_instant_in_the_room_granted_for_it() -> None:
    hold, taken = holding()
    soon = time.monotonic() + 0.05
    herd = [early(soon) for _ in range(3)]

    assert hold.keep([*herd, due := early(0.0)]) == [due]
    works, granted, at, _ = taken.get(timeout=5)
    assert (works, granted) == (herd, 3)
    assert at >= soon
    hold.close()


def test_the_earlier_instant_comes_first_whenever_it_was_kept() -> None:
    hold, taken = holding()
    now = time.monotonic()
    late, soon = early(now + 0.1), early(now + 0.05)
    hold.keep([late])
    hold.keep([soon])

    assert [taken.get(timeout=5)[0] for _ in range(2)] == [[soon], [late]]
    hold.close()


def test_of_one_instant_what_goes_first_is_handed_over_first() -> None:
    hold, taken = holding()
    soon = time.monotonic() + 0.05
    crowd, first = early(soon), early(soon)
    hold.keep([crowd])
    hold.keep([first], goes_first=True)

    assert [(each[0], each[3]) for each in (taken.get(timeout=5), taken.get(timeout=5))] == [
        ([first], True),
        ([crowd], False),
    ]
    hold.close()


def test_a_drain_gets_back_what_did_not_begin_and_nothing_is_kept_after() -> None:
    hold, taken = holding()
    never = early(time.monotonic() + 3600)
    hold.keep([never])

    assert hold.close() == [never[0]]
    assert hold.keep([never]) == [never]
    assert taken.empty()


def test_a_work_that_no_hold_keeps_says_how_early_it_is() -> None:
    lease = Lease(uuid4(), 60.0)

    assert Work(cast("Any", None), lease, KIND).seconds_early() == 0.0
    assert Work(cast("Any", None), lease, KIND, begin_at=time.monotonic() - 1).seconds_early() == 0.0
    assert 59 < Work(cast("Any", None), lease, KIND, begin_at=time.monotonic() + 60).seconds_early() <= 60
