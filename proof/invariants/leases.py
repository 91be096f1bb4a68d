"""One owner at a time, writes under its fence only, legal moves, bounded tries, and an end to everything."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf, isfinite

from proof.invariants.case import OPEN, Case, Move, is_claim, span
from proof.records import Run, RunMove, Seconds, Violation

# What may follow what; a state that stays is no move. What begins where nothing was stands under "".
RUN_MOVES: Mapping[str, frozenset[str]] = {
    "": frozenset({"pending", "queued", "skipped"}),
    "pending": frozenset({"queued", "cancelled", "skipped"}),
    "queued": frozenset({"running", "cancelled", "skipped"}),
    "running": frozenset({"succeeded", "pending", "dead", "cancelled", "skipped"}),
    "dead": frozenset({"pending"}),
}
DELIVERY_MOVES: Mapping[str, frozenset[str]] = {
    "": frozenset({"pending", "suppressed"}),
    "pending": frozenset({"sending", "suppressed", "failed"}),
    "sending": frozenset({"sent", "failed", "unknown", "pending"}),
    "unknown": frozenset({"pending", "sent", "failed", "bounced"}),
    "sent": frozenset({"bounced", "pending"}),
    "failed": frozenset({"pending"}),
    "suppressed": frozenset({"pending"}),
    "bounced": frozenset({"pending"}),
}
RUN_ENDS = frozenset({"succeeded", "dead", "cancelled", "skipped"})
DELIVERY_OPEN = frozenset({"pending", "sending"})


def one_owner(case: Case) -> Iterator[Violation]:
    """I4: fences rise with every lease and never fall, and a lease ends before the next begins."""
    for subject, moves, working, noun in _all(case):
        for was, move in pairwise(moves):
            if (text := _shared(was, move, working)) is not None:
                yield Violation("I4", f"{noun} {subject} {text}", subject, was.seq, move.seq)


def no_zombie_write(case: Case) -> Iterator[Violation]:
    """I5: whoever writes without raising the fence is the lease's owner, and an owner's end is under its own fence."""
    for subject, moves, working, noun in _all(case):
        for was, move in pairwise(moves):
            if (text := _zombie(was, move, working)) is not None:
                yield Violation("I5", f"{noun} {subject} {text}", subject, was.seq, move.seq)


def progress(case: Case) -> Iterator[Violation]:
    """I6: what was due long enough before the last look has come to an end, and holds no lease."""
    latest = case.history.until - case.history.grace_seconds
    for run in case.history.runs:
        moves = case.run_moves.get(run.run, [])
        if run.state in OPEN and _due_at(run, moves) <= latest:
            yield Violation("I6", f"run {run.run} was due and is still {run.state}", run.run, *span(moves))
    for delivery in case.history.deliveries:
        sent = case.delivery_moves.get(delivery.delivery, [])
        # An attempt that failed waits for up to 5 s, twice as long each time, an hour at most.
        waits = min(3600.0, 5.0 * 2 ** min(delivery.attempts - 1, 30)) if delivery.attempts else 0.0
        due_at = (sent[-1].at if sent else -inf) + (waits if delivery.state == "pending" else 0.0)
        if delivery.state in DELIVERY_OPEN and due_at <= latest:
            text = f"delivery {delivery.delivery} was due and is still {delivery.state}"
            yield Violation("I6", text, delivery.delivery, *span(sent))


def bounded_tries(case: Case) -> Iterator[Violation]:
    """I7: every lease counts, a suspicion takes back one, attempts stay within their number and wait their turn."""
    for run in case.history.runs:
        moves = case.run_moves.get(run.run, [])
        if max((move.attempt for move in moves), default=run.attempt) > run.max_attempts:
            text = f"run {run.run} was tried {run.attempt} times, and {run.max_attempts} are allowed"
            yield Violation("I7", text, run.run, *span(moves))
        for was, move in pairwise(moves):
            if (why := _untimely(case, run, was, move)) is not None:
                yield Violation("I7", f"run {run.run} {why}", run.run, was.seq, move.seq)
        suspected = sum(move.reason == "suspect" and was.state == "running" for was, move in pairwise(moves))
        lives = 1 + sum(was.state == "dead" and move.state == "pending" for was, move in pairwise(moves))
        if suspected > lives:
            text = f"run {run.run} lost its process {suspected} times and none counted as an attempt"
            yield Violation("I7", text, run.run, *span(moves))
    for delivery in case.history.deliveries:
        if delivery.attempts > delivery.max_attempts:
            text = (
                f"delivery {delivery.delivery} was tried {delivery.attempts} times, {delivery.max_attempts} are allowed"
            )
            yield Violation("I7", text, delivery.delivery, *span(case.delivery_moves.get(delivery.delivery, ())))


def legal_moves(case: Case) -> Iterator[Violation]:
    """I15: every run and delivery begins once and moves as it may; an end is final, and nothing follows a deletion."""
    for subject, moves, working, noun in _all(case):
        table = RUN_MOVES if working == "running" else DELIVERY_MOVES
        first = moves[0]
        if first.move != "insert" or first.state not in table[""] or _tries(first) != 0:
            text = f"{noun} {subject} began by {first.move} as {first.state} with {_tries(first)} attempts"
            yield Violation("I15", text, subject, *span(moves[:1]))
        for was, move in pairwise(moves):
            if (why := _illegal(was, move, table)) is not None:
                yield Violation("I15", f"{noun} {subject} {why}", subject, was.seq, move.seq)
    for run in case.history.runs:
        if run.run not in case.run_moves:
            yield Violation("I15", f"run {run.run} is there without a history", run.run)
    for delivery in case.history.deliveries:
        if delivery.delivery not in case.delivery_moves:
            text = f"delivery {delivery.delivery} is there without a history"
            yield Violation("I15", text, delivery.delivery)


def _all(case: Case) -> Iterator[tuple[str, Sequence[Move], str, str]]:
    """Everything that is leased, with its moves, the state in which it is, and what it is called."""
    for run, moves in case.run_moves.items():
        yield run, moves, "running", "run"
    for delivery, sent in case.delivery_moves.items():
        yield delivery, sent, "sending", "delivery"


def _shared(was: Move, move: Move, working: str) -> str | None:
    if move.fence < was.fence:
        return f"fell from fence {was.fence} to {move.fence}"
    if not is_claim(was, move, working):
        is_handed = move.state == was.state == working and move.leased_by != was.leased_by
        return f"went from {was.leased_by} to {move.leased_by} under the fence {move.fence}" if is_handed else None
    if was.state == working:
        return f"was leased to {move.leased_by} while the lease of {was.leased_by} was open"
    if move.fence == was.fence:
        return f"was leased to {move.leased_by} without a new fence, still {move.fence}"
    return "was leased by nobody" if move.leased_by is None else None


def _zombie(was: Move, move: Move, working: str) -> str | None:
    """An engine's move raises the fence, a worker's does not: it must come from the lease that has this fence."""
    if move.move == "delete":
        return None
    is_new = (move.state, move.leased_by, _tries(move)) != (was.state, was.leased_by, _tries(was))
    if is_new and move.written_fence is not None and move.fence == was.fence != move.written_fence:
        return f"was written {move.state} under the fence {move.written_fence}, while the lease had {was.fence}"
    if move.fence == was.fence and is_new and was.state != working:
        return f"was written {move.state} under the fence {move.fence}, whose lease was over ({was.state})"
    if move.fence > was.fence and was.state == working and move.state in {"succeeded", "skipped", "sent"}:
        return f"was written {move.state} under the fence {move.fence}, while the lease had {was.fence}"
    if move.state == "succeeded" and was.state == working and move.leased_by != was.leased_by:
        return f"was ended by {move.leased_by} while {was.leased_by} had it"
    return None


def _illegal(was: Move, move: Move, table: Mapping[str, frozenset[str]]) -> str | None:
    if was.move == "delete":
        return f"moved to {move.state} after it had been taken back"
    if move.move == "insert":
        return "was inserted twice"
    if move.move == "delete":
        is_untouched = was.state == move.state in {"queued", "pending"} and _tries(move) == 0
        return None if is_untouched else f"was taken back as {move.state} after {_tries(move)} attempts"
    if move.state != was.state:
        return None if move.state in table.get(was.state, ()) else f"moved from {was.state} to {move.state}"
    if was.state in RUN_ENDS and (move.fence, _tries(move)) != (was.fence, _tries(was)):
        return f"changed after its end as {was.state}"
    return None


def _untimely(case: Case, run: Run, was: RunMove, move: RunMove) -> str | None:
    """What is wrong with how an attempt was counted, or with when the next one came."""
    if move.move == "delete":
        return None
    counted = move.attempt - was.attempt
    if is_claim(was, move):
        return None if counted == 1 else f"was leased as attempt {move.attempt} after {was.attempt}"
    if counted != 0 and not (counted == -1 and was.state == "running" and move.fence > was.fence):
        return f"has its attempts changed from {was.attempt} to {move.attempt} without a lease"
    if was.state == "pending" and move.state == "queued" and was.available_at is not None:
        early = was.available_at - move.at
        return f"was released {early:.3f} s before its wait was over" if early > 0 and isfinite(early) else None
    if was.state == "running" and move.state == "pending" and move.available_at is not None:
        waits, most = move.available_at - move.at, _longest_wait(case, run, move)
        return f"waits {waits:.1f} s after attempt {was.attempt}, {most:.1f} at most" if waits > most else None
    return None


def _longest_wait(case: Case, run: Run, move: RunMove) -> Seconds:
    """How long its version's back-off may be after this attempt; a worker's own end may ask for more."""
    version = case.versions.get((run.schedule, run.version)) if run.schedule and run.version else None
    backoff = (version.definition.get("backoff") or {}) if version else {}
    base, most = float(backoff.get("baseSeconds", 10)), float(backoff.get("maxSeconds", 3600))
    bound = min(most, base * 2.0 ** min(move.attempt - 1, 30))
    return bound if move.reason == "expired" else max(bound, case.limits.later_seconds)


def _tries(move: Move) -> int:
    return move.attempt if isinstance(move, RunMove) else move.attempts


def _due_at(run: Run, moves: Sequence[RunMove]) -> Seconds:
    """When the run should have begun, its instant or that of its next attempt; at a gate it waits from its slot on."""
    waits_until = moves[-1].available_at if moves and run.state == "pending" else run.released_at
    return run.slot / 1000 if waits_until is None or not isfinite(waits_until) else max(run.slot / 1000, waits_until)
