"""What nobody has a page for: a page that says so to who looks with a browser, a problem to a program."""

from fastapi import HTTPException
from fastapi.responses import HTMLResponse
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from api.pages import look
from api.problems import Refusal

_REFUSAL = Refusal(404, "Not Found", "there is no such page", {})


async def unfound(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers an address that no route has. Raises HTTPException for a program."""
    if scope["path"].startswith("/api/") or "text/html" not in Headers(scope=scope).get("accept", ""):
        raise HTTPException(404)
    html = look.render("problem.html.j2", refusal=_REFUSAL, request_id=scope["state"]["request_id"])
    await HTMLResponse(html, 404, look.HEADERS)(scope, receive, send)
