"""A model of the engine: who may write what, and what the world sees of it, one run and one delivery at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from math import inf
from random import Random

from proof.records import (
    Delivery,
    DeliveryMove,
    Fault,
    History,
    Run,
    RunMove,
    ScheduleMove,
    SinkEvent,
    Start,
    Version,
)


@dataclass
class Book:
    """What is written down while the stories are told; `seq` is given at the end, by time."""

    rng: Random
    run_moves: list[RunMove] = field(default_factory=list)
    delivery_moves: list[DeliveryMove] = field(default_factory=list)
    schedule_moves: list[ScheduleMove] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    sink: list[SinkEvent] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    number: Iterator[int] = field(default_factory=count)

    def history(self, until: float) -> History:
        """All of it in its order."""
        every: list[RunMove | DeliveryMove | ScheduleMove] = [
            *self.run_moves,
            *self.delivery_moves,
            *self.schedule_moves,
        ]
        for rows in (self.run_moves, self.delivery_moves, self.schedule_moves):
            rows.clear()
        every.sort(key=lambda move: move.at)
        for seq, move in enumerate(every, start=1):
            if isinstance(move, RunMove):
                self.run_moves.append(move._replace(seq=seq))
            elif isinstance(move, DeliveryMove):
                self.delivery_moves.append(move._replace(seq=seq))
            else:
                self.schedule_moves.append(move._replace(seq=seq))
        self.sink.sort(key=lambda event: event.at)
        self.faults.sort()
        self.starts.sort(key=lambda start: start.at)
        return History(
            versions=self.versions,
            schedule_moves=self.schedule_moves,
            runs=self.runs,
            run_moves=self.run_moves,
            deliveries=self.deliveries,
            delivery_moves=self.delivery_moves,
            sink=self.sink,
            starts=self.starts,
            faults=self.faults,
            until=until,
        )


class Story:
    """One run from its row to its end; each method is a statement of the engine and what the world sees of it."""

    def __init__(self, book: Book, schedule: str, tenant: str, slot: float, origin: str = "schedule") -> None:
        self.book = book
        self.schedule, self.tenant, self.slot, self.origin = schedule, tenant, round(slot * 1000), origin
        self.run = f"r-{next(book.number)}"
        self.at = slot
        self.state, self.fence, self.attempt, self.max_attempts, self.version = "", 0, 0, 3, 1
        self.process: str | None = None
        self.reason: str | None = None
        self.available_at: float = slot
        self.released_at: float | None = None
        self.finished_at: float | None = None

    def write(self, state: str, *, move: str = "update", wait: float = 0.01) -> None:
        """The row as it is now, a moment later."""
        self.at += wait
        self.state = state
        is_open = state in ("pending", "queued", "running")
        self.process = self.process if state in ("running", "succeeded") else None
        self.finished_at = None if is_open else self.at
        row = (self.run, self.slot, move, state, self.fence, self.attempt, self.process, self.reason, self.available_at)
        self.book.run_moves.append(RunMove(0, self.at, *row))

    def plan(self, *, ahead: float = 0.0, gated: bool = False) -> None:
        """Inserts it, at its instant or so long before; a gated one is pending until it is released."""
        self.at -= ahead
        self.fence, self.available_at = (0, inf) if gated else (1, self.slot / 1000)
        self.released_at = None if gated else self.slot / 1000
        self.write("pending" if gated else "queued", move="insert")
        if gated:
            self.release()
        self.at = max(self.at, self.slot / 1000)

    def release(self) -> None:
        """Releases it once its wait is over."""
        if self.available_at != inf:
            self.at = max(self.at, self.available_at)
        self.fence, self.reason = self.fence + 1, None
        self.available_at = self.released_at = self.at
        self.write("queued")

    def lease(self, *, starts: bool = True) -> None:
        """Leases it for a process, whose handler says that it began."""
        self.fence, self.attempt = self.fence + 1, self.attempt + 1
        self.process = f"w-{self.book.rng.randrange(4)}"
        self.write("running")
        if starts:
            pid = int(self.process[2:]) + 100
            self.book.starts.append(Start(self.at + 0.001, self.run, self.slot, self.schedule, self.attempt, pid))

    def finish(self, state: str, wait: float = 0.0) -> None:
        """Its worker's word, under the fence of its lease."""
        if state == "pending":
            self.available_at = self.at + wait
        self.write(state, wait=0.05)

    def reap(self) -> None:
        """Its process was lost: a suspicion the first time, which is no attempt."""
        self.book.faults.append(Fault(self.at + 0.01, self.at + 0.5, "kill worker", str(self.process)))
        self.fence, self.attempt, self.reason = self.fence + 1, self.attempt - 1, "suspect"
        self.available_at = self.at + 1
        self.write("pending", wait=1.0)

    def give_back(self) -> None:
        """Its process stops, and the attempt does not count."""
        self.book.faults.append(Fault(self.at + 0.01, self.at + 0.02, "stop worker", str(self.process)))
        self.fence, self.attempt, self.reason, self.available_at = self.fence + 1, self.attempt - 1, "drain", self.at
        self.write("pending")

    def cancel(self) -> None:
        """Cancelled while nobody works on it."""
        self.fence, self.reason = self.fence + 1, "asked"
        self.write("cancelled")

    def skip(self, until: float, slots: int, reason: str = "misfire") -> None:
        """A row of skips instead of a run."""
        self.reason = reason
        self.write("skipped", move="insert")
        self.close(until=round(until * 1000), skipped=slots)

    def close(self, until: int | None = None, skipped: int | None = None) -> Run:
        """The row as it stands at the end."""
        run = Run(
            run=self.run,
            slot=self.slot,
            tenant=self.tenant,
            schedule=self.schedule,
            version=self.version,
            kind="report",
            origin=self.origin,
            state=self.state,
            reason=self.reason,
            fence=self.fence,
            attempt=self.attempt,
            max_attempts=self.max_attempts,
            released_at=self.released_at,
            started_at=None,
            finished_at=self.finished_at,
            skipped_until=until,
            skipped_count=skipped,
            created_at=self.slot / 1000,
        )
        self.book.runs.append(run)
        return run

    def tell(self, word: str) -> Run:
        """The whole story of that name."""
        self.plan(ahead=self.book.rng.choice((0.0, 0.0, 5.0)), gated=word in ("cancelled", "retried"))
        if word == "cancelled":
            self.cancel()
            return self.close()
        self.lease()
        if word in ("retried", "dead", "replayed"):
            while self.attempt < self.max_attempts - (word == "retried"):
                self.finish("pending", wait=self.book.rng.uniform(0, 2))
                self.release()
                self.lease()
        if word == "lost":
            self.reap()
            self.release()
            self.lease()
        if word == "given_back":
            self.give_back()
            self.release()
            self.lease()
        if word == "asked_off":
            self.write("running")
        self.finish({"dead": "dead", "replayed": "dead", "asked_off": "cancelled"}.get(word, "succeeded"))
        if word == "replayed":
            self.reason, self.fence, self.available_at = "replayed", self.fence + 1, self.at
            self.max_attempts = self.attempt + 3
            self.write("pending")
            self.release()
            self.lease()
            self.finish("succeeded")
        return self.close()


class Mail:
    """One delivery from its row to its end, and what the sink saw of it."""

    def __init__(self, book: Book, run: Run, number: int) -> None:
        self.book, self.run = book, run
        self.delivery, self.recipient = f"d-{next(book.number)}", f"u{number}@{run.tenant}.example"
        self.message = f"<{run.run}.0@tocsin.example>"
        self.sha = sha256(self.message.encode()).hexdigest()
        self.at = run.finished_at or 0.0
        self.state, self.fence, self.attempts, self.doubts = "", 0, 0, 0
        self.process: str | None = None
        self.handed_over_at: float | None = None
        self.write("pending", move="insert", wait=0.0)

    def write(self, state: str, *, move: str = "update", wait: float = 0.01) -> None:
        """The row as it is now, a moment later."""
        self.at += wait
        self.state = state
        self.process = self.process if state == "sending" else None
        row = (self.delivery, self.run.slot, move, state, self.fence, self.attempts, self.doubts, self.process)
        self.book.delivery_moves.append(DeliveryMove(0, self.at, *row, self.handed_over_at))

    def lease(self) -> None:
        """Leases it for a process."""
        self.fence, self.attempts, self.handed_over_at = self.fence + 1, self.attempts + 1, None
        self.process = f"w-{self.book.rng.randrange(4)}"
        self.write("sending")

    def hand_over(self, *phases: str) -> None:
        """The content leaves, and the sink writes these phases."""
        self.handed_over_at = self.at + 0.01
        self.write("sending")
        for phase in phases:
            self.at += 0.01
            sha = "" if phase == "begin" else self.sha
            event = SinkEvent(self.at, "smtp", phase, self.message, self.recipient, sha, self.run.tenant)  # type: ignore[arg-type]
            self.book.sink.append(event)

    def doubt(self) -> None:
        """Its process is lost after the content left: nobody knows."""
        self.fence, self.doubts = self.fence + 1, self.doubts + 1
        self.write("pending", wait=1.0)

    def tell(self, word: str) -> Delivery:
        """The whole story of that name."""
        self.lease()
        if word == "greylisted":
            self.hand_over("begin", "cut")
            self.write("pending")
            self.lease()
        elif word == "reaped":
            self.fence += 1
            self.write("pending")
            self.lease()
        elif word in ("resent", "arrived_twice"):
            self.hand_over("begin", "cut") if word == "resent" else self.hand_over("begin", "kept", "cut")
            self.doubt()
            self.lease()
        if word == "refused":
            self.write("failed")
        elif word == "held":
            self.hand_over("begin", "kept", "cut")
            self.doubts += 1
            self.write("unknown")
        else:
            self.hand_over("begin", "kept", "replied")
            self.write("sent")
        delivery = Delivery(
            delivery=self.delivery,
            slot=self.run.slot,
            run=self.run.run,
            tenant=self.run.tenant,
            channel="email",
            recipient=self.recipient,
            state=self.state,
            fence=self.fence,
            attempts=self.attempts,
            max_attempts=12,
            unknown_count=self.doubts,
            message=self.message,
            sha=self.sha,
        )
        self.book.deliveries.append(delivery)
        return delivery
