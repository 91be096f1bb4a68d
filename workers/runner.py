"""The runner: bounded threads for plain kinds, one event loop for async kinds, and how much room there is."""

import asyncio
import contextlib
import math
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from telemetry.log import Events

events = Events("worker")

Work = TypeVar("Work")

_FIRST_WINDOW = 32
_LARGEST_WINDOW = 256
_WINDOW_SECONDS = 0.05
_GLANCE_SECONDS = 0.004
_ASYNC_LIMIT = 1000
_PATIENCE_SECONDS = 0.002
_IMPATIENCE_SECONDS = 0.0002


class Turn(Generic[Work]):
    """A thread's turn at the head of the line; `work` is what it runs just now."""

    work: Work | None = None


class Runner(Generic[Work]):
    """Runs what it is given, at most as much as it has room for.

    Room is the idle threads, and beyond them what the runner lately got through in a twentieth of a second: short
    work is leased ahead in packs, slow work is left to a neighbour who is idle. An idle runner knows nothing yet and
    leases ahead what it got through before it fell idle, a little at least; what then turns out slow is given back.
    Where async works came last, that little is leased however slow the threads are: none of them is needed.

    One thread at a time takes from the line: whoever came through the door, while the others wait before it. So a pack
    of short works is one thread's, and wakes no others to fight for the interpreter. When works wait behind one that
    has run for two milliseconds, the watch opens the door for the next thread; that one's first work has a tenth of
    that, since slow works come together. A thread whose turn was ended so runs its work to the end, and waits at the
    door again.
    """

    def __init__(
        self, threads: int, run: Callable[[Work], None], run_async: Callable[[Work], Coroutine[Any, Any, None]]
    ) -> None:
        self._run = run
        self._run_async = run_async
        self._threads = threads
        # A token for each work, put after it: whoever has one finds a work.
        self._tokens: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._first: deque[Work] = deque()
        self._line: deque[Work] = deque()
        self._door = threading.Lock()
        self._turn: Turn[Work] | None = None
        self._is_crowded = threading.Event()
        self._changed = threading.Condition()
        self._held = 0
        self._held_async = 0
        self._done = 0
        self._rate = 0.0
        self._last_rate = 0.0
        self._rated_at = math.inf
        self._wanted: list[tuple[int, int]] = []
        # The priorities at which async works came: these alone wait for an end once the loop holds its most.
        self._async_lanes: set[int] = set()
        # Those of them at which nothing else came last: what comes there needs no thread.
        self._quick_lanes: set[int] = set()
        self.is_closed = False
        self._workers = [
            threading.Thread(target=self._work, name=f"run-{number}", daemon=True) for number in range(threads)
        ]
        self._watch_thread = threading.Thread(target=self._watch, name="run-watch", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop_thread = threading.Thread(target=self._run_loop, name="run-loop", daemon=True)

    def start(self) -> None:
        """Starts the threads."""
        for thread in (*self._workers, self._watch_thread, self._loop_thread):
            thread.start()

    def wait_for_room(self, priority: int, wanted: int) -> int:
        """How much of `wanted` may be leased now, waiting until it is something, and kept for `take`; 0 once closed.

        Of several that wait, the lowest priority number goes first. Beside short work it waits for a good part: one
        statement for each run that ends would cost more than the runs.
        """
        with self._changed:
            self._wake(0)
            self._wanted.append((priority, wanted))
            try:
                while not self.is_closed and not self._may_have(priority, wanted):
                    # Room also grows with time, when what is held turns out slow.
                    self._changed.wait(_WINDOW_SECONDS)
                granted = 0 if self.is_closed else min(wanted, self._room(priority))
                self._held += granted
            finally:
                self._wanted.remove((priority, wanted))
                self._changed.notify_all()
            return granted

    def room(self) -> int:
        """How much may be leased now."""
        with self._changed:
            self._wake(0)
            return 0 if self.is_closed else self._room()

    def has_idle_thread(self) -> bool:
        """Whether a plain work given now would begin at once."""
        with self._changed:
            return self._held < self._threads

    def take(
        self,
        works: Sequence[tuple[Work, bool]],
        granted: int = 0,
        *,
        goes_first: bool = False,
        priority: int | None = None,
    ) -> None:
        """Takes on works, each with whether it is async, in place of the room that was granted for them at a priority.

        What goes first begins before all that does not.
        """
        line = self._first if goes_first else self._line
        for_loop = [work for work, is_async in works if is_async]
        for_threads = [work for work, is_async in works if not is_async]
        with self._changed:
            self._wake(granted)
            # What waits on the loop holds up nobody, and says nothing of how fast the threads are.
            if for_threads and self._rated_at == math.inf:
                self._rated_at = time.monotonic()
            self._held += len(for_threads) - granted
            self._held_async += len(for_loop)
            if works and priority is not None:
                self._note_lane(priority, is_async=bool(for_loop), is_plain=bool(for_threads))
            if granted:
                self._changed.notify_all()
        if for_loop:
            self._loop.call_soon_threadsafe(self._begin_async, for_loop)
        for work in for_threads:
            line.append(work)
            self._tokens.put(None)
        if (turn := self._turn) is not None and turn.work is not None:
            self._is_crowded.set()

    def close(self) -> None:
        """Takes nothing more; whoever waits for room gets none."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def wait_until_idle(self, timeout: float) -> bool:
        """Waits until everything taken has ended; False when `timeout` seconds passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._held + self._held_async == 0, timeout)

    def is_stalled(self) -> bool:
        """True when nothing ended lately: what was leased ahead should be given back to neighbours."""
        with self._changed:
            return self._is_stalled()

    def unstarted(self) -> list[Work]:
        """Takes back what no thread has begun."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                self._tokens.get_nowait()
                found.append(self._next())
        with self._changed:
            self._held -= len(found)
            self._changed.notify_all()
        return found

    def _room(self, priority: int | None = None) -> int:
        return 0 if self._is_full(priority) else max(0, self._threads + self._ahead(priority) - self._held)

    def _is_full(self, priority: int | None) -> bool:
        """Whether the loop holds its most and what comes at this priority may be async: plain works need no loop."""
        return self._held_async >= _ASYNC_LIMIT and (priority is None or priority in self._async_lanes)

    def _ahead(self, priority: int | None) -> int:
        """How much may wait behind the busy threads."""
        least = _FIRST_WINDOW if priority in self._quick_lanes else 0
        if self._is_stalled():
            return least
        window = min(_LARGEST_WINDOW, int((self._rate or self._last_rate) * _WINDOW_SECONDS))
        return max(least, window) if self._rate else max(_FIRST_WINDOW, window)

    def _note_lane(self, priority: int, *, is_async: bool, is_plain: bool) -> None:
        """Remembers what came at a priority."""
        if is_async:
            self._async_lanes.add(priority)
        if is_plain:
            self._quick_lanes.discard(priority)
        else:
            self._quick_lanes.add(priority)

    def _wake(self, granted: int) -> None:
        """After an idle spell the rate is unknown, and its clock starts with the first work."""
        if self._is_stalled() and self._held <= granted:
            self._last_rate = self._rate or self._last_rate
            self._rate, self._done, self._rated_at = 0.0, 0, math.inf

    def _is_stalled(self) -> bool:
        return time.monotonic() - self._rated_at > 10 * _WINDOW_SECONDS

    def _may_have(self, priority: int, wanted: int) -> bool:
        """True when nobody more urgent waits and there is room for all that is wanted, or for a good part of it."""
        if self._room(priority) < min(wanted, 1 + self._ahead(priority) // 2):
            return False
        first = self._first_wanted()
        return first is not None and priority <= first[0]

    def _first_wanted(self) -> tuple[int, int] | None:
        """The most urgent of those who wait and could have room."""
        return min((each for each in self._wanted if not self._is_full(each[0])), default=None)

    def _let_go(self, held: int, held_async: int) -> None:
        with self._changed:
            self._held -= held
            self._held_async -= held_async
            self._done += held
            now = time.monotonic()
            seconds = now - self._rated_at
            if seconds > _WINDOW_SECONDS or (self._done >= _FIRST_WINDOW and seconds > _GLANCE_SECONDS):
                self._rate = self._done / seconds
                self._done, self._rated_at = 0, now
            first = self._first_wanted() if self._wanted else None
            if self.is_closed or (first is not None and self._may_have(*first)):
                self._changed.notify_all()

    def _work(self) -> None:
        while True:
            self._door.acquire()  # the watch releases it
            turn = self._turn = Turn()
            while self._turn is turn:
                self._tokens.get()
                turn.work = work = self._next()
                if not self._tokens.empty() and not self._is_crowded.is_set():
                    self._is_crowded.set()
                try:
                    self._run(work)
                finally:
                    self._let_go(1, 0)
                turn.work = None

    def _next(self) -> Work:
        """The next work, for whoever has a token."""
        try:
            return self._first.popleft()
        except IndexError:
            return self._line.popleft()

    def _watch(self) -> None:
        """Ends the turn of a thread whose work is slow while others wait in the line."""
        patience = _PATIENCE_SECONDS
        while True:
            self._is_crowded.wait()
            self._is_crowded.clear()
            while (turn := self._turn) is not None and (work := turn.work) is not None and not self._tokens.empty():
                time.sleep(patience)
                patience = _PATIENCE_SECONDS
                if turn.work is work and not self._tokens.empty():
                    patience = _IMPATIENCE_SECONDS
                    self._turn = None
                    self._door.release()

    def _begin_async(self, works: Sequence[Work]) -> None:
        """Begins works on the loop, all at one wake-up of it."""
        for work in works:
            task = self._loop.create_task(self._work_async(work))
            # The loop itself does not keep what waits from being collected.
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _run_loop(self) -> None:
        """Runs the loop until the runner is closed.

        Without it the process would go on leasing what nobody runs, so it ends with the loop, and its leases with it.
        """
        while True:
            try:
                self._loop.run_forever()
                why = "it was stopped"
            except (SystemExit, KeyboardInterrupt) as error:
                # Of a task that a kind began by itself: whoever awaits it has this too, and nobody else is to end by it.
                events.warning("loop.interrupted", error=repr(error))
                continue
            except BaseException as error:  # noqa: BLE001  whatever it is, the loop is gone
                why = repr(error)
            break
        if not self.is_closed:
            events.error("loop.lost", error=why)
            os._exit(1)

    async def _work_async(self, work: Work) -> None:
        try:
            await self._run_async(work)
        finally:
            self._let_go(0, 1)
