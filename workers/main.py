"""The worker process: settings -> database -> broker -> runner -> signals; drains on SIGTERM."""

import gc
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import dramatiq

from config.environ import CROWDS, QUEUES, metrics_folder
from config.faults import faultpoint
from config.signals import SignalEvent, set_off, set_on
from db import migrate, processes, sealed
from db.arrival import when_there
from db.jsonb import rfc3339
from db.pool import Connection, DatabaseError
from db.store import Store
from telemetry import exporter, metrics, telling, traces
from telemetry.log import Events
from workers import action_links, artifact_links, kinds
from workers.artifacts import Shelf
from workers.async_http import AsyncClient
from workers.broker import ALL_QUEUES, LANES, SUSPECT, WINDOW, open_broker
from workers.channels import open_mail
from workers.channels.poster import Poster
from workers.crew.caller import Caller
from workers.deliver import Deliverer
from workers.execute import Executor
from workers.finish import End, Finisher
from workers.forgotten import Forgotten
from workers.hold import Hold, Works
from workers.http import Client
from workers.lease import Leaser, Work
from workers.look import Look
from workers.mail_rules import RuleBook
from workers.posting import Posting
from workers.runner import Runner
from workers.settings import Settings
from workers.supervisor import is_orphan, supervise, wait

events = Events("worker")

_DELIVERY_THREADS = 4
# Whatever the number of threads, for each asks seldom and shortly; beside them a worker holds six of one use each.
_CONNECTIONS = 8
GRACE_SECONDS = 25.0
# Of the grace, what giving back and ending take at most on a busy machine.
_RELEASE_SECONDS = 3.0


class Worker:
    """One worker process: everything that it runs, started and stopped in order."""

    def __init__(self, settings: Settings) -> None:
        database = settings.database
        self._settings = settings
        self._kinds = kinds.load(settings.kinds) | kinds.INNER
        metrics.begin_at_zero(self._kinds)
        self._conn = database.connect("worker")
        lease = processes.register(
            self._conn, "worker", settings.lease_seconds, queues=settings.queues, threads=settings.threads
        )
        self._heartbeat = processes.Heartbeat(database, "worker", lease, settings.queues, settings.threads)
        self._pool = database.open_pool("worker", _CONNECTIONS)
        # Of each lane all leasing goes through one connection, whose plans are made once; it is short, and takes turns.
        self._lease_pools = database.open_pool("worker lease", 1), database.open_pool("worker first lease", 1)
        mailer = (
            open_mail(settings.mail_url, settings.mail_from, allowed=settings.egress_allow, aws=settings.aws)
            if settings.mail_url
            else None
        )
        http = Client(allowed=settings.egress_allow, observe=_observe_http)
        rules = RuleBook(self._pool, settings.mail_from, settings.mode, settings.recipient_domains)
        link_keys = settings.seal.derived(action_links.PURPOSE)
        posting = Posting(self._pool, settings.seal, Poster(http))
        self._deliverer = Deliverer(self._pool, self._heartbeat, mailer, rules, _DELIVERY_THREADS, link_keys, posting)
        self._finisher = Finisher(database, self._told)
        self._leaser = Leaser(self._kinds, self._pool, self._lease_pools, self._heartbeat)
        shelf = Shelf(
            Store(settings.artifact_url) if settings.artifact_url else None,
            settings.url,
            settings.seal.derived(artifact_links.PURPOSE),
        )
        calling = AsyncClient(allowed=settings.egress_allow, observe=_observe_http)
        self._caller = Caller(database, calling, settings.seal)
        self._executor = Executor(settings, self._pool, self._finisher, http, shelf, self._caller)
        self._runner: Runner[Work] = Runner(settings.threads, self._executor.run, self._executor.run_async)
        self._hold = Hold(self._runner.take)
        self._suspects = threading.Semaphore(1)
        self._look = Look(
            self._pool,
            self._heartbeat,
            self._leaser,
            self._executor,
            self._runner,
            self._deliverer,
            settings.queues,
            self._suspects,
            Forgotten(self._pool, self._lease_pools, self._heartbeat, self._leaser.held, self._deliverer.held),
        )
        self._broker = self._declare(settings)
        consumed = {*settings.queues, *(CROWDS[QUEUES.index(queue)] for queue in settings.queues), SUSPECT}
        # Every fetched message has a thread at once: none waits behind another that waits for room.
        self._consumer = dramatiq.Worker(
            self._broker, queues=consumed, worker_timeout=100, worker_threads=WINDOW * len(consumed)
        )

    def start(self) -> None:
        """Starts taking work."""
        self._heartbeat.start()
        self._runner.start()
        self._hold.start()
        self._finisher.start()
        self._caller.start()
        self._deliverer.start()
        self._consumer.start()
        self._look.start()

    def stop(self, grace_seconds: float) -> None:
        """Stops taking work, ends what runs, gives back what did not begin or does not end in time."""
        deadline = time.monotonic() + grace_seconds
        self._runner.close()
        self._look.stop()
        held = self._hold.close()
        self._runner.take([], len(held))  # gives back the room that was granted for them
        unstarted = [*held, *self._runner.unstarted()]
        self._leaser.give_back([work.leased for work in unstarted], "worker_stopped")
        consumer = threading.Thread(target=self._consumer.stop, args=(2000,), daemon=True)
        consumer.start()
        if not self._runner.wait_until_idle(max(0.0, deadline - time.monotonic() - _RELEASE_SECONDS)):
            self._give_back_running()
        self._caller.stop()
        self._finisher.stop(5)
        self._deliverer.stop(max(0.5, deadline - time.monotonic()))
        consumer.join(max(0.1, deadline - time.monotonic()))
        self._heartbeat.stop()
        processes.stop(self._conn, self._heartbeat.lease)
        for pool in (self._pool, *self._lease_pools):
            pool.close(1)
        self._conn.close()

    def _give_back_running(self) -> None:
        """Gives back the runs that did not end within the grace; what their threads still return is void."""
        works = list(self._executor.running.values())
        events.warning("drain.cut", runs=len(works))
        self._leaser.give_back([work.leased for work in works], "worker_stopped")
        for work in works:
            if work.context is not None:
                work.context.cancelled.set()
                work.interrupt()

    def _declare(self, settings: Settings) -> dramatiq.Broker:
        broker = open_broker(settings.broker_url, settings.threads + WINDOW * 3 * len(ALL_QUEUES))
        for name in ALL_QUEUES:
            broker.declare_queue(name)

        @dramatiq.actor(broker=broker, actor_name="start_runs", queue_name=QUEUES[-1])
        def start_runs(queue: str, pointers: list[tuple[str, int]]) -> None:
            """Leases the members of a pack as the runner has room; returns once all are leased here or elsewhere."""
            self._start(LANES.index(queue), pointers)

        @dramatiq.actor(broker=broker, actor_name="start_suspects", queue_name=SUSPECT)
        def start_suspects(_queue: str, pointers: list[tuple[str, int]]) -> None:
            """Leases suspects one at a time, so that one that kills its process is known by it."""
            for pointer in pointers:
                self._start_suspect(pointer)

        return broker

    def _start(self, priority: int, pointers: list[tuple[str, int]]) -> None:
        faultpoint("after_fetch")
        goes_first = priority < len(QUEUES)
        while pointers:
            room = self._runner.wait_for_room(priority, len(pointers))
            if not room:
                return
            works: Works = []
            early = 0
            try:
                leased = self._leaser.lease(pointers[:room], goes_first=goes_first)
                works = self._hold.keep(leased, goes_first=goes_first)
                early = len(leased) - len(works)
            finally:
                self._runner.take(works, room - early, goes_first=goes_first, priority=priority)
            pointers = pointers[room:]
        faultpoint("before_ack")

    def _start_suspect(self, pointer: tuple[str, int]) -> None:
        self._suspects.acquire()
        works: list[tuple[Work, bool]] = []
        try:
            if not self._runner.is_closed:
                works = self._leaser.lease([pointer])
        finally:
            if not works:
                self._suspects.release()
        for work, _ in works:
            work.when_done = self._suspects.release
        self._runner.take(works)

    def _told(self, ends: Sequence[End]) -> None:
        """Ends were committed: count them, say them, and deliver what they tell."""
        for (kind, outcome), count in Counter((end.leased.kind, end.attempt_outcome) for end in ends).items():
            metrics.attempts.labels(kind, outcome).inc(count)
        for (kind, state), count in Counter((end.leased.kind, end.state) for end in ends).items():
            if state != "pending":
                metrics.runs.labels(kind, state).inc(count)
        for end in ends:
            run = end.leased
            metrics.run_seconds_of(run.kind, end.attempt_outcome).observe(end.seconds)
            if end.state != "pending":
                traces.ended(run.id, kind=run.kind, state=end.state, origin=run.origin)
            _teller(end)(
                "run.ended",
                run_id=run.id,
                slot_at=rfc3339(run.slot_at),
                schedule_id=run.schedule_id,
                kind=run.kind,
                state=end.state,
                attempt=run.attempt,
                error=end.error,
            )
            if end.intents:
                faultpoint("after_intent")
            for intent in end.intents:
                if intent.state == "pending":
                    self._deliverer.offer(intent.id, run.slot_at)


def _teller(end: End) -> Callable[..., None]:
    """The level of an attempt's end: a dead run is somebody's to mend, and one that is tried again is not."""
    if end.state == "succeeded":
        return events.debug
    if end.state == "dead":
        return events.error
    is_retried = end.state == "pending" and end.attempt_outcome != "waited"
    return events.warning if is_retried else events.info


def _observe_http(kind: str, outcome: str, seconds: float) -> None:
    metrics.http_out_seconds.labels(kind, outcome).observe(seconds)
    traces.took("http", seconds, kind=kind, outcome=outcome)


def main(grace_seconds: float = GRACE_SECONDS, parent: int | None = None) -> int:
    """Runs the worker, as many processes as WORKER_PROCESSES says, until SIGTERM; returns the exit status.

    With `parent` given it is one of a supervisor's processes, and stops as by SIGTERM when that one is gone.
    """
    settings = Settings.from_environ()
    settings.telling.begin("worker", processes.VERSION)
    if settings.processes > 1 and metrics_folder() is None:
        return supervise(settings, grace_seconds)
    stopping = SignalEvent()
    set_on(stopping)
    if settings.metrics_port is not None and settings.processes == 1:
        events.info("metrics.served", port=exporter.serve(settings.metrics_port))

    def checked(conn: Connection) -> bool:
        migrate.check(conn)
        is_held = settings.mode == "held" or migrate.is_foreign(conn)
        if parent is None and not is_held:
            sealed.check(conn, settings.seal)
        return is_held

    is_held = when_there(
        settings.database, "worker", checked, lambda seconds: stopping.wait(seconds) or is_orphan(parent)
    )
    if is_held is None:
        return _stopped()
    if is_held:
        events.warning("worker.held", why="TOCSIN_MODE is held, or this database is a copy: see `tocsin doctor`")
        wait(stopping, parent)
        return _stopped()
    worker = Worker(settings)
    worker.start()
    _spare_the_collector()
    events.info("worker.started", mode=settings.mode, threads=settings.threads, queues=",".join(settings.queues))
    wait(stopping, parent)
    events.info("worker.draining")
    try:
        worker.stop(grace_seconds)
    except DatabaseError as error:
        events.warning("worker.row_left", error=str(error).strip())
    return _stopped()


def _stopped() -> int:
    """The exit status of a worker that ends in order."""
    telling.end()
    events.info("worker.stopped")
    set_off()
    return 0


def _spare_the_collector() -> None:
    """What is loaded by now is never looked at again; runs leave no cycles, so there is little to find besides."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)
