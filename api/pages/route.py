"""A page's route: what the API would refuse as a problem is a page that says so, and who is not signed in is led there."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from api.pages import look
from api.pages.page import Elsewhere
from api.problems import refusal_of

SIGN_IN = "/sign-in"
# A form with such an answer is shown again, with what was typed.
_OF_A_FORM = frozenset({409, 412, 422})


class PageRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with a page in place of each error."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            # A filter that was left blank is none, whatever it would take.
            fields = parse_qsl(request.scope.get("query_string", b"").decode("latin-1"), encoding="latin-1")
            request.scope["query_string"] = urlencode(fields, encoding="latin-1").encode()
            try:
                return await handle(request)
            except Elsewhere as found:
                return RedirectResponse(found.location, 303)
            except Exception as error:  # noqa: BLE001  told by the application's own handlers, or raised again
                return await _told(request, error)

        return handled


def pages(tag: str) -> APIRouter:
    """A router of pages; they stand beside the API's document, not in it."""
    return APIRouter(include_in_schema=False, route_class=PageRoute, tags=[tag])


async def _told(request: Request, error: Exception) -> Response:
    refusal, headers = await refusal_of(request, error)
    if refusal.status == 401:
        return _sign_in(request, headers)
    again = getattr(request.state, "again", None)
    if again is not None and refusal.status in _OF_A_FORM:
        shown: Response = again(refusal)
        shown.status_code = refusal.status
        return shown
    html = look.render("problem.html.j2", refusal=refusal, request_id=request.state.request_id)
    return HTMLResponse(html, refusal.status, {**headers, **look.HEADERS})


def _sign_in(request: Request, headers: dict[str, str]) -> Response:
    """Leads to where one signs in, and from there back to the page that was asked for."""
    url = request.url if request.method == "GET" else urlsplit(request.headers.get("referer", ""))
    wanted = url.path + (f"?{url.query}" if url.query else "")
    kept = {name: value for name, value in headers.items() if name == "set-cookie"}
    return RedirectResponse(f"{SIGN_IN}?next={quote(wanted or '/')}", 303, kept)
