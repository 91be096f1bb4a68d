"""`POST /hooks/mail/{provider}`: what mail providers tell of bounces and complaints, verified as each documents it."""

from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from api import mail_events, returned
from api.access import count_guest
from api.addresses import address_of
from api.audit import Author
from api.request import answer
from api.state import Web, web_of
from db.live import connected
from scheduler.schedules import read_now
from telemetry.log import Events
from workers.addresses import Forbidden
from workers.http import Client, HttpError

events = Events("web")

# The providers' own: no client of ours calls it, so it stands on no page of ours but docs/mail.md.
router = APIRouter(prefix="/hooks/mail", include_in_schema=False)

_FETCH_SECONDS = 5.0
# A mail may come back before it is written that it went out. Its provider tells of it again, later than that.
_UNWRITTEN = timedelta(minutes=2)


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post("/{provider}")
def take_mail_events(
    provider: Literal["sendgrid", "mailgun", "resend", "ses"],
    request: Request,
    web: Annotated[Web, Depends(web_of)],
    body: Annotated[bytes, Depends(_body)],
) -> Response:
    """How many of the call's events were about deliveries of ours; 404 while no secret is set for the provider.

    503 while one of them is young and about none: its delivery may not be written yet, and the provider repeats the call.
    """
    count_guest(request, web.per_provider)
    secret = web.settings.mail_hooks.get(provider)
    if secret is None:
        raise HTTPException(404, f"MAIL_WEBHOOK_SECRET says nothing of {provider}")
    with connected(web.pool, 5.0) as conn:
        now = read_now(conn)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        told = mail_events.heard(provider, secret, headers, body, now, lambda url: _certificate(web.http, url))
    except mail_events.NotTheirs as error:
        events.warning("mail_hook.refused", provider=provider, error=str(error))
        raise HTTPException(403, f"this is not {provider}'s: {error}") from None
    except (HttpError, Forbidden) as error:
        events.warning("mail_hook.put_off", provider=provider, error=str(error))
        raise HTTPException(503, "the certificate can't be had now", {"Retry-After": "30"}) from None
    if told.confirm_url:
        # Signed by Amazon for our own topic, and an address of Amazon's: nothing else is ever called.
        confirmed = web.http.request("GET", told.confirm_url, timeout_seconds=_FETCH_SECONDS, kind="mail")
        events.info("mail_hook.confirmed", status=confirmed.status)
        return answer({"matched": 0})
    author = Author(f"provider:{provider}", address_of(request), request.state.request_id)
    unknown = [event for event in told.events if not returned.take(web, provider, event, author)]
    if any(event.at is not None and abs(now - event.at) < _UNWRITTEN for event in unknown):
        events.info("mail_hook.put_off", provider=provider, error="it is about a mail that is not known yet")
        raise HTTPException(503, "it is about a mail that is not known yet", {"Retry-After": "60"})
    return answer({"matched": len(told.events) - len(unknown)})


@lru_cache(maxsize=32)
def _certificate(http: Client, url: str) -> bytes:
    """The certificate behind an address of Amazon SNS; once a process, since each has an address of its own."""
    got = http.request("GET", url, timeout_seconds=_FETCH_SECONDS, max_bytes=20_000, kind="mail")
    if got.status != 200:
        raise HttpError(f"the certificate is answered {got.status}")
    return got.content
