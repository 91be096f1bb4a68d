"""`http.call`: posts a body to a URL at each slot and tells nobody; the answer's status decides the outcome.

Times are in seconds. With a secret the call is signed by Standard Webhooks, so the receiver can prove who called.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.alias_generators import to_camel

from config.seal import is_sealed
from telemetry import traces
from workers import http, uses
from workers.addresses import Forbidden
from workers.kind import Cancelled, Context, Kind
from workers.outcome import Done, Later, Outcome, Rejected

KEPT_BYTES = 4096
MAX_BODY = 1_000_000
LEAST_WAIT, LONGEST_WAIT = 1.0, 86_400.0
LEAST_SECRET = 8
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[\t\x20-\x7e]{0,8192}")
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "idempotency-key",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OUR_PREFIXES = ("webhook-", "tocsin-", "proxy-")


def _url(text: str) -> str:
    try:
        return http.check_url(text)
    except http.BadUrl as error:
        raise ValueError(str(error)) from None


def check_headers(headers: dict[str, str]) -> dict[str, str]:
    """Return headers that a user may have sent with a call. Raises ValueError."""
    if len(headers) > 50 or len({name.lower() for name in headers}) < len(headers):
        raise ValueError("takes at most 50 headers, each once")
    for name, value in headers.items():
        if _TOKEN.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
            raise ValueError(f"the header {name[:50]!r} holds characters that a header may not")
        if name.lower() in _OURS or name.lower().startswith(_OUR_PREFIXES):
            raise ValueError(f"the header {name!r} is set by Tocsin and can't be set here")
    return headers


def _secret(text: str) -> str:
    if not is_sealed(text):
        signing_keys(text)
    return text


def _body(body: JsonValue) -> JsonValue:
    if len(body_bytes(body)) > MAX_BODY:
        raise ValueError(f"takes at most {MAX_BODY} bytes of JSON")
    return body


class Params(BaseModel):
    """What to call. `secret` is one `whsec_` key, or the new and the old one with a space between while it is rotated."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )

    url: Annotated[str, AfterValidator(_url)] = Field(description="http or https, without user name")
    method: Literal["POST", "GET", "PUT", "PATCH", "DELETE"] = "POST"
    body: Annotated[JsonValue, AfterValidator(_body)] = Field(None, description="any JSON; null sends no body")
    headers: Annotated[dict[str, str], AfterValidator(check_headers)] = Field(default_factory=dict)
    secret: Annotated[str, AfterValidator(_secret)] | None = Field(
        None,
        description="whsec_ and base64; stored sealed",
        json_schema_extra={"writeOnly": True, "format": "password"},
    )
    timeout_seconds: float = Field(30.0, gt=0, le=3600, description="for the whole call, in seconds")

    @model_validator(mode="after")
    def _body_fits_method(self) -> "Params":
        if self.method == "GET" and self.body is not None:
            raise ValueError("a GET carries no body")
        return self


def body_bytes(body: JsonValue) -> bytes:
    """Return the bytes that are sent and signed: the same at every attempt, whatever the order of keys in storage."""
    if body is None:
        return b""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def signing_keys(secret: str) -> list[bytes]:
    """Return the keys of a secret, newest first. Raises ValueError unless each is base64, with or without `whsec_`."""
    keys = []
    for word in secret.split():
        text = word.removeprefix("whsec_")
        try:
            keys.append(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
        except binascii.Error:
            raise ValueError("a secret is whsec_ followed by base64") from None
    if not keys or not all(keys):
        raise ValueError("a secret is whsec_ followed by base64, and it is not empty")
    return keys


def signature_headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that sign a body; one signature for each key. Source: Standard Webhooks 1.0.0.

    Raises ValueError when the id holds a dot, which is what parts it from the timestamp.
    """
    if "." in message_id:
        raise ValueError("the id of a message holds no dot")
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = [hmac.new(key, signed, hashlib.sha256).digest() for key in signing_keys(secret)]
    signatures = " ".join("v1," + base64.b64encode(digest).decode() for digest in digests)
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signatures}


def secrets_of(ctx: Context[Params], params: Params) -> list[str]:
    """Return the secrets of a call, opened, and the words of those that have several, such as that after `Bearer`."""
    sealed = [text for text in (*params.headers.values(), params.secret or "") if is_sealed(text)]
    opened = [ctx.unseal(text) for text in sealed]
    words = [word for text in opened for word in text.split() if len(word) >= LEAST_SECRET]
    return sorted({*(text for text in opened if text), *words}, key=len, reverse=True)


def outcome_of(response: http.Response, called_at: datetime, secrets: Sequence[str] = ()) -> Outcome:
    """Return what an answer means: 2xx done, 408, 425, 429 and 5xx later, all else rejected.

    Of what is kept of it the secrets are struck out: some receivers answer with what they were sent.
    """
    status = response.status
    if 200 <= status < 300:
        content = response.content
        for secret in secrets:
            content = content.replace(secret.encode(), b"***")
        text = content[:KEPT_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")
        return Done({"status": status, "body": text, "bodyBytes": len(response.content)})
    if status in (408, 425, 429) or status >= 500:
        return Later(retry_after(response.headers, called_at), f"the receiver answered {status}")
    if 300 <= status < 400:
        return Rejected(f"the receiver answered {status}, and a redirect is not followed: set the URL it leads to")
    if status == 410:
        return Rejected("the receiver answered 410: it is gone for good and wants no more calls")
    return Rejected(f"the receiver answered {status}, which a further call would not change")


def retry_after(headers: Mapping[str, str], called_at: datetime) -> float | None:
    """Return the wait that the receiver asks for, from 1 second to 1 day; None when it asks for none or can't be read."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        wait = float(text)
    else:
        until, since = _http_date(text), _http_date(headers.get("Date", "")) or called_at
        if until is None:
            return None
        # Between two times of the receiver's own clock, where it tells its time: ours and its may differ.
        wait = (until - since).total_seconds()
    return min(max(wait, LEAST_WAIT), LONGEST_WAIT)


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def headers_of(ctx: Context[Any], params: Params, body: bytes) -> dict[str, str]:
    """Return all headers of one attempt: the user's first, then ours, which no user's can be."""
    own = {name: ctx.unseal(value) if is_sealed(value) else value for name, value in params.headers.items()}
    headers = traces.headers() | own
    if body and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = "application/json"
    headers["Idempotency-Key"] = str(ctx.run_id)
    headers["Tocsin-Run-Id"] = str(ctx.run_id)
    if ctx.schedule_id is not None:
        headers["Tocsin-Schedule-Id"] = str(ctx.schedule_id)
    headers["Tocsin-Slot"] = ctx.slot_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    headers["Tocsin-Attempt"] = str(ctx.attempt)
    if params.secret:
        secret = ctx.unseal(params.secret) if is_sealed(params.secret) else params.secret
        headers |= signature_headers(secret, str(ctx.run_id), ctx.started_at, body)
    return headers


def call(ctx: Context[Any], params: Params, kind: str) -> http.Response | Outcome:
    """Call once and return the answer, or the outcome where there is none; in dry mode call nobody."""
    if ctx.mode == "dry":
        return Done({"suppressed": True})
    body = body_bytes(params.body)
    options: dict[str, Any] = {"headers": headers_of(ctx, params, body), "content": body, "kind": kind}
    timeout = min(params.timeout_seconds, ctx.seconds_left())
    if ctx.is_cancelled():
        raise Cancelled  # its worker may have slept, and another attempt have called meanwhile
    try:
        return ctx.http.request(params.method, params.url, timeout_seconds=timeout, **options)
    except http.TooLarge as error:
        return error.response  # the receiver did its part, and its status says how it went
    except (http.Unreachable, http.TooSlow) as error:
        return Later(None, str(error))
    except (Forbidden, http.BadUrl) as error:
        return Rejected(str(error))


def run(ctx: Context[Params]) -> Outcome:
    """Call once and return what the answer means."""
    found = call(ctx, ctx.params, KIND.name)
    if not isinstance(found, http.Response):
        return found
    return outcome_of(found, ctx.started_at, secrets_of(ctx, ctx.params))


KIND = Kind(
    name="http.call",
    Params=Params,
    run=run,
    summary="calls a URL, signed by Standard Webhooks",
    queue="calls",
    secret_fields=("secret", "headers"),
    uses=lambda params: (uses.host(params.url),),
)
