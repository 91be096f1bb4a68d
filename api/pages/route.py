"""A page's route: what the API would refuse as a problem is a page that says so, and who is not signed in is led there."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.datastructures import URL
from starlette.requests import ClientDisconnect

from api.pages import look, times
from api.pages.forms import read_form
from api.pages.page import Elsewhere
from api.problems import refusal_of
from api.sessions import check_site

SIGN_IN = "/sign-in"
# A form with such an answer is shown again, with what was typed.
_OF_A_FORM = frozenset({409, 412, 422})
# With such a one it may be sent again as it is, in a while or once its reader is signed in.
_TO_BE_SENT_AGAIN = frozenset({401, 429, 503})


class PageRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with a page in place of each error."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            # A filter that was left blank is none, whatever it would take.
            fields = parse_qsl(request.scope.get("query_string", b"").decode("latin-1"), encoding="latin-1")
            request.scope["query_string"] = urlencode(times.as_instants(fields), encoding="latin-1").encode()
            try:
                return await handle(request)
            except Elsewhere as found:
                return _led(request, found.location)
            except Exception as error:  # noqa: BLE001  told by the application's own handlers, or raised again
                return await _told(request, error)

        return handled


def pages(tag: str) -> APIRouter:
    """A router of pages; they stand beside the API's document, not in it."""
    return APIRouter(include_in_schema=False, route_class=PageRoute, tags=[tag])


async def _told(request: Request, error: Exception) -> Response:
    refusal, headers = await refusal_of(request, error)
    if refusal.status in _TO_BE_SENT_AGAIN and (kept := await _kept(request)):
        html = look.render("kept.html.j2", refusal=refusal, fields=kept, at=_place_of(request.url), sign_in=SIGN_IN)
        return HTMLResponse(html, refusal.status, {**headers, **look.HEADERS})
    if refusal.status == 401:
        return _sign_in(request, headers)
    again = getattr(request.state, "again", None)
    if again is not None and refusal.status in _OF_A_FORM:
        # It reads the database, which the loop must not wait for.
        shown: Response = await run_in_threadpool(again, refusal)
        shown.status_code = refusal.status
        return shown
    html = look.render("problem.html.j2", refusal=refusal, request_id=request.state.request_id)
    return HTMLResponse(html, refusal.status, {**headers, **look.HEADERS})


async def _kept(request: Request) -> Sequence[tuple[str, str]]:
    """What was typed into a form of ours that could not be read yet; empty where nothing was.

    A form of another site's is none: whoever sent it on would do what they never typed.
    """
    if request.method != "POST" or "hx-request" in request.headers:
        return ()
    try:
        check_site(request)
        fields = (await read_form(request)).fields
    except (HTTPException, ClientDisconnect):
        return ()
    return fields if any(value for _, value in fields) else ()


def _place_of(url: URL | SplitResult) -> str:
    return url.path + (f"?{url.query}" if url.query else "")


def _sign_in(request: Request, headers: dict[str, str]) -> Response:
    """Leads to where one signs in, and from there back to the page that was asked for.

    A part that a form asked for while it was typed leads nowhere: what was typed would be lost.
    """
    if request.method == "POST" and "hx-request" in request.headers:
        return Response(None, 401, {**headers, "Cache-Control": "no-store"})
    of_part = request.headers.get("hx-current-url")
    page = request.headers.get("referer", "") if of_part is None else of_part
    url = request.url if request.method == "GET" and of_part is None else urlsplit(page)
    wanted = _place_of(url)
    kept = {name: value for name, value in headers.items() if name == "set-cookie"}
    return _led(request, f"{SIGN_IN}?next={quote(wanted or '/')}", kept)


def _led(request: Request, location: str, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    """Leads there: the whole page, also where only a part of it was asked for, which has no room for another page."""
    if "hx-request" in request.headers:
        return Response(None, 401, {**headers, "HX-Redirect": location, "Cache-Control": "no-store"})
    return RedirectResponse(location, 303, dict(headers))
