"""One page of a person who may see it: what it reads, how it is shown, and where a change leads."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import quote, unquote
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.access import NoTenant, Role, admitted, rank
from api.addresses import address_of
from api.audit import Author
from api.pages import look
from api.pages.forms import Values
from api.pages.refusals import labelled
from api.problems import Refusal
from api.request import Asked
from api.state import Web, web_of
from db.pool import Connection

# Which tenant an operator looks at; the header that programs send is beyond a browser.
TENANT_COOKIE = "__Host-tocsin-tenant"
_SAID_COOKIE = "__Host-tocsin-said"
_SAID_SECONDS = 60
_LONGEST_SAID = 500


class Elsewhere(Exception):
    """The page is at `location`."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


@dataclass(frozen=True, slots=True)
class Page:
    """A page that its reader may see. `asking` is what the API's functions take."""

    request: Request
    asking: Asked

    @property
    def tenant(self) -> UUID:
        """The tenant whose page it is."""
        return self.asking.tenant

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction in which only the tenant's rows are there."""
        return self.asking.reading()

    def listing(self) -> AbstractContextManager[Connection]:
        """The same for a list with filters."""
        return self.asking.listing()

    def may(self, role: Role) -> bool:
        """True when the reader has at least this role; what they may not do is not offered."""
        return rank(self.asking.caller.role) >= rank(role)

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """The page made of a template. `values` are its own; who reads it and what was said before come by themselves."""
        said = self.request.cookies.get(_SAID_COOKIE)
        html = look.render(
            template,
            page=self,
            path=self.request.url.path,
            reader=self.asking.caller,
            is_hosting=self.asking.web.settings.is_hosting,
            said=unquote(said) if said else None,
            **values,
        )
        if values.get("refusal"):
            html = labelled(html)
        response = HTMLResponse(html, status, look.HEADERS)
        if said:
            response.delete_cookie(_SAID_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return response

    def may_be_framed(self) -> None:
        """Lets one of our own pages show the answer in a frame."""
        self.request.state.headers = {**getattr(self.request.state, "headers", {}), "X-Frame-Options": "SAMEORIGIN"}

    def framed(self, html: str) -> Response:
        """What somebody else wrote, as the content of a frame of one of our pages."""
        self.may_be_framed()
        return HTMLResponse(html, 200, look.FRAMED)

    def done(self, location: str, said: str = "") -> Response:
        """Leads to a page of ours, which says this sentence once."""
        response = RedirectResponse(location, 303)
        if said:
            text = quote(said[:_LONGEST_SAID])
            response.set_cookie(
                _SAID_COOKIE, text, _SAID_SECONDS, path="/", secure=True, httponly=True, samesite="strict"
            )
        return response

    def if_refused(self, again: Callable[[Refusal], Response]) -> None:
        """Has a refused form shown again by `again`, with what was typed and each refused field's reason."""
        self.request.state.again = again

    def read_as(self, etag: str) -> Asked:
        """What changes a row only as it was when the form was shown, whose version stands in the form; blank: as it is."""
        return replace(self.asking, if_match=etag or None)

    @property
    def query(self) -> Values:
        """The filters in the page's address."""
        return Values(self.request.query_params)


def told(response: Response) -> dict[str, Any]:
    """What one of the API's functions answered: a page shows what a program would read."""
    found: dict[str, Any] = json.loads(bytes(response.body))
    return found


def named_tenant(request: Request, web: Web) -> str | None:
    """Which tenant an operator asks for; where there is but one, none that a browser kept from other days."""
    return request.headers.get("tocsin-tenant") or (
        request.cookies.get(TENANT_COOKIE) if web.settings.is_hosting else None
    )


def page_for(role: Role) -> Callable[..., Page]:
    """A dependency: the page, for who has at least this role."""

    def page(request: Request, web: Annotated[Web, Depends(web_of)]) -> Page:
        try:
            caller = admitted(request, web, role, named=named_tenant(request, web))
        except NoTenant:
            raise Elsewhere("/tenants") from None
        tenant_id = None if role == "operator" else caller.tenant_id
        author = Author(caller.who, address_of(request), request.state.request_id)
        return Page(request, Asked(web=web, caller=caller, tenant_id=tenant_id, author=author))

    return page


ViewerPage = Annotated[Page, Depends(page_for("viewer"))]
EditorPage = Annotated[Page, Depends(page_for("editor"))]
AdminPage = Annotated[Page, Depends(page_for("admin"))]
OperatorPage = Annotated[Page, Depends(page_for("operator"))]
