"""`/events`: a stream that says that the tenant's picture changed; an open page then reads itself again."""

from collections.abc import AsyncIterable
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.access import Caller, admitted
from api.changes import Changes, TooManyListeners
from api.pages.page import named_tenant
from api.state import Web, web_of

# So long one stream lasts; the page comes again by itself, and only with a session or a token that is still good.
STREAM_SECONDS = 60.0

# No page: who is not signed in is refused, for a stream that led to the door would be asked for again and again.
router = APIRouter(include_in_schema=False)


def _listener(request: Request, web: Annotated[Web, Depends(web_of)]) -> Caller:
    return admitted(request, web, "viewer", named=named_tenant(request, web))


class _Stream(StreamingResponse):
    """A stream whose listener is counted until it ends, however it does."""

    def __init__(self, changes: Changes, who: str, content: AsyncIterable[str]) -> None:
        # Proxies that keep answers back until they are whole would keep this one for good.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, 200, headers, "text/event-stream")
        self._changes = changes
        self._who = who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the listener leaves or its time is over."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._changes.leave(self._who)


@router.get("/events")
async def stream_events(
    request: Request,
    caller: Annotated[Caller, Depends(_listener)],
    seen: Annotated[str, Query(max_length=64, description="the picture that the page shows")] = "",
    last_event_id: Annotated[str, Header(max_length=64)] = "",
) -> StreamingResponse:
    """`news` whenever something of the tenant's changed; 503 where too many listen."""
    changes = changes_of(request)
    who = f"{caller.tenant_id} {caller.who}"
    try:
        changes.enter(who)
    except TooManyListeners:
        raise HTTPException(503, "too many pages listen; reload to see what changed", {"Retry-After": "30"}) from None
    if caller.tenant_id is None:
        raise RuntimeError("whoever is no operator has a tenant, and an operator named one")
    return _Stream(changes, who, changes.listen(caller.tenant_id, last_event_id or seen, STREAM_SECONDS))


def changes_of(request: Request) -> Changes:
    """Who listens in the process that serves the request."""
    return cast(Changes, request.app.state.changes)
