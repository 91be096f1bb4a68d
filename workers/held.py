"""What answers hold in memory, from their first byte until they are stored: a bound that makes others wait and fails none."""

import asyncio
import contextlib
import threading
import weakref


class Memory:
    """Counts what is held. Beyond `most` one at a time goes on, so that somebody always ends, and the others wait.

    Waited for on one event loop; what was kept may go in any thread.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sizes: dict[int, int] = {}
        self._held = 0
        # What was held most at any time.
        self.peak = 0
        self._beyond: int | None = None
        self._lock = threading.Lock()
        self._freed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def hold(self, owner: object, size: int) -> None:
        """Counts so many bytes for the owner, instead of what it had; none: it is through."""
        self._set(id(owner), size)
        if not size:
            self._freed.set()

    def keep(self, what: object, size: int) -> None:
        """Counts so many bytes until nobody knows the thing any more."""
        self._loop = asyncio.get_running_loop()
        self._set(id(what), size)
        weakref.finalize(what, self._gone, id(what)).atexit = False

    def has_room(self, owner: object) -> bool:
        """Whether the owner may hold more: there is room, or it is the one that goes beyond."""
        if self._held <= self._most:
            return True
        if self._beyond is None:
            self._beyond = id(owner)
        return self._beyond == id(owner)

    async def room(self, owner: object) -> None:
        """Waits until the owner may hold more."""
        while not self.has_room(owner):
            self._freed.clear()
            await self._freed.wait()

    def _set(self, owner: int, size: int) -> None:
        with self._lock:
            self._held += size - self._sizes.pop(owner, 0)
            self.peak = max(self.peak, self._held)
            if size:
                self._sizes[owner] = size
            elif self._beyond == owner:
                self._beyond = None

    def _gone(self, what: int) -> None:
        self._set(what, 0)
        if self._loop is not None:
            # A loop that was closed has nobody who waits.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._freed.set)
