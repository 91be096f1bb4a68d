"""Sound histories of any size, made from a seed."""

from datetime import UTC, datetime
from hashlib import sha256
from random import Random

from proof.records import History, Run, ScheduleMove, SinkEvent, Version
from tests.proof.stories import Book, Mail, Story

EPOCH = 1_800_000_000
MINUTE = 60
TENANTS = ("t-red", "t-blue")

# What becomes of a planned run, by weight.
WEIGHTS = {
    "done": 70,
    "retried": 8,
    "lost": 6,
    "given_back": 4,
    "dead": 4,
    "replayed": 2,
    "cancelled": 3,
    "asked_off": 3,
}
MAIL_WEIGHTS = {"sent": 60, "greylisted": 10, "reaped": 8, "resent": 6, "arrived_twice": 6, "refused": 5, "held": 5}


def sound(seed: int = 0, schedules: int = 4, slots: int = 6, mails: int = 2, every: int = 2) -> History:
    """A sound history of so many schedules, a minute apart each; every `every`th run sends `mails` mails and calls once.

    Each schedule has, beside its slots, one run made ahead and taken back by an edit, a range of skips in the middle
    where there is room for one, and now and then a manual run and a backfill inside the range.
    """
    book = Book(Random(seed))
    for number in range(schedules):
        _schedule(book, f"s-{number}", TENANTS[number % 2], slots, mails, every)
    return book.history(until=EPOCH + slots * MINUTE + 600.0)


def definition(tenant: str, name: str) -> dict[str, object]:
    """What a version says: every minute from the epoch on."""
    return {
        "tenant_id": tenant,
        "kind": "report",
        "name": name,
        "interval_seconds": MINUTE,
        "interval_anchor": datetime.fromtimestamp(EPOCH, UTC).isoformat(),
        "starts_at": None,
        "overlap_policy": "allow",
        "jitter_seconds": 0,
        "backoff": {"baseSeconds": 10, "maxSeconds": 3600},
    }


def _schedule(book: Book, schedule: str, tenant: str, slots: int, mails: int, every: int) -> None:
    rng = book.rng
    made_at, edited_at = EPOCH - 30.0, EPOCH + MINUTE * 1.5
    for version, at in ((1, made_at), (2, edited_at)):
        book.versions.append(Version(schedule, version, at, definition(tenant, f"every minute {schedule}")))
    skipped = range(3, 5) if slots > 5 else range(0)
    moved = book.schedule_moves.append
    moved(ScheduleMove(0, made_at, schedule, 1, "active", made_at, None, EPOCH))
    last = None
    for number in range(slots):
        slot = EPOCH + number * MINUTE
        version = 1 if slot < edited_at else 2
        if number == 2:
            _edit(book, schedule, tenant, slot, edited_at)
        if number in skipped[1:]:
            continue
        story = Story(book, schedule, tenant, slot)
        story.version = version
        last = skipped[-1] if number in skipped else number
        plan_from = made_at if version == 1 else edited_at
        decided = round((EPOCH + last * MINUTE) * 1000)
        moved(ScheduleMove(0, slot, schedule, version, "active", plan_from, decided, EPOCH + (last + 1) * MINUTE))
        if number in skipped:
            story.skip(EPOCH + skipped[-1] * MINUTE, len(skipped))
            continue
        word = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        run = story.tell(word)
        if run.state == "succeeded" and int(run.run[2:]) % every == 0:
            for recipient in range(mails):
                Mail(book, run, recipient).tell(rng.choices(list(MAIL_WEIGHTS), list(MAIL_WEIGHTS.values()))[0])
            _call(book, run)
    after = EPOCH + slots * MINUTE + 1.0
    stopped = round((EPOCH + (last or 0) * MINUTE) * 1000)
    moved(ScheduleMove(0, after - 30, schedule, 2 if slots > 2 else 1, "paused", edited_at, stopped, None))
    if rng.random() < 0.5:
        Story(book, schedule, tenant, after, "manual").tell("done")
    if skipped and rng.random() < 0.5:
        story = Story(book, schedule, tenant, EPOCH + skipped[-1] * MINUTE, "backfill")
        story.version, story.at = 2, after
        story.available_at = after
        story.write("pending", move="insert")
        story.release()
        story.lease()
        story.finish("succeeded")
        story.close()


def _edit(book: Book, schedule: str, tenant: str, slot: float, at: float) -> None:
    """A run made ahead is taken back, the schedule rewound and its version raised."""
    made = Story(book, schedule, tenant, slot)
    made.at = at - 3.0
    made.fence = made.released_at = 1
    made.write("queued", move="insert")
    moved = book.schedule_moves.append
    made_at = EPOCH - 30.0
    ahead, before = round(slot * 1000), round((slot - MINUTE) * 1000)
    moved(ScheduleMove(0, at - 3.0, schedule, 1, "active", made_at, ahead, slot + MINUTE))
    made.at = at - 0.02
    made.write("queued", move="delete")
    moved(ScheduleMove(0, at - 0.01, schedule, 1, "active", made_at, before, slot))
    moved(ScheduleMove(0, at, schedule, 2, "active", at, before, slot))


def _call(book: Book, run: Run) -> None:
    """The run's call, cut on the way and repeated under its key: done once."""
    at, key = (run.finished_at or 0.0) - 0.04, f"{run.run}:charge"
    sha = sha256(key.encode()).hexdigest()
    for phase in ("begin", "kept", "cut", "begin", "replied"):
        at += 0.001
        book.sink.append(SinkEvent(at, "http", phase, key, "/charge", sha, run.tenant))
