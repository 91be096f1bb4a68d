"""`/a/{token}`: the page behind a link in a mail. GET shows one button and changes nothing, POST does it.

Whoever looks into mails on their way follows every link in them, but presses no button; a mail program's own button for
unsubscribing sends the POST of RFC 8058.
"""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from api import actions
from api.access import count_guest
from api.addresses import address_of
from api.audit import Author
from api.state import Web, web_of
from workers.outcome import Action

# People's own, not programs': it stands on no page of the API.
router = APIRouter(prefix="/a", include_in_schema=False)


def _guest(request: Request, web: Annotated[Web, Depends(web_of)]) -> None:
    count_guest(request, web.per_visitor)


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",)),
    undefined=StrictUndefined,
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}
_ASKED: dict[Action, tuple[str, str, str]] = {
    "acknowledge": ("Acknowledge this alert?", "Acknowledge", "Acknowledged. It stays quiet until it is over."),
    "snooze": ("Snooze this alert for a day?", "Snooze", "Snoozed for a day."),
    "unsubscribe": ("Get no more of these mails?", "Unsubscribe", "You get no more of these mails."),
    "not_useful": ("Was this mail not useful?", "Not useful", "Thank you, that is noted."),
}


@router.get("/{token}", dependencies=[Depends(_guest)])
def show_action(token: str, web: Annotated[Web, Depends(web_of)]) -> HTMLResponse:
    """The page with the button; changes nothing."""
    try:
        asked, button, _ = _ASKED[actions.offered(web, token).action]
    except (actions.Expired, actions.Unknown) as error:
        return _refused(error)
    return _page(200, asked, button=button)


@router.post("/{token}", dependencies=[Depends(_guest)])
def take_action(token: str, request: Request, web: Annotated[Web, Depends(web_of)]) -> HTMLResponse:
    """Does it, and says so; the body says nothing that the token does not."""
    author = Author("recipient", address_of(request), request.state.request_id)
    try:
        _, _, done = _ASKED[actions.act(web, token, author).action]
    except (actions.Expired, actions.Unknown) as error:
        return _refused(error)
    return _page(200, done)


def _refused(error: actions.Expired | actions.Unknown) -> HTMLResponse:
    if isinstance(error, actions.Expired):
        return _page(410, "This link is too old.", note="A link works for 60 days. A newer mail has newer ones.")
    return _page(
        404, "This link leads nowhere.", note="It may have been cut in two on its way. Take the one in the mail."
    )


def _page(status: int, title: str, *, note: str = "", button: str = "") -> HTMLResponse:
    page = _PAGES.get_template("action.html.j2").render(title=title, note=note, button=button)
    return HTMLResponse(page, status, _HEADERS)
