"""Sound histories broken at one place: each mutation under the one invariant that it breaks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple, TypeVar

from proof.records import Delivery, Fault, History, Run, RunMove, SinkEvent, Start
from tests.proof.histories import EPOCH, MINUTE, sound

Row = TypeVar("Row", bound=tuple[Any, ...])


def the(rows: Sequence[Row], fits: Callable[[Row], bool]) -> Row:
    return next(row for row in rows if fits(row))


def swapped(rows: Sequence[Row], row: Row, **columns: Any) -> list[Row]:
    return [each._replace(**columns) if each == row else each for each in rows]  # type: ignore[attr-defined]


def without(rows: Sequence[Row], *gone: Row) -> list[Row]:
    return [each for each in rows if each not in gone]


class Plain(NamedTuple):
    """A history and, of one planned run of it that succeeded at once with two mails, all that belongs to it."""

    history: History
    run: Run
    moves: list[RunMove]
    mail: Delivery

    def moved(self, state: str, **columns: Any) -> History:
        """The run's move into the state changed, whichever it is of the run."""
        move = the(self.moves, lambda each: each.state == state)
        return replace(self.history, run_moves=swapped(self.history.run_moves, move, **columns))

    def mailed(self, **columns: Any) -> History:
        """The delivery as another row."""
        return replace(self.history, deliveries=swapped(self.history.deliveries, self.mail, **columns))

    def ran(self, **columns: Any) -> History:
        """The run as another row."""
        return replace(self.history, runs=swapped(self.history.runs, self.run, **columns))

    def heard(self, phase: str) -> SinkEvent:
        """What the sink wrote of the mail in this phase."""
        address = (self.mail.message, self.mail.recipient, phase)
        return the(self.history.sink, lambda each: (each.key, each.recipient, each.phase) == address)


def plain_history() -> Plain:
    """A history with a run of every sort, and one that is plain."""
    history = sound(seed=5, schedules=8, slots=8)
    for run in history.runs:
        moves = [move for move in history.run_moves if move.run == run.run]
        mails = [mail for mail in history.deliveries if mail.run == run.run]
        at_once = [move.state for move in moves] == ["queued", "running", "succeeded"]
        if run.origin == "schedule" and at_once and mails and (mails[0].state, mails[0].attempts) == ("sent", 1):
            return Plain(history, run, moves, mails[0])
    raise AssertionError("no run of the history is plain")


Breaking = Callable[[Plain], History]
BREAKS: list[tuple[str, str, Breaking]] = []


def breaks(invariant: str, text: str) -> Callable[[Breaking], Breaking]:
    """Lists a mutation under the one invariant that it breaks and words of the message."""

    def listed(breaking: Breaking) -> Breaking:
        BREAKS.append((invariant, text, breaking))
        return breaking

    return listed


@breaks("I1", "was due and nothing was decided")
def a_slot_without_a_run(plain: Plain) -> History:
    gone = the(plain.history.runs, lambda run: run.state == "skipped")
    moves = [move for move in plain.history.run_moves if move.run == gone.run]
    runs, run_moves = without(plain.history.runs, gone), without(plain.history.run_moves, *moves)
    return replace(plain.history, runs=runs, run_moves=run_moves)


@breaks("I12", "does not say why")
def skips_without_a_reason(plain: Plain) -> History:
    row = the(plain.history.runs, lambda run: run.state == "skipped")
    return replace(plain.history, runs=swapped(plain.history.runs, row, reason=None))


@breaks("I2", "was decided twice")
def two_runs_of_a_slot(plain: Plain) -> History:
    twin = plain.run._replace(run="r-twin")
    moves = [move._replace(run="r-twin") for move in plain.moves]
    return replace(plain.history, runs=[*plain.history.runs, twin], run_moves=[*plain.history.run_moves, *moves])


@breaks("I2", "was decided twice")
def a_run_inside_a_range_of_skips(plain: Plain) -> History:
    row = the(plain.history.runs, lambda run: run.state == "skipped")
    twin = row._replace(run="r-twin", slot=row.skipped_until or 0, skipped_count=1)
    moves = [m._replace(run="r-twin", slot=twin.slot) for m in plain.history.run_moves if m.run == row.run]
    return replace(plain.history, runs=[*plain.history.runs, twin], run_moves=[*plain.history.run_moves, *moves])


@breaks("I2", "began 2 times and was leased 1 times")
def a_handler_that_begins_twice(plain: Plain) -> History:
    start = the(plain.history.starts, lambda start: start.run == plain.run.run)
    return replace(plain.history, starts=[*plain.history.starts, start._replace(at=start.at + 1, pid=7)])


@breaks("I2", "began 1 times and was leased 0 times")
def a_handler_of_a_run_taken_back(plain: Plain) -> History:
    gone = the(plain.history.run_moves, lambda move: move.move == "delete")
    start = Start(gone.slot / 1000 + 1, gone.run, gone.slot, "s-0", 1, 7)
    return replace(plain.history, starts=[*plain.history.starts, start])


@breaks("I13", "50 ms before its slot")
def a_handler_that_begins_early(plain: Plain) -> History:
    start = the(plain.history.starts, lambda start: start.run == plain.run.run)
    early = swapped(plain.history.starts, start, at=start.slot / 1000 - 0.05)
    return replace(plain.history, starts=early)


@breaks("I3", "no slot of version 1")
def a_backfill_of_no_slot(plain: Plain) -> History:
    backfilled = the(plain.history.runs, lambda run: run.origin == "backfill")
    runs = swapped(plain.history.runs, backfilled, slot=backfilled.slot + 500, version=1)
    return replace(plain.history, runs=runs)


@breaks("I3", "there is none")
def a_run_of_no_version(plain: Plain) -> History:
    return plain.ran(version=9)


@breaks("I3", "was not in force")
def a_run_before_its_schedule_was_made(plain: Plain) -> History:
    twin, slot = plain.run._replace(run="r-twin", slot=(EPOCH - 60 * MINUTE) * 1000), (EPOCH - 60 * MINUTE) * 1000
    moves = [move._replace(run="r-twin", slot=slot) for move in plain.moves]
    limits = [*plain.history.faults, Fault(EPOCH - 61 * MINUTE, EPOCH + 9 * MINUTE, "stop all", "w-1")]
    return replace(
        plain.history,
        runs=[*plain.history.runs, twin],
        run_moves=[*plain.history.run_moves, *moves],
        faults=limits,
    )


@breaks("I4", "while the lease of")
def a_second_lease_before_the_first_ended(plain: Plain) -> History:
    lease = the(plain.moves, lambda move: move.state == "running")
    again = lease._replace(fence=lease.fence + 1, attempt=2, leased_by="w-9")
    end = the(plain.moves, lambda move: move.state == "succeeded")
    moves = swapped(plain.history.run_moves, end, fence=end.fence + 1, attempt=2, leased_by="w-9")
    moves.insert(moves.index(lease) + 1, again)
    return replace(plain.ran(fence=plain.run.fence + 1, attempt=2), run_moves=moves)


@breaks("I4", "fell from fence 2 to 1")
def a_fence_that_falls(plain: Plain) -> History:
    return replace(plain.moved("succeeded", fence=1), runs=plain.ran(fence=1).runs)


@breaks("I4", "under the fence 2")
def a_lease_that_changes_hands(plain: Plain) -> History:
    lease = the(plain.moves, lambda move: move.state == "running")
    end = the(plain.moves, lambda move: move.state == "succeeded")
    moves = swapped(plain.history.run_moves, end, leased_by="w-9")
    moves.insert(moves.index(lease) + 1, lease._replace(leased_by="w-9"))
    return replace(plain.history, run_moves=moves)


@breaks("I5", "was ended by w-9")
def an_end_by_another_process(plain: Plain) -> History:
    return plain.moved("succeeded", leased_by="w-9")


@breaks("I5", "while the lease had 2")
def an_end_under_another_fence(plain: Plain) -> History:
    return replace(plain.moved("succeeded", fence=3), runs=plain.ran(fence=3).runs)


@breaks("I6", "was due and is still running")
def a_run_that_never_ends(plain: Plain) -> History:
    end = the(plain.moves, lambda move: move.state == "succeeded")
    mails = [mail for mail in plain.history.deliveries if mail.run == plain.run.run]
    run = plain.run._replace(state="running", finished_at=None)
    history = replace(plain.ran(), runs=swapped(plain.history.runs, plain.run, **run._asdict()))
    assert mails
    return replace(history, run_moves=without(plain.history.run_moves, end))


@breaks("I6", "is still sending")
def a_delivery_that_never_ends(plain: Plain) -> History:
    moves = plain.history.delivery_moves
    end = the(moves, lambda move: (move.delivery, move.state) == (plain.mail.delivery, "sent"))
    return replace(plain.mailed(state="sending"), delivery_moves=without(moves, end))


@breaks("I7", "2 are allowed")
def more_attempts_than_allowed(plain: Plain) -> History:
    history = plain.history
    replayed = the(history.runs, lambda run: run.attempt == 3)
    return replace(history, runs=swapped(history.runs, replayed, max_attempts=2, attempt=3, state=replayed.state))


@breaks("I7", "before its wait was over")
def a_retry_that_does_not_wait(plain: Plain) -> History:
    moves = plain.history.run_moves
    waiting = the(moves, lambda m: m.state == "pending" and m.attempt > 0 and m.reason is None)
    return replace(plain.history, run_moves=swapped(moves, waiting, available_at=waiting.at + 60))


@breaks("I7", "s after attempt")
def a_wait_beyond_the_policy(plain: Plain) -> History:
    moves = plain.history.run_moves
    waiting = the(moves, lambda m: m.reason == "suspect" and m.state == "pending")
    after = {m.seq for m in moves if m.run == waiting.run and m.seq > waiting.seq}
    late = [m._replace(at=m.at + 9999, available_at=m.at + 9999) if m.seq in after else m for m in moves]
    return replace(plain.history, run_moves=swapped(late, waiting, available_at=waiting.at + 9000))


@breaks("I8", "is sent, and no sink has it")
def a_mail_that_never_arrived(plain: Plain) -> History:
    return replace(plain.history, sink=without(plain.history.sink, plain.heard("kept")))


@breaks("I9", "nobody knew of it 0 times")
def a_mail_that_arrived_twice(plain: Plain) -> History:
    kept = plain.heard("kept")
    moves = plain.history.delivery_moves
    handed = the(moves, lambda m: m.delivery == plain.mail.delivery and m.handed_over_at is not None)
    again = handed._replace(handed_over_at=(handed.handed_over_at or 0) + 0.001)
    both = [each for move in moves for each in ([move, again] if move == handed else [move])]
    return replace(plain.history, sink=[*plain.history.sink, kept._replace(at=kept.at + 1)], delivery_moves=both)


@breaks("I9", "was done 2 times")
def a_call_that_was_done_twice(plain: Plain) -> History:
    kept = the(plain.history.sink, lambda event: event.sink == "http" and event.phase == "kept")
    return replace(plain.history, sink=[*plain.history.sink, kept._replace(at=kept.at + 1)])


@breaks("I10", "no row says so")
def a_mail_without_a_row(plain: Plain) -> History:
    strange = plain.heard("kept")._replace(key="<new@tocsin.example>")
    return replace(plain.history, sink=[*plain.history.sink, strange])


@breaks("I10", "before its row was written")
def a_mail_before_its_row(plain: Plain) -> History:
    begun = plain.heard("begin")
    return replace(plain.history, sink=swapped(plain.history.sink, begun, at=begun.at - 30))


@breaks("I10", "before a hand-over was written")
def a_mail_without_a_hand_over(plain: Plain) -> History:
    ours = [move for move in plain.history.delivery_moves if move.delivery == plain.mail.delivery]
    moves = [m._replace(handed_over_at=None) if m in ours else m for m in plain.history.delivery_moves]
    return replace(plain.history, delivery_moves=moves)


@breaks("I10", "before its run was leased")
def a_call_before_its_lease(plain: Plain) -> History:
    call = the(plain.history.sink, lambda event: event.sink == "http")
    return replace(plain.history, sink=swapped(plain.history.sink, call, at=call.at - 60))


@breaks("I11", "elsewhere")
def other_bytes(plain: Plain) -> History:
    return replace(plain.history, sink=swapped(plain.history.sink, plain.heard("kept"), sha="0" * 64))


@breaks("I12", "has it 1 times")
def a_mail_that_failed_and_arrived(plain: Plain) -> History:
    moves = plain.history.delivery_moves
    end = the(moves, lambda move: (move.delivery, move.state) == (plain.mail.delivery, "sent"))
    return replace(plain.mailed(state="failed"), delivery_moves=swapped(moves, end, state="failed"))


@breaks("I12", "its history ends as succeeded")
def a_row_that_its_history_does_not_tell(plain: Plain) -> History:
    return plain.ran(state="dead")


@breaks("I12", "nobody took it back")
def a_row_that_is_gone(plain: Plain) -> History:
    manual = the(plain.history.runs, lambda run: run.origin == "manual" and run.attempt != 0)
    mails = {mail.run for mail in plain.history.deliveries}
    assert manual.run not in mails
    return replace(plain.history, runs=without(plain.history.runs, manual))


@breaks("I13", "after its slot")
def a_late_start(plain: Plain) -> History:
    start = the(plain.history.starts, lambda start: start.run == plain.run.run)
    return replace(plain.history, starts=swapped(plain.history.starts, start, at=start.at + 50), faults=[])


@breaks("I14", "of tenant t-other")
def a_run_of_another_tenant(plain: Plain) -> History:
    skipped = the(plain.history.runs, lambda run: run.state == "skipped")
    return replace(plain.history, runs=swapped(plain.history.runs, skipped, tenant="t-other"))


@breaks("I14", "and its run of")
def a_delivery_of_another_tenant(plain: Plain) -> History:
    silent = [event._replace(tenant=None) for event in plain.history.sink]
    return replace(plain.mailed(tenant="t-other"), sink=silent)


@breaks("I14", "as tenant t-other")
def a_sink_that_hears_another_tenant(plain: Plain) -> History:
    sink = swapped(plain.history.sink, plain.heard("kept"), tenant="t-other")
    return replace(plain.history, sink=sink)


@breaks("I15", "moved from running to queued")
def a_move_that_is_not_allowed(plain: Plain) -> History:
    moves = plain.history.run_moves
    back = the(moves, lambda move: move.reason == "suspect" and move.state == "pending")
    return replace(plain.history, run_moves=swapped(moves, back, state="queued"))


@breaks("I15", "changed after its end")
def an_end_that_is_not_final(plain: Plain) -> History:
    end = the(plain.moves, lambda move: move.state == "succeeded")
    last = plain.history.run_moves[-1]
    again = end._replace(seq=last.seq + 10, fence=end.fence + 1)
    return replace(plain.ran(fence=end.fence + 1), run_moves=[*plain.history.run_moves, again])


@breaks("I15", "there without a history")
def a_run_without_a_history(plain: Plain) -> History:
    skipped = the(plain.history.runs, lambda run: run.state == "skipped")
    moves = [move for move in plain.history.run_moves if move.run != skipped.run]
    return replace(plain.history, run_moves=moves)


@breaks("I16", "went back from its next instant")
def a_schedule_that_goes_back(plain: Plain) -> History:
    moves = plain.history.schedule_moves
    late = the(moves, lambda m: m.version == 2 and m.next_fire_at is not None and m.next_fire_at > EPOCH + 5 * MINUTE)
    return replace(plain.history, schedule_moves=swapped(moves, late, next_fire_at=EPOCH + MINUTE))


@breaks("I16", "whose instant had come")
def a_schedule_that_forgets_a_slot(plain: Plain) -> History:
    moves = plain.history.schedule_moves
    last = the(moves, lambda m: m.status == "paused")
    return replace(plain.history, schedule_moves=swapped(moves, last, last_slot=(last.last_slot or 0) - 60_000))


@breaks("I16", "taken back after its instant")
def a_run_taken_back_too_late(plain: Plain) -> History:
    moves = plain.history.run_moves
    gone = the(moves, lambda move: move.move == "delete")
    return replace(plain.history, run_moves=swapped(moves, gone, at=(gone.available_at or 0) + 3))


@breaks("I18", "counts 7 slots")
def skips_miscounted(plain: Plain) -> History:
    skipped = the(plain.history.runs, lambda run: run.state == "skipped")
    return replace(plain.history, runs=swapped(plain.history.runs, skipped, skipped_count=7))


@breaks("I18", "the processes counted 3 runs succeeded")
def counters_that_differ(plain: Plain) -> History:
    counters = {
        f'tocsin_runs_total{{kind="{kind}",state="succeeded"}}': value for kind, value in (("a", 1.0), ("b", 2))
    }
    return replace(plain.history, counters=counters)


def mutations(rng: Random, history: History) -> Iterator[History]:
    """The history with one random change of each sort."""
    run, move, mail_move = rng.choice(history.runs), rng.choice(history.run_moves), rng.choice(history.delivery_moves)
    yield replace(history, runs=without(history.runs, run))
    yield replace(history, runs=[*history.runs, run._replace(run="r-twin")])
    yield replace(history, runs=swapped(history.runs, run, slot=run.slot + rng.choice((-60_000, 1, 60_000))))
    yield replace(history, runs=swapped(history.runs, run, origin=rng.choice(("schedule", "backfill", "manual"))))
    yield replace(history, runs=swapped(history.runs, run, skipped_until=run.slot + rng.choice((0, 60_000, 120_000))))
    yield replace(history, run_moves=without(history.run_moves, move))
    yield replace(history, run_moves=[*history.run_moves, move._replace(seq=move.seq + rng.randrange(9))])
    for column, values in (
        ("state", ("pending", "queued", "running", "succeeded", "dead", "cancelled", "skipped")),
        ("fence", range(6)),
        ("attempt", range(4)),
        ("leased_by", ("w-1", "w-2", None)),
        ("move", ("insert", "update", "delete")),
        ("seq", range(len(history.run_moves))),
    ):
        yield replace(history, run_moves=swapped(history.run_moves, move, **{column: rng.choice(values)}))
    for column, values in (
        ("state", ("pending", "sending", "sent", "failed", "unknown", "suppressed", "bounced")),
        ("fence", range(6)),
        ("leased_by", ("w-1", "w-2", None)),
    ):
        moves = swapped(history.delivery_moves, mail_move, **{column: rng.choice(values)})
        yield replace(history, delivery_moves=moves)
    start, event, mail = rng.choice(history.starts), rng.choice(history.sink), rng.choice(history.deliveries)
    yield replace(history, starts=[*history.starts, start])
    yield replace(history, starts=swapped(history.starts, start, attempt=rng.randrange(4)))
    yield replace(history, starts=swapped(history.starts, start, at=start.at - rng.random()))
    yield replace(history, sink=[*history.sink, event])
    yield replace(history, sink=swapped(history.sink, event, phase=rng.choice(("begin", "kept", "cut"))))
    yield replace(history, deliveries=swapped(history.deliveries, mail, unknown_count=rng.randrange(2)))
