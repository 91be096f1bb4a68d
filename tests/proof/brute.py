"""The main invariants once more, each as its sentence says it: slow, and too short to be wrong."""

from proof.oracle import Expected
from proof.records import DeliveryMove, History, Run, RunMove

RUN_MOVES = {
    *(("pending", to) for to in ("queued", "cancelled", "skipped")),
    *(("queued", to) for to in ("running", "cancelled", "skipped")),
    *(("running", to) for to in ("succeeded", "pending", "dead", "cancelled", "skipped")),
    ("dead", "pending"),
}
DELIVERY_MOVES = {
    *(("pending", to) for to in ("sending", "suppressed", "failed")),
    *(("sending", to) for to in ("sent", "failed", "unknown", "pending")),
    *(("unknown", to) for to in ("pending", "sent", "failed", "bounced")),
    *(("sent", to) for to in ("bounced", "pending")),
    *((end, "pending") for end in ("failed", "suppressed", "bounced")),
}


def broken(history: History, expected: Expected) -> set[str]:
    """Which of I1, I2, I3, I4, I5, I9 and I15 the history breaks."""
    checks = {"I1": _lost, "I2": _doubled, "I3": _phantom, "I4": _shared, "I5": _zombie, "I15": _illegal}
    found = {name for name, check in checks.items() if check(history, expected)}
    return found | ({"I9"} if _repeated(history) else set())


def _planned(history: History) -> list[Run]:
    return [run for run in history.runs if run.schedule and run.origin in ("schedule", "backfill")]


def _decides(run: Run, slot: int) -> bool:
    return run.slot <= slot <= max(run.slot, run.skipped_until or run.slot)


def _lost(history: History, expected: Expected) -> bool:
    runs = _planned(history)
    return any(
        not any(run.schedule == schedule and _decides(run, slot) for run in runs)
        for schedule, slots in expected.must.items()
        for slot in slots
    )


def _doubled(history: History, _: Expected) -> bool:
    runs = _planned(history)
    for one in runs:
        for other in runs:
            is_both = one is not other and one.schedule == other.schedule and _decides(one, other.slot)
            if is_both and (one.slot == other.slot or one.origin == other.origin == "schedule"):
                return True
    for start in history.starts:
        begun = sum((each.run, each.attempt) == (start.run, start.attempt) for each in history.starts)
        moves = _of(history, start.run)
        if begun > sum(_claims(moves, n) and _tries(moves[n]) == start.attempt for n in range(len(moves))):
            return True
    return False


def _phantom(history: History, expected: Expected) -> bool:
    for run in history.runs:
        if run.origin in ("schedule", "backfill"):
            if run.schedule is None or run.version is None:
                return True
            due = [*expected.must.get(run.schedule, []), *expected.may.get(run.schedule, [])]
            for slot in (run.slot, run.skipped_until or run.slot):
                if not expected.allowed(run.schedule, run.version, slot):
                    return True
                if run.origin == "schedule" and slot not in due:
                    return True
    return False


def _of(history: History, subject: str) -> list[RunMove | DeliveryMove]:
    moves: list[RunMove | DeliveryMove] = [move for move in history.run_moves if move.run == subject]
    moves += [move for move in history.delivery_moves if move.delivery == subject]
    return sorted(moves, key=lambda move: move.seq)


def _works(move: RunMove | DeliveryMove) -> bool:
    return move.state == ("running" if isinstance(move, RunMove) else "sending")


def _tries(move: RunMove | DeliveryMove) -> int:
    return move.attempt if isinstance(move, RunMove) else move.attempts


def _claims(moves: list[RunMove | DeliveryMove], n: int) -> bool:
    return _works(moves[n]) and (n == 0 or not _works(moves[n - 1]) or moves[n].fence > moves[n - 1].fence)


def _everything(history: History) -> list[list[RunMove | DeliveryMove]]:
    ids = {move.run for move in history.run_moves} | {move.delivery for move in history.delivery_moves}
    return [_of(history, subject) for subject in ids]


def _shared(history: History, _: Expected) -> bool:
    for moves in _everything(history):
        for n in range(1, len(moves)):
            was, move = moves[n - 1], moves[n]
            new_owner = _works(was) and _works(move) and (was.leased_by, was.fence) != (move.leased_by, move.fence)
            unfenced = _works(move) and not _works(was) and (move.fence <= was.fence or move.leased_by is None)
            if move.fence < was.fence or new_owner or unfenced:
                return True
    return False


def _zombie(history: History, _: Expected) -> bool:
    for moves in _everything(history):
        for n in range(1, len(moves)):
            was, move = moves[n - 1], moves[n]
            if move.move == "delete":
                continue
            is_same = (was.state, was.leased_by, _tries(was)) == (move.state, move.leased_by, _tries(move))
            if move.fence == was.fence and not is_same and not _works(was):
                return True
            if move.fence > was.fence and _works(was) and move.state in ("succeeded", "skipped", "sent"):
                return True
            if _works(was) and move.state == "succeeded" and move.leased_by != was.leased_by:
                return True
    return False


def _illegal(history: History, _: Expected) -> bool:
    if any(not _of(history, run.run) for run in history.runs):
        return True
    if any(not _of(history, delivery.delivery) for delivery in history.deliveries):
        return True
    for moves in _everything(history):
        is_run = isinstance(moves[0], RunMove)
        begins, legal = (
            (("pending", "queued", "skipped"), RUN_MOVES) if is_run else (("pending", "suppressed"), DELIVERY_MOVES)
        )
        if moves[0].move != "insert" or moves[0].state not in begins or _tries(moves[0]):
            return True
        if any(_strays(moves[n - 1], moves[n], legal) for n in range(1, len(moves))):
            return True
    return False


def _strays(was: RunMove | DeliveryMove, move: RunMove | DeliveryMove, legal: set[tuple[str, str]]) -> bool:
    if was.move == "delete" or move.move == "insert":
        return True
    if move.move == "delete":
        return (was.state, move.state, _tries(move)) != ("queued", "queued", 0)
    if was.state != move.state:
        return (was.state, move.state) not in legal
    is_over = was.state in ("succeeded", "dead", "cancelled", "skipped")
    return is_over and (was.fence, _tries(was)) != (move.fence, _tries(move))


def _repeated(history: History) -> bool:
    kept = [event for event in history.sink if event.phase == "kept"]
    for event in kept:
        copies = sum((each.sink, each.key) == (event.sink, event.key) for each in kept)
        if event.sink == "http" and copies > 1:
            return True
        copies = sum((each.sink, each.key, each.recipient) == (event.sink, event.key, event.recipient) for each in kept)
        doubts = sum(
            each.unknown_count
            for each in history.deliveries
            if (each.message, each.recipient) == (event.key, event.recipient)
        )
        if event.sink == "smtp" and copies > 1 + doubts:
            return True
    return False
