"""Where a ticker's next claim begins."""

import time
from datetime import UTC, datetime
from uuid import UUID

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_ID = UUID(int=0)
_WHOLE_SECONDS = 2.0
_WHOLE_SHARE = 20


class Frontier:
    """Where the last claim ended, so that the next one does not walk over the dead entries that it left behind.

    Every two seconds it is the beginning, for what others locked and did not claim; less often where that look takes
    long, so that it has a twentieth of the time at most.
    """

    def __init__(self) -> None:
        self.at = LONG_AGO
        self.id = FIRST_ID
        self._whole_at = 0.0
        self._began: float | None = None

    def open(self) -> None:
        """A claim begins."""
        now = time.monotonic()
        self._began = None
        if now >= self._whole_at:
            self.at, self.id, self._began = LONG_AGO, FIRST_ID, now

    def close(self, last: tuple[datetime, UUID] | None) -> None:
        """A claim ended, its last schedule due at that instant; None when nothing was due."""
        if self._began is not None:
            now = time.monotonic()
            self._whole_at = now + max(_WHOLE_SECONDS, _WHOLE_SHARE * (now - self._began))
        if last is not None:
            self.at, self.id = last

    def forget(self) -> None:
        """The next claim begins at the beginning."""
        self._whole_at = 0.0
