"""Amazon SES: v2 `SendEmail` with the stored bytes raw, signed by Signature Version 4. Source: SES's API reference v2."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

from workers.channels.over_http import Call, Fault, told
from workers.channels.sigv4 import Credentials, signed
from workers.http import Response

_OURS = frozenset(
    {"AccountSuspendedException", "MailFromDomainNotVerifiedException", "SendingPausedException", "NotFoundException"}
)
_LATER = frozenset({"TooManyRequestsException", "LimitExceededException", "ThrottlingException"})


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  AWS takes a signature for five minutes by its own clock


class Ses:
    """The account whose credentials these are, in one region."""

    name = "SES"
    is_keyed = False

    def __init__(
        self, endpoint: str, region: str, credentials: Credentials, *, now: Callable[[], datetime] = _now
    ) -> None:
        self._url = f"{endpoint or f'https://email.{region}.amazonaws.com'}/v2/email/outbound-emails"
        self._region = region
        self._credentials = credentials
        self._now = now

    def call(self, recipient: str, content: bytes, key: str) -> Call:  # noqa: ARG002  it takes none
        """Return the request that hands these bytes to this recipient, who alone is in the envelope."""
        raw = base64.b64encode(content).decode()
        said = {"Destination": {"ToAddresses": [recipient]}, "Content": {"Raw": {"Data": raw}}}
        body = json.dumps(said).encode()
        headers = signed(
            "POST",
            self._url,
            {"Content-Type": "application/json"},
            body,
            credentials=self._credentials,
            region=self._region,
            service="ses",
            now=self._now(),
        )
        return Call(self._url, headers, body)

    def id_of(self, answer: Response) -> str:
        """Return the id that its notifications name."""
        return str(told(answer).get("MessageId") or "")

    def fault(self, answer: Response) -> Fault | None:
        """Return whose fault a 4xx is by the name of its exception; an identity that is not verified is ours."""
        kind = re.split(r"[:#]", answer.headers.get("x-amzn-ErrorType", "") or str(told(answer).get("__type") or ""))
        names = set(kind)
        if names & _OURS or answer.status in (401, 403) or b"not verified" in answer.content:
            return "ours"
        return "later" if names & _LATER else None
