"""The protocols' libraries on the one guarded client: what they send goes out by it, and nothing else does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import httpx2

from workers import addresses
from workers.addresses import Forbidden, IPNetwork
from workers.http import Client, Opened, check_url

MOST_BYTES = 4_000_000


class Cancelled(Exception):
    """The run was cancelled, or its worker must let it go."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """How far a turn's request may go: which ranges are open, until when, how long nothing may come."""

    http: Client
    allowed: tuple[IPNetwork, ...]
    deadline: float
    idle_seconds: float
    is_cancelled: Callable[[], bool]


def client(carrier: Carrier) -> httpx2.Client:
    """Return a client of the libraries' kind that has no way out of its own."""
    # Unless told otherwise it would read proxies from the environment, follow redirects and ask for packed answers.
    return httpx2.Client(
        transport=_Transport(carrier),
        trust_env=False,
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
    )


class _Transport(httpx2.BaseTransport):
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer with its body still to be read. Raises what the guarded client raises."""
        carrier = self._carrier
        url = check_url(str(request.url))
        _check_plain(url, carrier)
        own = {"host", "content-length", "connection", "transfer-encoding"}
        opened = carrier.http.open(
            request.method,
            url,
            headers={name: value for name, value in request.headers.items() if name not in own},
            content=request.read(),
            deadline=carrier.deadline,
            idle_seconds=carrier.idle_seconds,
            max_bytes=MOST_BYTES,
            kind="chat",
        )
        headers = list(opened.answer.headers.multi_items())
        return httpx2.Response(opened.answer.status_code, headers=headers, stream=_Body(opened, carrier.is_cancelled))


class _Body(httpx2.SyncByteStream):
    def __init__(self, opened: Opened, is_cancelled: Callable[[], bool]) -> None:
        self._opened = opened
        self._is_cancelled = is_cancelled

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._opened:
            if self._is_cancelled():
                raise Cancelled
            yield piece

    def close(self) -> None:
        self._opened.close()


def _check_plain(url: str, carrier: Carrier) -> None:
    """Pass unless figures and the key would cross a network in plain text. Raises Forbidden."""
    parsed = httpx.URL(url)
    if parsed.scheme == "https":
        return
    targets = addresses.resolve(parsed.host, parsed.port or 80, carrier.allowed, carrier.idle_seconds)
    if not all(target.is_opened for target in targets):
        raise Forbidden("http:// would send figures and the key in plain text; take https://")
