"""What a web process holds while it runs, and how a handler gets it."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import cast

from fastapi import Request

from api.gauges import Gauges
from api.limits import Limit
from api.oidc import Provider
from api.pasts import Pasts
from api.settings import Settings
from config.seal import Seal
from db.pool import Connection, Pool
from db.store import Store
from db.walls import has_wall
from workers.http import Client
from workers.kind import Kind

PER_CALLER = 3_000
PER_TENANT = 6_000
WRONG_TOKENS = 30
# Of one address: links in mails, which a proxy of ours or a mail program's servers follow for many people, and
# providers' calls.
PER_VISITOR = 600
PER_PROVIDER = 1_200
_MOST_KNOWN = 1_000


@dataclass(slots=True)
class Web:
    """The settings, the connections, the kinds and the counters of one web process; any thread may use it."""

    settings: Settings
    pool: Pool
    kinds: Mapping[str, Kind]
    gauges: Gauges
    seal: Seal
    per_caller: Limit
    per_tenant: Limit
    wrong_tokens: Limit
    per_visitor: Limit
    per_provider: Limit
    http: Client
    provider: Provider | None = None
    store: Store | None = None
    pasts: Pasts = field(default_factory=Pasts)
    good_tokens: "OrderedDict[bytes, None]" = field(default_factory=OrderedDict)
    _is_walled: bool | None = None
    _lock: Lock = field(default_factory=Lock)

    def remember(self, token_hash: bytes) -> None:
        """Notes that a token was good, so that wrong ones from the same address do not shut it out."""
        with self._lock:
            self.good_tokens[token_hash] = None
            self.good_tokens.move_to_end(token_hash)
            if len(self.good_tokens) > _MOST_KNOWN:
                self.good_tokens.popitem(last=False)

    def forget(self, token_hash: bytes) -> None:
        """Notes that a token is good no more."""
        with self._lock:
            self.good_tokens.pop(token_hash, None)

    def is_walled(self, conn: Connection) -> bool:
        """True when the second wall stands; looked at once, on the connection that the request has already.

        A second one for it would starve a burst of first requests: each holds one while it waits for another.
        """
        if self._is_walled is None:
            self._is_walled = has_wall(conn)
        return self._is_walled


def web_of(request: Request) -> Web:
    """The web process that serves the request."""
    return cast(Web, request.app.state.web)
