"""The one guarded HTTP client: what every kind, source and channel calls the outside world with.

It connects to checked addresses only (workers.addresses), follows no redirect, reads no proxy or netrc setting, keeps
no cookie, ends at a total deadline however slowly the bytes drip, and cuts the answer at a size. Its errors name the
origin alone: a path, a query or a user name may be a secret. Connections are reused across threads.
"""

import contextlib
import logging
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from workers import addresses, network
from workers.addresses import Forbidden, IPNetwork

MAX_BYTES = 1_000_000
TIMEOUT_SECONDS = 30.0
MAX_URL = 2048

Observe = Callable[[str, str, float], None]


class HttpError(Exception):
    """A call that brought no usable answer."""


class Unreachable(HttpError):
    """No answer came: name, connection, TLS or protocol failed. Passing: try again later."""


class TooSlow(HttpError):
    """The deadline passed before the whole answer was here. Passing: try again later."""


class Crowded(HttpError):
    """So much was read at once that there was no room for this answer. Passing, and no fault of whom was called."""


class BadUrl(HttpError):
    """The URL is not one that can be called. Lasting: mend the URL."""


class TooLarge(HttpError):
    """The answer is larger than allowed; `response` holds its status, headers and first bytes."""

    def __init__(self, message: str, response: "Response") -> None:
        super().__init__(message)
        self.response = response


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with its status, its headers (names in any case) and its bytes as they came, still in their coding."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Client:
    """Calls public addresses, and those that `allowed` opens. Build one per process; any thread may use it.

    `observe(kind, outcome, seconds)` is called once for each call; outcome is the status class (`2xx` ... `5xx`) or
    one of forbidden, unreachable, too_slow, crowded, too_large, bad_url.
    """

    def __init__(
        self,
        *,
        allowed: Sequence[IPNetwork] = (),
        observe: Observe | None = None,
        ssl_context: ssl.SSLContext | None = None,
        user_agent: str = "Tocsin",
    ) -> None:
        # Both libraries log whole URLs, and a webhook's path is its password.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._observe = observe
        self._client = httpx.Client(
            transport=network.Transport(allowed, ssl_context or httpx.create_ssl_context(trust_env=False)),
            trust_env=False,
            follow_redirects=False,
            # One client serves every tenant: a cookie that one of them was given must not reach another.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity"},
        )

    def post(self, url: str, **options: Any) -> Response:
        """Return the answer to a POST; takes what `request` takes."""
        return self.request("POST", url, **options)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] = b"",
        timeout_seconds: float = TIMEOUT_SECONDS,
        max_bytes: int = MAX_BYTES,
        kind: str = "",
    ) -> Response:
        """Return the answer, whatever its status; redirects are answers too.

        Content in pieces goes out as they come, with a Content-Length of the caller's; what making them raises, ends it.
        Raises Forbidden and BadUrl (lasting), Unreachable and TooSlow (passing), TooLarge.
        """
        started = time.monotonic()
        outcome = "raised"
        try:
            with named_errors(f"{method} {origin(url)}"), network.ends_at(started + timeout_seconds):
                response = self._exchange(method, url, dict(headers or {}), content, max_bytes)
            outcome = f"{response.status // 100}xx"
        except (HttpError, Forbidden) as error:
            outcome = OUTCOMES[type(error)]
            raise
        else:
            return response
        finally:
            if self._observe is not None:
                self._observe(kind, outcome, time.monotonic() - started)

    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        deadline: float,
        idle_seconds: float,
        max_bytes: int = MAX_BYTES,
        kind: str = "",
    ) -> "Opened":
        """Return an answer whose bytes are read as they come; `deadline` is monotonic. Raises as `request` does."""
        opened = Opened(f"{method} {origin(url)}", deadline, idle_seconds, max_bytes, kind, self._observe)
        with opened.reading():
            request = self._client.build_request(method, check_url(url), headers=dict(headers or {}), content=content)
            opened.answer = self._client.send(request, stream=True)
        return opened

    def close(self) -> None:
        """Close the idle connections."""
        self._client.close()

    def _exchange(
        self, method: str, url: str, headers: dict[str, str], content: bytes | Iterable[bytes], max_bytes: int
    ) -> Response:
        request = self._client.build_request(method, check_url(url), headers=headers, content=content or None)
        answer = self._client.send(request, stream=True)
        try:
            return _read(answer, max_bytes)
        finally:
            answer.close()


class Opened:
    """An answer that comes in pieces. It ends at the deadline, or once nothing came for `idle_seconds`; close it."""

    answer: httpx.Response

    def __init__(
        self, called: str, deadline: float, idle_seconds: float, max_bytes: int, kind: str, observe: Observe | None
    ) -> None:
        self._called = called
        self._deadline = deadline
        self._idle_seconds = idle_seconds
        self._max_bytes = max_bytes
        self._kind = kind
        self._observe = observe
        self._started = time.monotonic()
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        """Give the pieces as they come. Raises Unreachable, TooSlow and TooLarge."""
        pieces = self.answer.iter_raw()
        size = 0
        while True:
            with self.reading():
                piece = next(pieces, None)
                size += len(piece or b"")
                if size > self._max_bytes:
                    head = Response(self.answer.status_code, self.answer.headers, b"")
                    raise TooLarge(f"the answer is larger than {self._max_bytes} bytes", head)
            if piece is None:
                return
            yield piece

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Let what the block reads end in time, and its errors be this module's."""
        ends_at = min(self._deadline, time.monotonic() + self._idle_seconds)
        try:
            with named_errors(self._called), network.ends_at(ends_at):
                yield
        except (HttpError, Forbidden) as error:
            self._end(OUTCOMES[type(error)])
            raise

    def close(self) -> None:
        """Let the connection go, also in the middle of the answer."""
        self.answer.close()
        self._end(f"{self.answer.status_code // 100}xx")

    def _end(self, outcome: str) -> None:
        if not self._is_closed and self._observe is not None:
            self._observe(self._kind, outcome, time.monotonic() - self._started)
        self._is_closed = True


OUTCOMES: dict[type[Exception], str] = {
    Forbidden: "forbidden",
    Unreachable: "unreachable",
    TooSlow: "too_slow",
    Crowded: "crowded",
    TooLarge: "too_large",
    BadUrl: "bad_url",
}


def check_url(url: str) -> str:
    """Return the URL when it can be called: http or https, a host, no user name, nothing that two parsers may read apart.

    Raises BadUrl with the reason. It resolves nothing: what the host's addresses are is checked at each connection.
    """
    if len(url) > MAX_URL:
        raise BadUrl(f"the URL is longer than {MAX_URL} characters")
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise BadUrl("the URL holds characters that have to be percent-encoded")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadUrl("the URL can't be read") from error
    if parsed.scheme not in ("http", "https"):
        raise BadUrl("the URL begins with neither http:// nor https://")
    if not parsed.host:
        raise BadUrl("the URL names no host")
    if parsed.userinfo or "@" in url.split("/", 3)[2]:
        raise BadUrl("the URL carries a user name or password; send it in a header instead")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise BadUrl("the URL names a port that is none")
    return url


def origin(url: str) -> str:
    """Return scheme, host and port: the part of a URL that may be shown."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return "the URL"
    return f"{parsed.scheme}://{parsed.host}" + (f":{parsed.port}" if parsed.port else "")


def _read(answer: httpx.Response, max_bytes: int) -> Response:
    content = bytearray()
    for chunk in answer.iter_raw():
        content += chunk
        if len(content) > max_bytes:
            head = Response(answer.status_code, answer.headers, bytes(content[:max_bytes]))
            raise TooLarge(f"the answer is larger than {max_bytes} bytes", head)
    return Response(answer.status_code, answer.headers, bytes(content))


@contextlib.contextmanager
def named_errors(called: str) -> Iterator[None]:
    """Turn what the libraries raise into this module's errors, which say whom we called and nothing secret."""
    try:
        yield
    except Forbidden as error:
        raise Forbidden(f"{called}: {error}") from None
    except addresses.Unresolved as error:
        raise Unreachable(f"{called}: {error}") from None
    except (addresses.ResolveTooSlow, httpx.TimeoutException, httpcore.TimeoutException):
        raise TooSlow(f"{called}: no whole answer before the deadline") from None
    except (
        httpx.UnsupportedProtocol,
        httpx.InvalidURL,
        httpx.LocalProtocolError,
        httpcore.LocalProtocolError,
    ) as error:
        raise BadUrl(f"{called}: {type(error).__name__}") from None
    except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise Unreachable(f"{called}: {_plain(error)}") from None


def _plain(error: Exception) -> str:
    """Return the operating system's or TLS's own words for a failure, or the class: texts from a peer are not repeated."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {cause.verify_message}"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
