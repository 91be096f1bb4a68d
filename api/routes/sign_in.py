"""`/sign-in` and `/sign-out`: a person signs in by a link of one use, by the provider, or with a token of theirs.

Every GET but the way back from the provider changes nothing, since whoever scans mails follows every link in them.
"""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import sessions, short_cookies, sign_in_links, sign_ins, tenants
from api.access import PATIENCE_SECONDS, count_guest, of_token, rank
from api.addresses import address_of, network_of
from api.oidc import Going, Identity, Provider, ProviderError, Refused
from api.own_path import own_path
from api.pages import look
from api.pages.route import pages
from api.sign_in_links import Found, Over, Shut, Unknown
from api.sign_ins import Begun, Person
from api.state import Web, web_of
from db.live import connected
from telemetry.log import Events

router = pages("sign in")
events = Events("web")

_GOING, _WHO = "going", "who"
_GOING_SECONDS, _WHO_SECONDS = 600, 300
_MOST_FORM_BYTES = 20_000
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}
_NO_KEY = "Sessions need TOCSIN_SECRET_KEYS; `tocsin keys generate` makes one."
_AGAIN = "Start again: it took too long, was done already, or began in another browser."


class Refusal(Exception):
    """Nobody is signed in; the page that says why."""

    def __init__(self, status: int, title: str, note: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.note = note


async def _form(request: Request) -> dict[str, str]:
    """What the page's form sent."""
    body = await request.body()
    if len(body) > _MOST_FORM_BYTES:
        raise HTTPException(413, f"a form takes at most {_MOST_FORM_BYTES} bytes")
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=10))
    except ValueError:
        return {}


def _guest(request: Request, web: Annotated[Web, Depends(web_of)]) -> None:
    count_guest(request, web.per_visitor)


_COUNTED = [Depends(_guest)]
_Web = Annotated[Web, Depends(web_of)]
_Form = Annotated[dict[str, str], Depends(_form)]


@router.get("/sign-in", dependencies=_COUNTED)
def show_sign_in(web: _Web, next: str = "/") -> Response:
    """The page with the ways to sign in."""
    return _answered(web, lambda: _choices(web, own_path(next)))


@router.post("/sign-in", dependencies=_COUNTED)
def sign_in_with_token(request: Request, web: _Web, form: _Form) -> Response:
    """Begins a session of whoever's token it is."""
    where = own_path(form.get("next"))

    def work() -> Response:
        _check_site(request)
        try:
            caller = of_token(request, web, form.get("token", "").strip())
        except HTTPException as error:
            refusals = {401: "This token is not valid.", 429: "Too many wrong tokens. Wait a minute."}
            words = refusals.get(error.status_code, f"{error.detail[:1].upper()}{error.detail[1:]}.")
            return _choices(web, where, words, error.status_code, error.headers)
        if caller.scope is not None:
            return _choices(web, where, "This token was made for something else.", 403)
        return _signed_in(web, form["token"].strip(), caller.until, where)

    return _answered(web, work)


@router.post("/sign-out", dependencies=_COUNTED)
def sign_out(request: Request, web: _Web) -> Response:
    """Ends the session, and the token that was minted for it; the browser forgets the cookie."""

    def work() -> Response:
        _check_site(request)
        sign_ins.end(web, request)
        response = RedirectResponse("/sign-in", 303, _HEADERS)
        response.headers.append("Set-Cookie", sessions.gone())
        return response

    return _answered(web, work)


@router.get("/sign-in/oidc", dependencies=_COUNTED)
def go_to_provider(web: _Web, next: str = "/") -> Response:
    """Leads to the provider, who leads back."""

    def work() -> Response:
        place, going = _provider(web).leave()
        response = RedirectResponse(place, 303, _HEADERS)
        kept = going._asdict() | {"next": own_path(next)}
        short_cookies.put(response, web.seal, _GOING, kept, _GOING_SECONDS)
        return response

    return _answered(web, work)


@router.get("/sign-in/oidc/callback", dependencies=_COUNTED)
def come_back_from_provider(request: Request, web: _Web) -> Response:
    """Begins a session of whom the provider names, or asks of which tenant."""

    def work() -> Response:
        kept = short_cookies.read(request, web.seal, _GOING)
        if kept is None:
            raise Refusal(400, "This sign-in is over.", _AGAIN)
        where = kept.pop("next")
        identity = _identity(request, web, _provider(web), Going(**kept))
        people = _let_in(web, identity)
        if len(people) == 1:
            return _signed_in(web, *sign_ins.begin_as(web, people[0], request), where)
        response = _page(200, "Where do you want to go?", people=people)
        short_cookies.put(response, web.seal, _WHO, identity._asdict() | {"next": where}, _WHO_SECONDS)
        return response

    response = _answered(web, work)
    short_cookies.drop(response, _GOING)
    return response


@router.post("/sign-in/oidc", dependencies=_COUNTED)
def choose_tenant(request: Request, web: _Web, form: _Form) -> Response:
    """Begins a session of whom the provider named, in the tenant that they chose."""

    def work() -> Response:
        _check_site(request)
        kept = short_cookies.read(request, web.seal, _WHO)
        if kept is None:
            raise Refusal(400, "This sign-in is over.", _AGAIN)
        where = kept.pop("next")
        person = next((each for each in _let_in(web, Identity(**kept)) if each.tenant_slug == form.get("tenant")), None)
        if person is None:
            raise Refusal(403, "You are no member there.")
        response = _signed_in(web, *sign_ins.begin_as(web, person, request), where)
        short_cookies.drop(response, _WHO)
        return response

    return _answered(web, work)


@router.get("/sign-in/{code}", dependencies=_COUNTED)
def show_link(code: str, web: _Web, next: str = "/") -> Response:
    """Whom the link signs in to what, and the button; changes nothing."""

    def work() -> Response:
        link: Found = _of_link(lambda: sign_in_links.offered(web, code))
        role = min(_ROLES[link.scope], link.member_role or "admin", key=rank)
        return _page(200, f"Sign in to {link.tenant_name}", link=link, role=role, next=own_path(next))

    return _answered(web, work)


@router.post("/sign-in/{code}", dependencies=_COUNTED)
def use_link(code: str, request: Request, web: _Web, form: _Form) -> Response:
    """Uses the link up, and begins its session."""

    def work() -> Response:
        _check_site(request)
        begun: Begun = _of_link(lambda: sign_in_links.use(web, code, request))
        return _signed_in(web, *begun, own_path(form.get("next")))

    return _answered(web, work)


_ROLES = {scope: role for role, scope in sign_ins.SCOPES.items()}


def _of_link(work: Callable[[], Any]) -> Any:
    another = "`tocsin tokens link` makes another one."
    try:
        return work()
    except Unknown:
        raise Refusal(404, "This link leads nowhere.", f"It may have been cut in two on its way; {another}") from None
    except Over:
        raise Refusal(410, "This link is over.", f"It works once, and for some minutes; {another}") from None
    except Shut as error:
        raise Refusal(403, str(error)) from None


def _provider(web: Web) -> Provider:
    if web.provider is None:
        raise Refusal(404, "There is no provider to sign in with here.", "OIDC_ISSUER names one.")
    return web.provider


def _identity(request: Request, web: Web, provider: Provider, going: Going) -> Identity:
    """Who came back. Who guesses is stopped as one who guesses tokens is. Raises Refusal, ProviderError."""
    network = network_of(address_of(request))
    if web.wrong_tokens.is_spent(network):
        raise Refusal(429, "Too many sign-ins that failed.", "Wait a minute.")
    try:
        return provider.come_back(going, request.query_params)
    except Refused as refused:
        web.wrong_tokens.take(network)
        events.warning("sign_in.refused", reason=str(refused))
        raise Refusal(403, f"{provider.name} did not sign you in.", _AGAIN) from None


def _let_in(web: Web, identity: Identity) -> list[Person]:
    """The person in each tenant that lets them in. Raises Refusal where none does."""
    with connected(web.pool, PATIENCE_SECONDS) as conn:
        tenant = None if web.settings.is_hosting else tenants.default(conn).id
        found = sign_ins.people(conn, tenant, subject=identity.subject, email=identity.email)
    if not found:
        raise Refusal(
            403,
            "You are no member here.",
            "Ask an admin to make you one, by the address that your provider verified"
            + (f" ({identity.email})." if identity.email else ", which it did not, or by your subject there."),
        )
    able = [each for each in found if not each.is_disabled]
    if not able:
        raise Refusal(403, "This member is disabled.", "An admin can enable it.")
    active = [each for each in able if each.tenant_status == "active"]
    if not active:
        raise Refusal(403, "This tenant is suspended.")
    return sorted(active, key=lambda each: each.tenant_name.lower())


def _check_site(request: Request) -> None:
    """Passes a form of this site's own: another one may sign nobody in as somebody else. Raises Refusal."""
    try:
        sessions.check_site(request)
    except HTTPException:
        raise Refusal(403, "This form came from another site.", "Open the page here, and try again.") from None


def _signed_in(web: Web, token: str, ends: float, where: str) -> Response:
    response = RedirectResponse(where, 303, _HEADERS)
    sessions.begin(response, web.seal, token, ends)
    return response


def _choices(web: Web, where: str, wrong: str = "", status: int = 200, headers: Any = None) -> Response:
    name = web.provider.name if web.provider else ""
    response = _page(
        status, "Sign in", choices=True, provider=name, provider_next=quote(where, safe=""), next=where, wrong=wrong
    )
    response.headers.update(headers or {})
    return response


def _check_key(web: Web) -> None:
    if not web.seal.key_ids:
        raise Refusal(409, "Nobody can sign in here yet.", _NO_KEY)


def _answered(web: Web, work: Callable[[], Response]) -> Response:
    """What the work answers; a page for whatever keeps somebody out."""
    try:
        _check_key(web)
        return work()
    except Refusal as refusal:
        return _page(refusal.status, refusal.title, note=refusal.note, again=True)
    except ProviderError as error:
        # The operator's to mend; whoever wants in is told no address of the inside.
        events.warning("provider.failed", reason=str(error))
        return _page(
            502,
            "The provider does not answer as it should.",
            note="Try again; the log says what it answered.",
            again=True,
        )


def _page(status: int, title: str, **told: Any) -> HTMLResponse:
    shown = {"note": "", "choices": False, "link": None, "people": [], "again": False, **told}
    return HTMLResponse(look.render("sign_in.html.j2", title=title, **shown), status, _HEADERS)
