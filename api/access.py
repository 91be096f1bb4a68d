"""Who asks: an API token or a tenant JWT in one `Authorization: Bearer`, or in a browser's session; and what they may.

A wrong token answers 401 whatever is wrong with it. Without TOCSIN_HOSTING an operator acts for the default tenant,
with it for the one that `Tocsin-Tenant` names.
"""

import hmac
import math
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from fastapi import Depends, Header, HTTPException, Request
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api import jwts, sessions, tenants, tokens
from api.addresses import address_of, network_of
from api.limits import Limit, Verdict
from api.state import WRONG_TOKENS, Web, web_of
from db.live import connected
from db.pool import Connection
from db.query import Query
from scheduler.refusals import NotFound

Role = Literal["viewer", "editor", "admin", "operator"]
_RANKS: dict[str, int] = {"viewer": 0, "editor": 1, "admin": 2, "operator": 3}
_ROLE_OF_SCOPE: dict[str, Role] = {"read": "viewer", "write": "editor", "admin": "admin", "operator": "operator"}
PATIENCE_SECONDS = 5.0

_bearer = HTTPBearer(auto_error=False, description="an API token (`toc_…`) or a tenant JWT")
_metrics_bearer = HTTPBearer(auto_error=False, description="the value of METRICS_TOKEN", scheme_name="MetricsToken")


class Caller(NamedTuple):
    """Who asks, and for which tenant; `who` is what history keeps of them.

    `until` is when the token that they show ends, in seconds since 1970. `scope`: all that it opens; None for a
    person's, which opens what the role may.
    """

    who: str
    role: Role
    tenant_id: UUID | None
    tenant_slug: str | None
    requests_per_minute: int | None = None
    until: float = math.inf
    scope: str | None = None


class FoundMember(NamedTuple):
    """The tenant that a JWT names, and its member of that subject, where it has one."""

    tenant_id: UUID
    tenant_slug: str
    tenant_status: str
    role: Role | None
    is_disabled: bool
    requests_per_minute: int | None


FIND_MEMBER = Query("find_member", FoundMember)


class NoTenant(HTTPException):
    """An operator of many tenants did not say for which of them they ask, or named one that is not there."""


def unauthorized(detail: str) -> HTTPException:
    """The refusal of somebody who did not say who they are, or not truly."""
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def rank(role: str) -> int:
    """How much a role may: a higher one may all that a lower one may."""
    return _RANKS[role]


@dataclass(frozen=True)
class Needs:
    """A dependency: the caller, who has at least this role, or a token that was minted for this scope.

    Answers 400, 401, 403 and 429 in its stead.
    """

    role: Role
    scope: str | None = None

    def __call__(
        self,
        request: Request,
        web: Annotated[Web, Depends(web_of)],
        _shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        tocsin_tenant: Annotated[
            str | None, Header(description="an operator names the tenant here", max_length=63)
        ] = None,
    ) -> Caller:
        """The caller."""
        return admitted(request, web, self.role, self.scope, named=tocsin_tenant)


def least_role(asked: Dependant) -> Role | None:
    """The role that a route's dependencies ask for; None for a route that no role opens."""
    if isinstance(asked.call, Needs):
        return asked.call.role
    return next((role for each in asked.dependencies if (role := least_role(each)) is not None), None)


def admitted(request: Request, web: Web, role: Role, scope: str | None = None, *, named: str | None = None) -> Caller:
    """The request's caller, if they may. `named` is the tenant that an operator acts for.

    Raises HTTPException 401, 403 and 429, and NoTenant.
    """
    found = _found(request, web, named if role != "operator" else None)
    _count(request, web, found)
    if found.scope is not None and found.scope != scope:
        raise HTTPException(403, "this token was made for something else")
    if found.scope is None and rank(found.role) < rank(role):
        raise HTTPException(403, f"this needs the role {role}; yours is {found.role}")
    if role != "operator" and found.tenant_id is None:
        raise NoTenant(400, "there are many tenants here: an operator names one in the header Tocsin-Tenant")
    return found


def metrics_reader(
    web: Annotated[Web, Depends(web_of)],
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_metrics_bearer)],
) -> None:
    """Passes who shows METRICS_TOKEN as a bearer token; 403 when none is set, 401 for anybody else.

    Not set means shut, also on loopback: behind a proxy on the same machine everybody comes from loopback.
    """
    token = web.settings.metrics_token
    if not token:
        raise HTTPException(403, "METRICS_TOKEN is not set, so nobody may read this here")
    if shown is None or not hmac.compare_digest(shown.credentials.encode(), token.encode()):
        raise unauthorized("show METRICS_TOKEN as a bearer token")


MetricsReader = Depends(metrics_reader)


def _found(request: Request, web: Web, named: str | None) -> Caller:
    """Who the request's one bearer token is of. Raises HTTPException."""
    token = shown_token(request)
    return _of_session(request, web, named) if token is None else of_token(request, web, token, named)


def of_token(request: Request, web: Web, token: str, named: str | None = None) -> Caller:
    """Whose a token is that the request shows, wherever it shows it. Raises HTTPException."""
    network = network_of(address_of(request))
    # Who guesses gets no lookup; what we know to be good passes, so that others at the same address are unharmed.
    if web.wrong_tokens.is_spent(network) and tokens.hash_of(token) not in web.good_tokens:
        raise too_many(
            Verdict(is_passed=False, limit=WRONG_TOKENS, remaining=0, reset_seconds=60), "too many wrong tokens"
        )
    caller = _known(web, token, named)
    if caller is None:
        web.wrong_tokens.take(network)
        web.forget(tokens.hash_of(token))
        raise unauthorized("the token is not valid")
    web.remember(tokens.hash_of(token))
    return caller


def _of_session(request: Request, web: Web, named: str | None) -> Caller:
    """Who the browser's session is of. Its token is no guess, since it was sealed here. Raises HTTPException."""
    token = sessions.token_of(request, web.seal)
    caller = None if token is None else _known(web, token, named)
    if caller is None:
        refusal = unauthorized("send an API token or a tenant JWT as a bearer token")
        if sessions.COOKIE in request.cookies:
            # No page can clear it, and it opens nothing any more.
            refusal.headers = {**(refusal.headers or {}), "Set-Cookie": sessions.gone()}
        raise refusal
    return caller


def shown_token(request: Request) -> str | None:
    """The bearer token of the request; None where it has no Authorization header. Raises HTTPException."""
    shown = request.headers.getlist("authorization")
    if len(shown) > 1:
        raise HTTPException(400, "send one Authorization header")
    if not shown:
        return None
    scheme, _, token = shown[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("send an API token or a tenant JWT as a bearer token")
    return token.strip()


def _known(web: Web, token: str, named: str | None) -> Caller | None:
    """Whose token it is; None for a wrong one."""
    if token.startswith(tokens.PREFIX):
        if not tokens.is_whole(token):
            return None
        with connected(web.pool, PATIENCE_SECONDS) as conn:
            found = tokens.find(conn, token)
            if found is None:
                return None
            if found.tenant_id is None:
                return _operator(conn, web, found, named)
        _check_active(found.tenant_status)
        return Caller(
            f"token:{found.id}" if found.subject is None else f"member:{found.subject}",
            _role_of(found),
            found.tenant_id,
            found.tenant_slug,
            found.requests_per_minute,
            _end_of(found),
        )
    secret = web.settings.jwt_secret
    if not secret:
        return None
    try:
        claims = jwts.read(token, secret)
    except jwts.BadToken:
        return None
    except jwts.WrongRole as error:
        raise HTTPException(403, str(error)) from None
    with connected(web.pool, PATIENCE_SECONDS) as conn:
        member = FIND_MEMBER.one(conn, tenant_id=_id(claims.tenant), slug=claims.tenant, subject=claims.subject)
    if member is None:
        return None
    if member.is_disabled:
        raise HTTPException(403, "this member is disabled")
    _check_active(member.tenant_status)
    role: Role = member.role or claims.role  # type: ignore[assignment]  # jwts.read gives a viewer, editor or admin
    who = f"member:{claims.subject}"
    return Caller(
        who, role, member.tenant_id, member.tenant_slug, member.requests_per_minute, claims.until, claims.scope
    )


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def _role_of(token: tokens.Found) -> Role:
    """What the token may; a member's own may no more than the member, whose role may have been lowered since."""
    role = _ROLE_OF_SCOPE[token.scope]
    return role if token.member_role is None else min(role, token.member_role, key=rank)  # type: ignore[arg-type]  # a member's is one of them


def _end_of(token: tokens.Found) -> float:
    return math.inf if token.expires_at is None else token.expires_at.timestamp()


def _operator(conn: Connection, web: Web, token: tokens.Found, named: str | None) -> Caller:
    try:
        tenant = tenants.get(conn, named) if named else None if web.settings.is_hosting else tenants.default(conn)
    except NotFound:
        raise NoTenant(404, "Tocsin-Tenant names no tenant") from None
    return Caller(f"token:{token.id}", "operator", tenant and tenant.id, tenant and tenant.slug, until=_end_of(token))


def _check_active(status: str | None) -> None:
    if status != "active":
        raise HTTPException(403, "this tenant is suspended")


def _count(request: Request, web: Web, caller: Caller) -> None:
    """Counts the request of the token and of the tenant, and says in headers what is left."""
    # Two tenants may have a member of one subject; neither spends what is the other's.
    verdicts = [web.per_caller.take(f"{caller.tenant_id} {caller.who}")]
    # What is refused for the token is not counted of the tenant, or one token would shut out the others.
    if caller.tenant_id is not None and verdicts[0].is_passed:
        quota = caller.requests_per_minute
        share = None if quota is None else max(1, quota // web.settings.processes)
        verdicts.append(web.per_tenant.take(str(caller.tenant_id), share))
    least = min(verdicts, key=lambda verdict: (verdict.is_passed, verdict.remaining))
    request.state.headers = _headers(least)
    if not least.is_passed:
        raise too_many(least, f"there is a limit of {least.limit} requests a minute")


def count_guest(request: Request, limit: Limit) -> None:
    """Counts the request of somebody who shows no token, by their address. Raises HTTPException."""
    verdict = limit.take(network_of(address_of(request)))
    if not verdict.is_passed:
        raise too_many(verdict, f"there is a limit of {limit.per_minute} requests a minute")


def too_many(verdict: Verdict, detail: str) -> HTTPException:
    """The refusal of somebody who asks too often."""
    return HTTPException(429, detail, _headers(verdict) | {"Retry-After": str(verdict.reset_seconds)})


def _headers(verdict: Verdict) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(verdict.limit),
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(verdict.reset_seconds),
    }
