"""Limits at release: no more is out than they say, however many tickers let runs out, and nobody waits for another."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.ids import id_at
from db.jsonb import Jsonb
from db.query import Query
from db.runs import Pointer, cancel
from scheduler import retries, schedules
from scheduler.asked import run_now
from scheduler.limits import FIND, Door
from scheduler.rooms import HeldBack, Key, Limit, Room, choose, put_off
from tests import make
from tests.scheduler.test_ticker_gates import fire_again, holder
from tests.scheduler.ticking import Hand

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, OTHER = UUID(int=1), UUID(int=2)
MANY = 1000
KEEP = Query("keep_kickoff")
GIVE_BACK = Query("release_runs")
API, SHOP = "host:api.example.com", "host:shop.example.com"


def limit(
    max_running: int | None = None, max_per_minute: int | None = None, *, spent_until: datetime | None = None
) -> Limit:
    return Limit(ONE, "tenant", max_running, max_per_minute, spent_until, None, None, None, NOW)


def held_back(*names: str, tenant: UUID = ONE, queue: str = "default", seconds: int = 0) -> HeldBack:
    since = NOW - timedelta(seconds=seconds)
    return HeldBack(id_at(since), since, tenant, queue, list(names), since)


def rooms_of(**places: int) -> dict[Key, Room]:
    return {(ONE, name): Room.of(limit(most), 0) for name, most in places.items()}


def test_places_are_what_is_left_beside_what_is_out() -> None:
    assert [Room.of(limit(3), running).left() for running in (0, 2, 3, 7)] == [3, 1, 0, 0]
    assert Room.of(limit(0), 0).left() == 0


def test_a_rate_is_spent_evenly_and_never_more_than_a_second_of_it_at_once() -> None:
    assert Room.of(limit(None, 600), 0).left() == 10  # never asked before: a second's worth
    assert Room.of(limit(None, 6), 0).left() == 1  # one each ten seconds
    spent = Room.of(limit(None, 600, spent_until=NOW - timedelta(seconds=0.35)), 0)
    assert spent.left() == 3
    for _ in range(3):
        spent.take()
    assert spent.left() == 0
    assert 0 < spent.seconds() <= 0.1


@given(
    per_minute=st.integers(1, 5000),
    steps=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=60),
)
def test_no_minute_has_more_than_its_rate_and_a_second_of_it(per_minute: int, steps: list[float]) -> None:
    at, spent_until = NOW, None
    released: list[tuple[datetime, int]] = []
    for step in steps:
        at += timedelta(seconds=step)
        room = Room.of(limit(None, per_minute, spent_until=spent_until)._replace(now=at), 0)
        count = int(room.left())
        for _ in range(count):
            room.take()
        released.append((at, count))
        spent_until = room.spent_until
    for start, _ in released:
        within = sum(count for when, count in released if start <= when < start + timedelta(minutes=1))
        assert within <= per_minute + max(1, per_minute / 60)


def test_alerts_go_before_reports_and_who_waited_longest_before_the_others() -> None:
    old, new = held_back("tenant", seconds=9), held_back("tenant", seconds=1)
    report, alert = held_back("tenant", queue="reports"), held_back("tenant", queue="alerts")
    suspect = held_back("tenant", queue="suspect")
    assert choose([new, report, old, alert, suspect], rooms_of(tenant=9), MANY) == [suspect, alert, report, old, new]
    assert choose([new, report, old, alert], rooms_of(tenant=2), MANY) == [alert, report]
    assert choose([new, report, old, alert], rooms_of(tenant=9), 1) == [alert]


def test_who_is_blocked_by_one_limit_takes_no_room_of_another() -> None:
    blocked, free = held_back("tenant", "a", seconds=5), held_back("tenant", "b")
    assert choose([blocked, free], rooms_of(tenant=1, a=0, b=1), MANY) == [free]


def test_a_limit_that_is_gone_blocks_nobody_and_one_of_another_tenant_neither() -> None:
    run = held_back("gone", "a")
    assert choose([run], {(OTHER, "a"): Room.of(limit(0), 0)}, MANY) == [run]


def endpoint_room(left: float | None = None) -> Room:
    """The room of an endpoint of which so many further attempts may ask."""
    return Room.of(Limit(ONE, "endpoint:it", None, None, None, None, left, NOW, NOW), 0)


def test_first_attempts_pay_for_a_fifth_of_as_many_further_ones() -> None:
    retry, first = held_back("e", seconds=9)._replace(is_retry=True), held_back("e")
    rooms = {(ONE, "e"): endpoint_room(0.0)}
    runs = [retry, *(held_back("e", seconds=5) for _ in range(4)), first]
    assert retry not in choose(runs, rooms, MANY)
    assert rooms[ONE, "e"].budget == pytest.approx(1.0)
    assert choose([retry], rooms, MANY) == [retry]
    assert rooms[ONE, "e"].budget == pytest.approx(0.0)


def test_who_waits_for_the_budget_is_put_off_one_after_the_other_and_nobody_else_is() -> None:
    waiting = [held_back("e", seconds=5)._replace(is_retry=True) for _ in range(13)]
    first = held_back("e")
    rooms = {(ONE, "e"): endpoint_room()}
    chosen = choose([*waiting, first], rooms, MANY)
    assert (len(chosen), first in chosen) == (11, True)
    off = put_off([*waiting, first], chosen, rooms)
    assert sorted(seconds for _, seconds in off) == [6.0, 12.0, 18.0]
    assert all(run.is_retry for run, _ in off)
    assert retries.wait_seconds(500) == 60


def test_a_limit_that_is_no_endpoints_has_no_budget() -> None:
    retry = held_back("tenant")._replace(is_retry=True)
    assert Room.of(limit(3), 0).budget is None
    assert choose([retry] * 3, rooms_of(tenant=3), MANY) == [retry] * 3


def test_who_keeps_a_place_goes_before_those_who_waited_longer_and_leaves_their_places_alone() -> None:
    keeps = held_back("e", seconds=1)._replace(keeps_place=True)
    fresh = [held_back("e", seconds=each) for each in (9, 8, 7)]
    bounded = Limit(ONE, "endpoint:it", 4, 60, NOW - timedelta(seconds=9), None, None, NOW, NOW)
    # One is out and two keep places: of four, one is left for somebody new.
    room = Room.of(bounded, 1, 2)
    assert (room.left(), room.left(keeps_place=True)) == (1, 3)
    assert choose([*fresh, keeps], {(ONE, "e"): room}, MANY) == [keeps, fresh[0]]
    # All places are taken, and the rate too: who has one goes on.
    full = Room.of(bounded._replace(spent_until=NOW), 2, 2)
    assert choose([*fresh, keeps], {(ONE, "e"): full}, MANY) == [keeps]


def test_one_at_a_time_tries_at_an_open_circuit_also_of_those_who_keep_a_place() -> None:
    keeps = [held_back("e", seconds=each)._replace(keeps_place=True) for each in (5, 6)]
    bounded = Limit(ONE, "endpoint:it", 9, None, None, NOW, None, NOW, NOW)
    assert choose([*keeps, held_back("e", seconds=9)], {(ONE, "e"): Room.of(bounded, 0, 2)}, MANY) == [keeps[1]]
    assert choose(keeps, {(ONE, "e"): Room.of(bounded, 1, 2)}, MANY) == []
    shut = bounded._replace(open_until=NOW + timedelta(seconds=9))
    assert choose(keeps, {(ONE, "e"): Room.of(shut, 0, 2)}, MANY) == []


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 40, allow_nan=False), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=60
    )
)
def test_no_minute_has_more_further_attempts_than_a_fifth_of_the_calls_before_and_two_floors(
    steps: list[tuple[float, int, int]],
) -> None:
    at = NOW
    kept: float | None = None
    kept_at: datetime | None = None
    done: list[tuple[datetime, int, int]] = []
    for seconds, firsts, wanted in steps:
        at += timedelta(seconds=seconds)
        room = Room.of(Limit(ONE, "endpoint:it", None, None, None, None, kept, kept_at, at), 0)
        runs = [held_back("e")] * firsts + [held_back("e", seconds=1)._replace(is_retry=True)] * wanted
        gone = choose(runs, {(ONE, "e"): room}, MANY)
        done.append((at, firsts, sum(run.is_retry for run in gone)))
        kept, kept_at = room.budget, at
        assert room.budget is not None
        assert room.budget >= 0
    for start, _, _ in done:
        end = start + timedelta(minutes=1)
        further = sum(count for when, _, count in done if start <= when < end)
        # What was called long before has worn off: a call ten minutes ago is worth nothing.
        since = start - timedelta(minutes=10)
        calls = sum(count for when, count, _ in done if since <= when < end)
        assert further <= retries.SHARE * calls + 2 * retries.FLOOR + 1


@given(st.floats(0, 1000), st.floats(0, 600), st.floats(0, 600))
def test_a_budget_is_the_same_however_often_it_is_looked_at(before: float, one: float, two: float) -> None:
    between, end = NOW + timedelta(seconds=one), NOW + timedelta(seconds=one + two)
    twice = retries.left(retries.left(before, NOW, between), between, end)
    assert twice == pytest.approx(retries.left(before, NOW, end), abs=1e-3)


@given(
    runs=st.lists(st.tuples(st.sets(st.sampled_from("abc"), min_size=1), st.integers(0, 9)), max_size=30),
    places=st.dictionaries(st.sampled_from("abc"), st.integers(0, 5)),
)
def test_what_is_chosen_fits_and_nobody_is_left_who_would_fit_too(
    runs: list[tuple[set[str], int]], places: dict[str, int]
) -> None:
    waiting = [held_back(*sorted(names), seconds=seconds) for names, seconds in runs]
    chosen = choose(waiting, rooms_of(**places), MANY)
    used = Counter(name for run in chosen for name in run.limited_by)
    assert all(used[name] <= most for name, most in places.items())
    for run in waiting:
        fits = all(used[name] < places[name] for name in run.limited_by if name in places)
        assert run in chosen or not fits


# The same in a database.


def bound(hand: Hand, name: str = "tenant", **row: Any) -> None:
    """Makes a limit of the tenant."""
    make.insert(hand.conn, "limits", {"tenant_id": hand.tenant, "name": name} | row)


def states(hand: Hand, name: str = "tenant") -> Counter[str]:
    """How many runs under that limit are in each state."""
    rows = hand.conn.execute("select state from runs where %s = any(limited_by)", (name,)).fetchall()
    return Counter(state for (state,) in rows)


def test_only_so_many_runs_of_a_tenant_are_out_and_an_end_lets_the_next_out(hand: Hand) -> None:
    bound(hand, max_running=2)
    other = make.tenant(hand.conn)
    first = [hand.schedule() for _ in range(5)]
    free = make.schedule(hand.conn, other)
    hand.turn()
    assert states(hand) == {"queued": 2, "pending": 3}
    assert hand.runs(free) == [("queued", None)], "another tenant's are under no limit"

    [out] = [each for each in first if hand.runs(each) == [("queued", None)]][:1]
    [ended] = hand.end(hand.start(out))
    assert ended.has_waiting, "who ended it wakes the tickers"
    hand.turn()
    assert states(hand) == {"succeeded": 1, "queued": 2, "pending": 2}


def test_a_host_holds_those_back_that_call_it_and_no_others(hand: Hand) -> None:
    bound(hand, API, max_running=1)
    callers = [hand.schedule(uses=[API]) for _ in range(3)]
    others = [hand.schedule(uses=[SHOP]) for _ in range(3)]
    hand.turn()
    assert states(hand, API) == {"queued": 1, "pending": 2}
    assert [hand.runs(each) for each in others] == [[("queued", None)]] * 3
    assert sum(hand.runs(each) == [("queued", None)] for each in callers) == 1


def test_what_is_rung_is_what_was_released(hand: Hand) -> None:
    bound(hand, max_running=1)
    for _ in range(3):
        hand.schedule()
    hand.turn()
    [released] = hand.conn.execute("select id::text from runs where state = 'queued'").fetchall()
    rung = "".join(message.decode() for _, message, _ in hand.rings.packs)
    assert [str(id_) in rung for (id_,) in hand.conn.execute("select id from runs order by state").fetchall()] == [
        False,
        False,
        True,
    ]
    assert released[0] in rung


def test_a_rate_lets_one_out_each_time_and_the_ticker_sleeps_until_the_next(hand: Hand) -> None:
    bound(hand, max_per_minute=6)
    for _ in range(3):
        hand.schedule()
    hand.turn()
    assert states(hand) == {"queued": 1, "pending": 2}
    assert 5 < hand.ticker._held_back_until - hand.ticker._door_opens_at < 11
    hand.turn()
    assert states(hand) == {"queued": 1, "pending": 2}

    hand.conn.execute("update limits set spent_until = spent_until - interval '10 s'")
    hand.turn()
    assert states(hand) == {"queued": 2, "pending": 1}


def test_tickers_side_by_side_let_out_no_more_than_one_alone(hand: Hand) -> None:
    bound(hand, max_running=7)
    bound(hand, API, max_per_minute=120)
    for number in range(40):
        hand.schedule(uses=[API] if number % 2 else [])
    hand.ticker.tick(hand.conn)
    tickers = 6
    start = threading.Barrier(tickers)
    released: list[int] = []

    def let_out() -> None:
        conn = make.connect(hand.settings.database.url)
        door = Door()
        start.wait(10)
        released.extend(len(door.pass_through(conn).rings) for _ in range(5))
        conn.close()

    threads = [threading.Thread(target=let_out) for _ in range(tickers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(released) == tickers * 5
    assert sum(released) == 7
    assert states(hand) == {"queued": 7, "pending": 33}
    assert states(hand, API)["queued"] <= 2 + 120 * 5 / 60, "two at once, and what a slow machine's seconds add"


def test_between_two_attempts_a_run_gives_its_place_away_and_comes_back_for_one(hand: Hand) -> None:
    bound(hand, max_running=1)
    first, second = hand.schedule(), hand.schedule()
    hand.turn()
    out, waits = (first, second) if hand.runs(first) == [("queued", None)] else (second, first)
    hand.end(hand.start(out), "pending", delay=0.0, reason="retry")
    hand.turn()
    assert states(hand) == {"queued": 1, "pending": 1}
    # It has waited less long than the other.
    assert hand.runs(waits) == [("queued", None)]
    hand.end(hand.start(waits))
    hand.turn()
    assert hand.runs(out) == [("queued", None)]


def test_who_has_passed_its_gate_waits_for_room_with_the_gate_in_its_hands(hand: Hand) -> None:
    bound(hand, max_running=0)
    schedule = hand.schedule(interval_seconds=100000, overlap_policy="skip")
    hand.turn()
    assert hand.runs(schedule) == [("pending", None)]
    assert holder(hand, schedule) == hand.ids(schedule, "pending")[0]

    fire_again(hand, schedule)
    assert hand.runs(schedule) == [("pending", None), ("skipped", "overlap")]

    hand.conn.execute("update limits set max_running = 1")
    hand.turn()
    assert hand.runs(schedule)[0] == ("queued", None)


def test_a_run_that_waits_for_room_can_be_cancelled_and_frees_its_gate(hand: Hand) -> None:
    bound(hand, max_running=0)
    schedule = hand.schedule(interval_seconds=100000, overlap_policy="queue")
    hand.turn()
    [run] = hand.ids(schedule, "pending")
    slot = hand.value("select slot_at from runs where id = %s", run)
    assert [touched.state for touched in cancel(hand.conn, [Pointer(run, slot)], "cancelled")] == ["cancelled"]
    assert holder(hand, schedule) is None


def test_further_attempts_wait_for_the_endpoints_budget_and_say_so_while_first_ones_pass(hand: Hand) -> None:
    name = f"endpoint:{uuid4()}"
    bound(hand, name, max_running=50)
    further, firsts = [hand.schedule(uses=[name]) for _ in range(14)], 4
    hand.ticker.tick(hand.conn)
    hand.conn.execute("update runs set reason = 'retry', available_at = now() - interval '1 s'")
    for _ in range(firsts):
        hand.schedule(uses=[name])
    hand.turn()
    assert states(hand, name) == {"queued": 10 + firsts, "pending": 4}
    waiting = [each for each in further if hand.runs(each) == [("pending", "retry_budget")]]
    assert len(waiting) == 4
    ahead = "select count(*) from runs where state = 'pending' and available_at > now() + interval '3 s'"
    assert hand.value(ahead) == 4
    assert hand.value("select retries_left from limits where name = %s", name) < 1 + 0.2 * firsts

    # What a minute puts into it lets them out.
    hand.conn.execute("update limits set retries_at = retries_at - interval '1 minute'")
    hand.conn.execute("update runs set available_at = now() where state = 'pending'")
    hand.turn()
    assert states(hand, name) == {"queued": 14 + firsts}


def test_who_keeps_a_place_holds_it_while_it_waits_and_comes_back_to_it_before_all_others(hand: Hand) -> None:
    bound(hand, max_running=2)
    all_ = [hand.schedule() for _ in range(4)]
    hand.turn()
    keeps, out = [each for each in all_ if hand.runs(each) == [("queued", None)]]
    run = hand.start(keeps)
    KEEP.run(
        hand.conn,
        run_id=run.id,
        slot_at=run.slot_at,
        fence=run.fence,
        name="kickoff",
        result=Jsonb("k-1"),
        is_open=True,
    )
    hand.end(run, "pending", delay=30.0, reason="waits")
    hand.turn()
    assert states(hand) == {"queued": 1, "pending": 3}, "its place is taken while it waits"
    assert hand.ticker._held_back_until - hand.ticker._door_opens_at < 31, "somebody looks when it comes back"
    hand.end(hand.start(out))
    hand.turn()
    assert states(hand) == {"succeeded": 1, "queued": 1, "pending": 2}
    hand.conn.execute("update runs set available_at = now() where id = %s", (run.id,))
    hand.turn()
    assert hand.runs(keeps) == [("queued", None)]
    assert states(hand) == {"succeeded": 1, "queued": 2, "pending": 1}


def test_a_limit_taken_away_lets_everybody_go(hand: Hand) -> None:
    bound(hand, max_running=0)
    for _ in range(3):
        hand.schedule()
    hand.turn()
    assert states(hand) == {"pending": 3}
    hand.conn.execute("delete from limits")
    hand.turn()
    assert states(hand) == {"queued": 3}


def test_a_run_by_hand_is_under_the_limits_too(hand: Hand) -> None:
    bound(hand, max_running=0)
    schedule = hand.schedule(interval_seconds=100000, next_fire_at=make.now(hand.conn) + timedelta(days=1))
    run_now(hand.conn, hand.tenant, schedule)
    hand.turn()
    assert hand.runs(schedule) == [("pending", None)]


def test_a_queue_that_is_blocked_holds_up_no_other_and_nobody_waits_for_the_crowd(hand: Hand) -> None:
    bound(hand, API, max_running=1)
    bound(hand, "tenant", max_running=3)
    for _ in range(30):
        hand.schedule(uses=[API], queue="alerts")
    late = [hand.schedule(uses=[SHOP], queue="default") for _ in range(4)]
    hand.turn()
    assert states(hand, API) == {"queued": 1, "pending": 29}
    assert sum(hand.runs(each) == [("queued", None)] for each in late) == 2


def test_more_groups_than_one_look_takes_in_are_all_looked_at(hand: Hand) -> None:
    hand.conn.execute(
        "insert into limits (tenant_id, name, max_running) "
        "select %s, 'host:h' || n || '.example', 1 from generate_series(1, 620) as n",
        (hand.tenant,),
    )
    hand.conn.execute(
        "insert into schedules (id, tenant_id, kind, name, overlap_policy, scheduled_at, next_fire_at, uses) "
        "select gen_random_uuid(), %s, 'test.noop', n::text, 'allow', date_trunc('milliseconds', now()), now(), "
        "array['host:h' || n || '.example'] from generate_series(1, 620) as n",
        (hand.tenant,),
    )
    hand.turn()
    assert hand.value("select count(*) from runs where state = 'queued'") == 620


def test_a_run_made_ahead_under_a_limit_is_rung_at_its_instant_and_taken_back_by_a_change(hand: Hand) -> None:
    hand.settings = replace(hand.settings, ahead_seconds=20)
    hand.ticker = hand.another()
    bound(hand, max_running=5)
    soon = make.now(hand.conn) + timedelta(seconds=10)
    schedule = hand.schedule(interval_seconds=3600, interval_anchor=soon, next_fire_at=soon)
    hand.turn()
    assert hand.runs(schedule) == [("pending", None)]
    assert not hand.rings.packs
    assert 8 < hand.ticker.next_due(hand.conn) <= 10
    row = schedules.get(hand.conn, hand.tenant, schedule)
    assert (row.made_ahead, row.next_fire_at) == (1, soon)

    schedules.pause(hand.conn, hand.tenant, schedule)
    assert hand.runs(schedule) == []
    assert hand.value("select run_count from schedules where id = %s", schedule) == 0


def test_a_run_at_its_gate_under_a_limit_is_never_due_and_stops_no_pass(hand: Hand) -> None:
    bound(hand, max_running=5)
    schedule = hand.schedule(interval_seconds=100000, overlap_policy="queue")
    hand.turn()
    hand.start(schedule)
    fire_again(hand, schedule)
    assert hand.runs(schedule) == [("running", None), ("pending", None)]
    [group] = FIND.all(hand.conn, after_tenant=UUID(int=0), after_queue="", after_limits=[], room=9)
    assert group.seconds == float("inf")
    assert Door().pass_through(hand.conn).seconds == float("inf")


def test_a_run_that_was_given_back_is_not_taken_for_one_made_ahead(hand: Hand) -> None:
    bound(hand, max_running=5)
    schedule = hand.schedule(interval_seconds=100000, overlap_policy="queue")
    hand.turn()
    leased = hand.start(schedule)
    # As a worker does that does not know the kind.
    GIVE_BACK.run(
        hand.conn,
        ids=[leased.id],
        slots=[leased.slot_at],
        fences=[leased.fence],
        process_id=hand.process,
        reason="no_worker_for_kind",
        delay=60.0,
    )
    assert schedules.get(hand.conn, hand.tenant, schedule).made_ahead == 0
    schedules.pause(hand.conn, hand.tenant, schedule)
    assert hand.runs(schedule) == [("pending", "no_worker_for_kind")]
    assert holder(hand, schedule) == leased.id


def test_who_holds_a_limit_for_long_holds_up_its_own_tenant_alone(hand: Hand) -> None:
    bound(hand, max_running=5)
    other = make.tenant(hand.conn)
    make.insert(hand.conn, "limits", {"tenant_id": other, "name": "tenant", "max_running": 5})
    held, free = hand.schedule(), make.schedule(hand.conn, other)
    with make.connect(hand.settings.database.url) as changing, changing.transaction():
        changing.execute("select from limits where tenant_id = %s for update", (hand.tenant,))
        hand.turn()
        assert (hand.runs(held), hand.runs(free)) == ([("pending", None)], [("queued", None)])
    hand.turn()
    assert hand.runs(held) == [("queued", None)]


def test_a_run_that_is_being_erased_holds_up_no_ticker(hand: Hand) -> None:
    bound(hand, max_running=5)
    schedule, other = hand.schedule(), hand.schedule()
    hand.ticker.tick(hand.conn)
    with make.connect(hand.settings.database.url) as erasing, erasing.transaction():
        erasing.execute("delete from runs where schedule_id = %s", (schedule,))
        assert len(Door().pass_through(hand.conn).rings) == 1
        assert hand.runs(other) == [("queued", None)]


def test_the_names_of_limits_are_of_three_sorts(hand: Hand) -> None:
    for name in ("tenant", f"source:{uuid4()}", API):
        bound(hand, name, max_running=1)
    assert hand.value("select count(*) from limits") == 3
