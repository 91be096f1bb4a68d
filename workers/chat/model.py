"""The model: one turn asked for, a few times over where the trouble passes, within its time."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from db.jsonb import dumps
from telemetry import metrics
from workers.addresses import IPNetwork
from workers.chat.endpoint import Endpoint
from workers.chat.outcome import Limits, Refused, Unavailable
from workers.chat.turns import LARGEST_KEPT, Request, Turn
from workers.formats.report import MissingExtra
from workers.http import Client

_LONGEST_PAUSE = 30.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Model:
    """An endpoint, and the one way to it."""

    endpoint: Endpoint
    http: Client
    allowed: Sequence[IPNetwork] = ()

    def turn(
        self, request: Request, limits: Limits, deadline: float, is_cancelled: Callable[[], bool]
    ) -> Turn | Unavailable | Refused:
        """Return the model's whole turn, or why there is none; `deadline` is monotonic."""
        if not self.endpoint.is_installed:
            return Refused("extra", str(MissingExtra("ai", "a model")))
        count = 0
        while True:
            count += 1
            found = self._once(request, limits, deadline, is_cancelled)
            metrics.model_requests.labels("answered" if isinstance(found, Turn) else found.reason).inc()
            if isinstance(found, Turn):
                whole = found._replace(requests=count).storable()
                # Asked for again it would be as long, and paid for again.
                is_long = len(dumps(whole.as_json())) > LARGEST_KEPT
                return Refused("long", "the model's answer is longer than is kept") if is_long else whole
            if isinstance(found, Refused) or found.reason == "cancelled":
                return found
            wait = found.retry_after
            if wait is None:
                wait = limits.pause_seconds * 2 ** (count - 1) * random.uniform(0.8, 1.2)
            if count >= limits.tries or wait > _LONGEST_PAUSE or time.monotonic() + wait >= deadline:
                tries = f", {count} times" if count > 1 else ""
                return replace(found, why=found.why + tries)
            if not _paused(wait, is_cancelled):
                return Unavailable("cancelled", "the run was cancelled")

    def _once(
        self, request: Request, limits: Limits, deadline: float, is_cancelled: Callable[[], bool]
    ) -> Turn | Unavailable | Refused:
        # The libraries take a second and 30 MB: only a run that asks a model pays for its own protocol's.
        from workers.chat.transport import Carrier
        from workers.chat.trouble import trouble

        if self.endpoint.protocol == "openai":
            from workers.chat.openai_wire import turn
        else:
            from workers.chat.anthropic_wire import turn
        carrier = Carrier(self.http, tuple(self.allowed), deadline, limits.idle_seconds, is_cancelled)
        try:
            return turn(self.endpoint, request, carrier)
        except Exception as error:  # noqa: BLE001  whatever is made of another's answer: it is no bug of the run
            return trouble(error, self.endpoint)


def _paused(seconds: float, is_cancelled: Callable[[], bool]) -> bool:
    """Waits; False as soon as the run is cancelled."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if is_cancelled():
            return False
        time.sleep(min(left, _LOOK_SECONDS))
    return not is_cancelled()
