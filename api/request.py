"""One request: reads behind its tenant's wall, and changes that are made, audited, remembered and answered together.

A change is one transaction: what was done, its audit entry and, under an `Idempotency-Key`, the answer itself. So a
repeated request finds either all three or none, and is answered as it was the first time.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import Depends, Header, HTTPException, Request
from fastapi.responses import Response

from api import audit, jwts
from api.access import PATIENCE_SECONDS, Caller, Needs, Role
from api.addresses import address_of
from api.audit import Author
from api.query_names import check_names
from api.refusals import Stale, refuse
from api.state import Web, web_of
from db.jsonb import Jsonb, dumps
from db.live import connected
from db.pool import Connection, transaction
from db.query import Query
from db.walls import plan_each, within

Json = dict[str, Any]


class Answer(NamedTuple):
    """An answer that was kept."""

    request_hash: bytes
    status: int
    headers: dict[str, str]
    body: str


class Waited(NamedTuple):
    """The wait for another request with the same key is over."""

    waited: str


LOCK_ANSWER = Query("lock_answer", Waited)
GET_ANSWER = Query("get_answer", Answer)
KEEP_ANSWER = Query("keep_answer")


@dataclass(frozen=True, slots=True)
class Change:
    """What a request changed, for the audit log, and how it is answered.

    `before` and `after` hold no secrets.
    """

    action: str
    subject: tuple[str, object]
    before: Json | None = None
    after: Json | None = None
    body: Any = None
    status: int = 200
    location: str | None = None
    etag: str | None = None
    # What is kept for the Idempotency-Key in place of a body that holds a secret.
    kept: Any = None


class _Planned(Exception):
    """Ends the transaction of a plan, so that nothing of it stays."""

    def __init__(self, change: Change) -> None:
        self.change = change
        super().__init__()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a caller who may make it. `tenant_id` is None for what stands above the tenants.

    Where `is_plan`, a change is made, told and taken back.
    """

    web: Web
    caller: Caller
    tenant_id: UUID | None
    author: Author
    key: str | None = None
    fingerprint: bytes = b""
    if_match: str | None = None
    is_plan: bool = False

    @property
    def tenant(self) -> UUID:
        """The tenant whose request it is."""
        if self.tenant_id is None:
            raise RuntimeError("this request stands above the tenants")
        return self.tenant_id

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction in which only the tenant's rows are there."""
        with connected(self.web.pool, PATIENCE_SECONDS) as conn:
            if self.tenant_id is None:
                with transaction(conn):
                    yield conn
            else:
                with within(conn, self.tenant_id, is_walled=self.web.is_walled(conn)):
                    yield conn

    @contextmanager
    def listing(self) -> Iterator[Connection]:
        """The same for a list with filters."""
        with self.reading() as conn:
            plan_each(conn)
            yield conn

    def writing(self, work: Callable[[Connection], Change]) -> Response:
        """The answer to the change that `work` makes; what it raises leaves nothing behind.

        Under an Idempotency-Key the second request waits for the first and is answered alike; with another body it is
        refused. A plan is refused as the change itself is, and keeps nothing.
        """
        try:
            return self._written(work)
        except _Planned as planned:
            return answer(planned.change.body)

    def _written(self, work: Callable[[Connection], Change]) -> Response:
        with self.reading() as conn:
            if self.is_plan:
                raise _Planned(work(conn))
            kept = self._kept(conn)
            if kept is not None:
                return Response(kept.body, kept.status, {**kept.headers, "Idempotency-Replayed": "true"})
            change = work(conn)
            audit.record(conn, self.tenant_id, self.author, change.action, change.subject, change.before, change.after)
            response = answer(change.body, change.status, location=change.location, etag=change.etag)
            if self.key is not None:
                kept_body = change.body if change.kept is None else change.kept
                self._keep(conn, answer(kept_body, change.status, location=change.location, etag=change.etag))
        return response

    def check_match(self, etag: str) -> None:
        """Passes when the request names this version, or none. Raises Stale."""
        if self.if_match is None or self.if_match.strip() == "*":
            return
        named = {each.strip().removeprefix("W/") for each in self.if_match.split(",")}
        if etag not in named:
            raise Stale("it was changed since you read it; read it again")

    def _kept(self, conn: Connection) -> Answer | None:
        if self.key is None:
            return None
        place = {"who": self._who(), "key": self.key}
        LOCK_ANSWER.one(conn, **place)
        kept = GET_ANSWER.one(conn, **place)
        if kept is not None and kept.request_hash != self.fingerprint:
            raise refuse("Idempotency-Key", "was used for another request; take a new one for this")
        return kept

    def _keep(self, conn: Connection, response: Response) -> None:
        KEEP_ANSWER.run(
            conn,
            who=self._who(),
            key=self.key,
            tenant_id=self.tenant_id,
            request_hash=self.fingerprint,
            status=response.status_code,
            headers=Jsonb({name: value for name, value in response.headers.items() if name != "content-length"}),
            body=bytes(response.body).decode(),
        )

    def _who(self) -> str:
        return f"{self.tenant_id or 'operator'} {self.caller.who}"


def answer(body: Any, status: int = 200, *, location: str | None = None, etag: str | None = None) -> Response:
    """The body as JSON, written as everything that Tocsin writes; None is no body."""
    headers = {name: value for name, value in (("Location", location), ("ETag", etag)) if value is not None}
    if body is None:
        return Response(None, status, headers)
    return Response(dumps(body), status, headers, "application/json")


def etag_of(shape: Mapping[str, Any], volatile: frozenset[str] = frozenset()) -> str:
    """The version of what somebody may change; what the engine counts and plans is no part of it."""
    stable = {name: value for name, value in shape.items() if name not in volatile}
    return f'"{hashlib.sha256(dumps(stable).encode()).hexdigest()[:24]}"'


async def _fingerprint(request: Request) -> bytes:
    """What makes the request the same as another one: its method, its address and its body."""
    head = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(head.encode() + await request.body()).digest()


def _asked_to_read(role: Role, scope: str | None = None) -> Callable[..., Asked]:
    def asked(
        request: Request, web: Annotated[Web, Depends(web_of)], caller: Annotated[Caller, Depends(Needs(role, scope))]
    ) -> Asked:
        check_names(request)
        return Asked(
            web=web,
            caller=caller,
            tenant_id=None if role == "operator" else caller.tenant_id,
            author=Author(caller.who, address_of(request), request.state.request_id),
        )

    return asked


def _asked_to_write(role: Role) -> Callable[..., Asked]:
    def asked(
        asking: Annotated[Asked, Depends(_asked_to_read(role))],
        fingerprint: Annotated[bytes, Depends(_fingerprint)],
        idempotency_key: Annotated[
            str | None, Header(description="the same request under the same key is done once a day", max_length=255)
        ] = None,
        if_match: Annotated[
            str | None, Header(description="the ETag that you read; another version is 412", max_length=1000)
        ] = None,
    ) -> Asked:
        if idempotency_key is not None and not (idempotency_key.isprintable() and idempotency_key.isascii()):
            raise HTTPException(400, "Idempotency-Key takes up to 255 printable characters")
        return replace(asking, key=idempotency_key or None, fingerprint=fingerprint, if_match=if_match)

    return asked


def _asked_to_make(
    asking: Annotated[Asked, Depends(_asked_to_write("editor"))],
    *,
    tocsin_plan: Annotated[
        bool, Header(description="true: answers what would be made, 200, and makes nothing")
    ] = False,
) -> Asked:
    return replace(asking, is_plan=tocsin_plan)


Reader = Annotated[Asked, Depends(_asked_to_read("viewer"))]
AdminReader = Annotated[Asked, Depends(_asked_to_read("admin"))]
Ticking = Annotated[Asked, Depends(_asked_to_read("editor", jwts.TICK))]
OperatorReader = Annotated[Asked, Depends(_asked_to_read("operator"))]
Editor = Annotated[Asked, Depends(_asked_to_write("editor"))]
Maker = Annotated[Asked, Depends(_asked_to_make)]
Admin = Annotated[Asked, Depends(_asked_to_write("admin"))]
Operator = Annotated[Asked, Depends(_asked_to_write("operator"))]
