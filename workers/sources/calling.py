"""What the sources behind HTTP share: one guarded call, its errors as a source says them, and its JSON."""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from workers import addresses
from workers.addresses import IPNetwork
from workers.http import BadUrl, Client, Response, TooLarge, TooSlow, Unreachable, check_url
from workers.sources.table import BYTE_CAP, SourceRefused, SourceUnavailable

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_TEXT = 500


class Away(SourceUnavailable):
    """No answer came over the network, and asking again soon may bring one."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one source; `secret` is struck out of whatever its errors repeat."""

    name: str
    http: Client
    allowed: Sequence[IPNetwork]
    secret: str = field(default="", repr=False)
    is_cancelled: Callable[[], bool] = lambda: False

    def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes,
        *,
        deadline: float,
        max_bytes: int = BYTE_CAP,
    ) -> Response:
        """Return the answer, whatever its status. Raises Away, SourceUnavailable and SourceRefused."""
        left = deadline - time.monotonic()
        if self.is_cancelled():
            raise SourceUnavailable(f"{self.name}: the run was cancelled")
        if left <= 0:
            raise SourceUnavailable(f"{self.name}: no answer before the deadline")
        try:
            self._check_plain(url, left)
            return self.http.request(
                method,
                url,
                headers=headers,
                content=content,
                timeout_seconds=left,
                max_bytes=max_bytes,
                kind=f"source.{self.name}",
            )
        except (Unreachable, addresses.Unresolved) as error:
            raise Away(f"{self.name}: {error}") from None
        except (TooSlow, addresses.ResolveTooSlow) as error:
            raise SourceUnavailable(f"{self.name}: {error}") from None
        except TooLarge:
            raise SourceRefused(f"{self.name}: the query gives more than {max_bytes} bytes") from None
        except (BadUrl, addresses.Forbidden) as error:
            raise SourceRefused(f"{self.name}: {error}") from None

    def check(self, answer: Response, problem: str = "") -> None:
        """Pass for a status of 200 to 299. Raises SourceUnavailable and SourceRefused with the source's own words."""
        if 200 <= answer.status < 300:
            return
        said = self.words(problem) or "no reason is given"
        if answer.status in _PASSING or answer.status >= 500:
            raise SourceUnavailable(f"{self.name} answers {answer.status}: {said}")
        if answer.status in (401, 403):
            raise SourceRefused(f"{self.name} answers {answer.status}, so mend the source's secret: {said}")
        if 300 <= answer.status < 400:
            raise SourceRefused(
                f"{self.name} answers {answer.status}: redirects are not followed, name the address itself"
            )
        raise SourceRefused(f"{self.name} answers {answer.status}: {said}")

    def words(self, text: object) -> str:
        """Return what the source says, on one short line and without the secret."""
        line = " ".join(str(text).split())[:_LONGEST_TEXT]
        return line.replace(self.secret, "***") if self.secret else line

    def _check_plain(self, url: str, timeout_seconds: float) -> None:
        """Pass unless a secret would cross a network in plain text. Raises SourceRefused."""
        parsed = httpx.URL(check_url(url))
        if not self.secret or parsed.scheme == "https":
            return
        targets = addresses.resolve(parsed.host, parsed.port or 80, self.allowed, timeout_seconds)
        if not all(target.is_opened for target in targets):
            raise SourceRefused(f"{self.name}: http:// would send the secret in plain text; take https://")


def decoded(answer: Response, *, number: Callable[[str], Any] = Decimal) -> Any:
    """Return the JSON of an answer, its fractions read by `number`. Raises ValueError for what is no JSON."""
    try:
        return json.loads(answer.content, parse_float=number, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def authorization(secret: str, user: str | None) -> dict[str, str]:
    """Return the header that shows the secret: as the password of a user, or else as a bearer token; none without one."""
    if not secret:
        return {}
    if user is None:
        return {"Authorization": f"Bearer {secret}"}
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
