"""Mail by a provider's HTTP call: one call a recipient, with the hand-over written out as for SMTP.

The last byte of the body is the dot: before it nothing can be accepted, so whatever breaks is `pending`; between it and
the answer it may be, so what breaks there is `unknown`, unless the provider knows a repeat by its key.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, Protocol

from config.faults import faultpoint
from workers.addresses import Forbidden
from workers.channels.email import mailbox
from workers.channels.receipt import Guard, Receipt
from workers.http import BadUrl, Client, HttpError, Response, TooLarge

SEND_SECONDS = 60.0
# Longer than this nobody is waited for: the back-off has its own end, and a header may say anything.
_LONGEST_WAIT = 6 * 3600.0
_MOST_ANSWER = 100_000

Fault = Literal["recipient", "ours", "later", "unknown"]


class Call(NamedTuple):
    """One request that hands a mail over."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Provider(Protocol):
    """What differs from provider to provider. `is_keyed`: a repeat with the same key makes no second mail."""

    name: str
    is_keyed: bool

    def call(self, recipient: str, content: bytes, key: str) -> Call:
        """Return the request that hands these bytes to this recipient."""

    def id_of(self, answer: Response) -> str:
        """Return the provider's own id of what it accepted; empty where it says none."""

    def fault(self, answer: Response) -> Fault | None:
        """Return who is at fault for a 4xx, as this provider's answer tells; None where the status says it all."""


class HttpMail:
    """Sends by a provider; any thread may use it, each send is a connection of its own."""

    def __init__(self, provider: Provider, client: Client, *, send_seconds: float = SEND_SECONDS) -> None:
        self.is_keyed = provider.is_keyed
        self._provider = provider
        self._client = client
        self._send_seconds = send_seconds

    def send(self, recipient: str, content: bytes, guard: Guard, key: str = "") -> Receipt:
        """Return what became of the hand-over of these bytes to this recipient. Raises LeaseLost when the guard does."""
        try:
            call = self._provider.call(mailbox(recipient), content, key)
        except ValueError as error:
            return Receipt("failed", error=f"the recipient {error}")
        guard.before_connect()
        body = Guarded(call.body, guard)
        # A kept connection may be closed by the other side just as it is used again: doubt for nothing.
        headers = {**call.headers, "Content-Length": str(len(call.body)), "Connection": "close"}
        try:
            answer = self._client.request(
                "POST",
                call.url,
                headers=headers,
                content=body,
                timeout_seconds=self._send_seconds,
                max_bytes=_MOST_ANSWER,
                kind="mail",
            )
        except TooLarge as error:
            answer = error.response
        except (Forbidden, BadUrl) as error:
            return Receipt("pending", error=f"{error}: MAIL_URL", is_ours=True)
        except HttpError as error:
            return self._in_doubt(str(error)) if body.is_whole else Receipt("pending", error=str(error))
        faultpoint("after_dot")
        return self._judged(answer)

    def _in_doubt(self, error: str, code: int | None = None) -> Receipt:
        """Return `unknown`, or `pending` where the same key makes a repeat harmless."""
        return Receipt("pending" if self.is_keyed else "unknown", error=error, code=code)

    def _judged(self, answer: Response) -> Receipt:
        status = answer.status
        if status // 100 == 2:
            return Receipt("sent", _plain(self._provider.id_of(answer))[:200], code=status)
        error = f"{self._provider.name} answers {status} {said(answer)}".strip()
        fault = self._provider.fault(answer) if status // 100 == 4 else None
        match fault or _fault_of(status):
            case "recipient":
                return Receipt("failed", error=error, code=status)
            case "ours":
                return Receipt("pending", error=f"{error}: see MAIL_URL and MAIL_FROM", code=status, is_ours=True)
            case "unknown" if fault:
                return Receipt("unknown", error=error, code=status)
            case "unknown":
                return self._in_doubt(error, status)
            case _:
                return Receipt("pending", error=error, code=status, retry_after=retry_after(answer))


class Guarded:
    """The body in two pieces, each after its question to the guard; `is_whole` turns true before the last byte leaves."""

    def __init__(self, content: bytes, guard: Guard) -> None:
        self._content = content
        self._guard = guard
        self.is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        self._guard.before_data()
        yield self._content[:-1]
        self._guard.before_dot()
        self.is_whole = True
        yield self._content[-1:]


def _fault_of(status: int) -> Fault:
    if status in (400, 413, 422):
        return "recipient"
    if status in (408, 409, 423, 425, 429):
        return "later"
    # Of a gateway that did not wait: whom it asked may have accepted it.
    if status == 504:
        return "unknown"
    return "later" if status // 100 == 5 else "ours"


def retry_after(answer: Response) -> float | None:
    """Return the seconds that Retry-After tells, at most six hours; None where it tells none."""
    try:
        seconds = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else None


def told(answer: Response) -> dict[str, Any]:
    """Return the answer's JSON object; empty when it is none."""
    try:
        found = json.loads(answer.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def said(answer: Response) -> str:
    """Return one line of what the provider said, wherever it puts it."""
    found = told(answer)
    errors = found.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else found
    words = [str(first[name]) for name in ("name", "__type", "message", "Message") if first.get(name)]
    return _plain(": ".join(words))[:300]


def _plain(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode().split())
