"""A run as an async kind reaches it: what waits for a database or a network does so in a thread, off the event loop.

There is one guarded client and one journal, and these are they. The threads are at most 64 and die with the process: those
of asyncio.to_thread would hold up its end until the slowest call has its answer.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from workers.artifacts import Artifact, Content

if TYPE_CHECKING:
    from workers.http import Client, Response
    from workers.kind import Context
    from workers.sources import Source

Value = TypeVar("Value")

_MOST_THREADS = 64


class _Threads:
    """Threads that call what they are given, begun when none is idle."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changed = threading.Lock()
        self._count = 0
        self._open = 0

    def give(self, call: Callable[[], None]) -> None:
        """Has it called by the next thread that is free."""
        with self._changed:
            self._open += 1
            is_short = self._open > self._count and self._count < _MOST_THREADS
            self._count += is_short
        if is_short:
            threading.Thread(target=self._work, name="run-aio", daemon=True).start()
        self._calls.put(call)

    def _work(self) -> None:
        while True:
            self._calls.get()()
            with self._changed:
                self._open -= 1


_threads = _Threads()


class LeftLoop(Exception):
    """A kind raised what would end the loop of all kinds: what it was is the cause."""


async def contained(run: Callable[..., Any], context: "Context[Any]") -> Any:
    """What an async kind returns. Raises what it raises, but LeftLoop for what a task hands on to whoever runs the loop."""
    try:
        return await run(context)
    except (SystemExit, KeyboardInterrupt) as error:
        raise LeftLoop from error


async def off_loop(work: Callable[..., Value], *args: Any, **options: Any) -> Value:
    """What a function that waits answers, called in a thread; raises what it raises."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Value] = loop.create_future()

    def settle(value: Value | None, error: BaseException | None) -> None:
        if future.done():  # nobody waits any more
            return
        if error is None:
            future.set_result(value)  # type: ignore[arg-type]  # one of the two is there
        else:
            future.set_exception(error)

    def call() -> None:
        value, error = None, None
        try:
            value = work(*args, **options)
        except BaseException as raised:  # noqa: BLE001  it is raised again where it is awaited
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, value, error)

    _threads.give(call)
    return await future


@dataclass(frozen=True, slots=True)
class AioHttp:
    """The guarded client, awaited. A call whose run is cancelled goes on in its thread, and nobody hears its answer."""

    client: "Client"

    async def request(self, method: str, url: str, **options: Any) -> "Response":
        """Return the answer, whatever its status; takes and raises what Client.request does."""
        return await off_loop(self.client.request, method, url, **options)

    async def post(self, url: str, **options: Any) -> "Response":
        """Return the answer to a POST."""
        return await self.request("POST", url, **options)


@dataclass(frozen=True, slots=True)
class Aio:
    """What Context has, for `await`. Deadline, params and `deliver` wait for nothing and stay the context's own."""

    context: "Context[Any]"

    @property
    def http(self) -> AioHttp:
        """The guarded client."""
        return AioHttp(self.context.http)

    async def step(self, name: str, work: Callable[[], Awaitable[Value]]) -> Value:
        """The result of `work`, an async function, done once for the run however often it is attempted; see Context.step."""
        journal = self.context.journal
        stored = await off_loop(journal.find_step, name)
        if stored is not None:
            found: Value = stored[0]
            return found
        made: Value = await off_loop(journal.keep_step, name, await work())
        return made

    async def keep(
        self, name: str, content: Content, content_type: str, format: str, record_count: int | None = None
    ) -> Artifact:
        """The file of that name, kept once for the run; see Context.keep."""
        return await off_loop(self.context.keep, name, content, content_type, format, record_count)

    async def read_kept(self, name: str) -> bytes:
        """The bytes of a file that this run has kept. Raises LookupError without one of that name."""
        return await off_loop(self.context.read_kept, name)

    async def log(self, message: str, **fields: Any) -> None:
        """Keeps a line in the run's log."""
        await off_loop(self.context.log, message, **fields)

    async def progress(self, fraction: float, note: str = "") -> None:
        """Shows how far the run is: a fraction from 0 to 1 and a note."""
        await off_loop(self.context.progress, fraction, note)

    async def source(self, name: str) -> "Source":
        """The tenant's source of that name or id; its queries wait, so call them by asyncio.to_thread."""
        return await off_loop(self.context.source, name)
