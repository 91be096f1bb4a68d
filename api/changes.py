"""Tells open pages that their tenant's picture changed: one look at the database for all who listen, and no news in it.

What is told is only that something changed; the page reads again what it may see. Lives on the event loop alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from uuid import UUID

from db.pool import DatabaseError
from telemetry.log import Events

events = Events("web")

BEAT_SECONDS = 2.0
# Behind proxies that end what is silent.
_SILENCE_SECONDS = 15.0
MOST_LISTENERS = 500
MOST_OF_CALLER = 12
_MOST_LOOKS = 4


class TooManyListeners(Exception):
    """As many pages listen as may; this one reads again by hand."""


class _Watch:
    """One tenant's picture: the word that stands for it, and what is set when it becomes another."""

    def __init__(self) -> None:
        self.word = ""
        self.turned = asyncio.Event()
        self.listeners = 0
        self.looking: asyncio.Task[None] | None = None

    def turn(self) -> None:
        """Wakes all who wait."""
        self.turned.set()
        self.turned = asyncio.Event()


class Changes:
    """Who listens in this process. `sign` answers the word of a tenant's picture, in a thread."""

    def __init__(
        self,
        sign: Callable[[UUID], str],
        *,
        beat_seconds: float = BEAT_SECONDS,
        most: int = MOST_LISTENERS,
        most_of_caller: int = MOST_OF_CALLER,
    ) -> None:
        self._sign = sign
        self._beat = beat_seconds
        self._most = most
        self._most_of_caller = most_of_caller
        self._watches: dict[UUID, _Watch] = {}
        self._callers: Counter[str] = Counter()
        self._looks = asyncio.Semaphore(_MOST_LOOKS)
        self._is_stopping = False

    def enter(self, who: str) -> None:
        """Counts a listener; `leave` takes it away. Raises TooManyListeners."""
        if self._is_stopping or self._callers.total() >= self._most or self._callers[who] >= self._most_of_caller:
            raise TooManyListeners
        self._callers[who] += 1

    def leave(self, who: str) -> None:
        """Takes a listener away."""
        self._callers[who] -= 1
        if self._callers[who] <= 0:
            del self._callers[who]

    def stop(self) -> None:
        """Ends every stream, and lets no more in."""
        self._is_stopping = True
        for watch in self._watches.values():
            watch.turn()

    async def listen(self, tenant_id: UUID, seen: str, seconds: float) -> AsyncIterator[str]:
        """The stream of one listener who knows the picture as `seen`: `news` whenever it is another, for so long."""
        watch = self._join(tenant_id)
        try:
            end = asyncio.get_running_loop().time() + seconds
            yield "retry: 1000\n\n"
            while not self._is_stopping:
                turned, word = watch.turned, watch.word
                if word not in ("", seen):
                    yield f"id: {word}\nevent: news\ndata: \n\n" if seen else f"id: {word}\n\n"
                    seen = word
                    continue
                left = end - asyncio.get_running_loop().time()
                if left <= 0:
                    return
                try:
                    async with asyncio.timeout(min(left, _SILENCE_SECONDS)):
                        await turned.wait()
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            self._part(tenant_id, watch)

    def _join(self, tenant_id: UUID) -> _Watch:
        watch = self._watches.setdefault(tenant_id, _Watch())
        watch.listeners += 1
        if watch.looking is None:
            watch.looking = asyncio.get_running_loop().create_task(self._look(tenant_id, watch))
        return watch

    def _part(self, tenant_id: UUID, watch: _Watch) -> None:
        watch.listeners -= 1
        if watch.listeners == 0:
            del self._watches[tenant_id]
            if watch.looking is not None:
                watch.looking.cancel()

    async def _look(self, tenant_id: UUID, watch: _Watch) -> None:
        """Looks at the picture again and again, until nobody listens."""
        while True:
            try:
                async with self._looks:
                    word = await asyncio.to_thread(self._sign, tenant_id)
            except DatabaseError as error:
                # While Postgres is away nothing is known to change; the pages say so themselves.
                events.warning("changes.not_seen", error=str(error).strip())
            except Exception as error:  # noqa: BLE001  one look that failed leaves nobody without the next
                events.error("changes.failed", error=repr(error))
            else:
                if word != watch.word:
                    watch.word = word
                    watch.turn()
            await asyncio.sleep(self._beat)
