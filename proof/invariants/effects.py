"""What left the house: every effect arrived, once, with its intent before it, the same bytes, and an honest row after."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import inf

from proof.invariants.case import OPEN, Case, span
from proof.records import Delivery, DeliveryMove, Run, RunMove, Seconds, SinkEvent, Violation

_NEVER_LEFT = frozenset({"pending", "failed", "suppressed"})


def no_lost_effect(case: Case) -> Iterator[Violation]:
    """I8: what is told as sent was kept by its sink, and a run that succeeded left the effects that its kind owes."""
    for delivery in case.history.deliveries:
        if delivery.state == "sent" and not case.kept(delivery):
            text = f"delivery {delivery.delivery} to {delivery.recipient} is sent, and no sink has it"
            yield _of(case, "I8", text, delivery)
    if not case.limits.owed:
        return
    for run in case.history.runs:
        owed = case.limits.owed.get(run.kind, 0) if run.state == "succeeded" else 0
        calls = sum(any(e.phase == "kept" for e in case.calls[key]) for key in case.calls_of.get(run.run, ()))
        had = len(case.deliveries_of.get(run.run, ())) + calls
        if had < owed:
            text = f"run {run.run} succeeded with {had} effects, and a run of {run.kind} owes {owed}"
            yield Violation("I8", text, run.run, *case.span(run.run))


def no_double_effect(case: Case) -> Iterator[Violation]:
    """I9: a mail arrived once, and once more for each time that nobody knew; a call under one key was done once."""
    for (message, recipient), events in case.mails.items():
        kept = sum(event.phase == "kept" for event in events)
        intents = case.intents.get((message, recipient), [])
        windows = sum(delivery.unknown_count for delivery in intents)
        if kept > 1 + windows:
            text = f"{message} reached {recipient} {kept} times, and nobody knew of it {windows} times"
            yield _of(case, "I9", text, *intents) if intents else Violation("I9", text, f"{message} {recipient}")
    for key, events in case.calls.items():
        kept = sum(event.phase == "kept" for event in events)
        if kept > 1:
            run = key.partition(":")[0]
            yield Violation("I9", f"the call under the key {key} was done {kept} times", key, *case.span(run))
    for row in case.history.runs:
        if (owed := case.limits.owed.get(row.kind)) is not None:
            keys = [key for key in case.calls_of.get(row.run, ()) if any(e.phase == "kept" for e in case.calls[key])]
            done = len(set(keys)) + len(case.deliveries_of.get(row.run, ()))
            if keys and done > owed:
                text = f"run {row.run} owes {owed} effects and has {done}, under a key each"
                yield Violation("I9", text, row.run, *case.span(row.run))


def intent_first(case: Case) -> Iterator[Violation]:
    """I10: before a sink heard of an effect, its row or its run's lease was there; before it kept it, it was handed over."""
    for (message, recipient), events in case.mails.items():
        if not (intents := case.intents.get((message, recipient))):
            text = f"{message} reached the sink for {recipient}, and no row says so"
            yield Violation("I10", text, f"{message} {recipient}")
            continue
        yield from _unannounced(case, intents, events)
    by_key = {delivery.message: delivery for delivery in case.history.deliveries}
    for key, events in case.calls.items():
        if (delivery := by_key.get(key)) is not None:
            yield from _unannounced(case, [delivery], events)
            continue
        run = key.partition(":")[0]
        leases = case.leases.get(run, ())
        if not leases or events[0].at < leases[0].begun.at:
            text = f"the call under the key {key} came before its run was leased"
            yield Violation("I10", text, key, *case.span(run))


def same_bytes(case: Case) -> Iterator[Violation]:
    """I11: whatever arrives under one Message-ID or key has the same bytes, those that are stored."""
    stored = {delivery.message: delivery for delivery in case.history.deliveries if delivery.sha}
    seen: dict[str, str] = {}
    for event in case.history.sink:
        if event.phase not in ("kept", "replied") or not event.sha:
            continue
        delivery = stored.get(event.key)
        first = seen.setdefault(event.key, delivery.sha if delivery else event.sha)
        if event.sha != first:
            text = f"{event.key} reached {event.recipient} as {event.sha[:12]} and is {first[:12]} elsewhere"
            yield _of(case, "I11", text, delivery) if delivery else Violation("I11", text, event.key)


def honest_state(case: Case) -> Iterator[Violation]:
    """I12: what is told as not sent is in no sink but by known doubts; rows say why, and what their histories say."""
    for delivery in case.history.deliveries:
        if (why := _untrue(case, delivery)) is not None:
            yield _of(case, "I12", f"delivery {delivery.delivery} is {delivery.state}, and {why}", delivery)
    for run in case.history.runs:
        moves = case.run_moves.get(run.run, [])
        if (why := _untold(run, moves)) is not None:
            yield Violation("I12", f"run {run.run} is {run.state}, and {why}", run.run, *span(moves))
    for gone, moves in case.run_moves.items():
        if moves[-1].move != "delete" and gone not in case.runs:
            yield Violation("I12", f"run {gone} is gone, and nobody took it back", gone, *span(moves))


def own_tenant(case: Case) -> Iterator[Violation]:
    """I14: a run has its schedule's tenant, a delivery its run's, and a sink hears of no other."""
    for run in case.history.runs:
        version = case.versions.get((run.schedule, run.version)) if run.schedule and run.version else None
        owner = str(version.definition.get("tenant_id", run.tenant)) if version else run.tenant
        if run.tenant != owner:
            text = f"run {run.run} is of tenant {run.tenant}, and its schedule of {owner}"
            yield Violation("I14", text, run.run, *case.span(run.run))
    tenants: dict[str, str] = {}
    for delivery in case.history.deliveries:
        tenants[delivery.message] = delivery.tenant
        of = case.runs.get(delivery.run)
        if of is None or of.tenant != delivery.tenant:
            text = f"delivery {delivery.delivery} is of tenant {delivery.tenant}, and its run of {of and of.tenant}"
            yield _of(case, "I14", text, delivery)
    for event in case.history.sink:
        caller = case.runs.get(event.key.partition(":")[0])
        meant = tenants.get(event.key) or (caller.tenant if caller else None)
        if event.tenant is not None and meant is not None and event.tenant != meant:
            text = f"{event.key} of tenant {meant} reached {event.recipient} as tenant {event.tenant}"
            yield Violation("I14", text, event.key, *case.span(event.key.partition(":")[0]))


def _untrue(case: Case, delivery: Delivery) -> str | None:
    """What a sink or its history has against the state of a delivery."""
    moves = case.delivery_moves.get(delivery.delivery)
    if moves and (moves[-1].move == "delete" or _told(moves[-1]) != _told(delivery)):
        return f"its history ends as {moves[-1].state}"
    if delivery.state in _NEVER_LEFT and len(kept := case.kept(delivery)) > delivery.unknown_count:
        return f"{delivery.recipient} has it {len(kept)} times"
    return "no doubt was counted" if delivery.state == "unknown" and delivery.unknown_count == 0 else None


def _untold(run: Run, moves: Sequence[RunMove]) -> str | None:
    """What a run's row and its history do not agree about, or do not tell."""
    if moves and (moves[-1].move == "delete" or _left(moves[-1]) != _left(run)):
        return f"its history ends as {moves[-1].state}"
    if (run.finished_at is None) != (run.state in OPEN):
        return f"its end was {'not ' * (run.finished_at is None)}written"
    return "does not say why" if run.state == "skipped" and not run.reason else None


def _told(row: Delivery | DeliveryMove) -> tuple[str, int, int, int]:
    return row.state, row.fence, row.attempts, row.unknown_count


def _left(row: Run | RunMove) -> tuple[str, int, int]:
    return row.state, row.fence, row.attempt


def _unannounced(case: Case, intents: Sequence[Delivery], events: Sequence[SinkEvent]) -> Iterator[Violation]:
    """What the sink heard before the row was written, and what it kept beyond the hand-overs that were written."""
    moves = [move for delivery in intents for move in case.delivery_moves.get(delivery.delivery, ())]
    written_at = min((move.at for move in moves), default=inf)
    handed: list[Seconds] = sorted({move.handed_over_at for move in moves if move.handed_over_at is not None})
    if events[0].at < written_at:
        text = f"{intents[0].message} reached the sink for {intents[0].recipient} before its row was written"
        yield _of(case, "I10", text, *intents)
    kept = [event for event in events if event.phase == "kept"]
    for count, event in enumerate(kept, start=1):
        if bisect_right(handed, event.at) < count:
            text = f"{intents[0].message} was kept for {intents[0].recipient} before a hand-over was written"
            yield _of(case, "I10", text, *intents)
            return


def _of(case: Case, invariant: str, text: str, *deliveries: Delivery) -> Violation:
    """A violation whose place is in the history of those deliveries."""
    moves = [move for delivery in deliveries for move in case.delivery_moves.get(delivery.delivery, ())]
    return Violation(invariant, text, deliveries[0].delivery, *span(sorted(moves, key=lambda move: move.seq)))
