"""`/api/users`: whom crews are asked about."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api import multipart, shapes, user_imports, users
from api.asked_sources import Means, asked, row_of
from api.graphs import Asking
from api.paging import Cursor, Limit, Word
from api.problems import answers, good
from api.refusals import refuse
from api.request import Asked, Change, Editor, Reader
from api.users import USERS, Imported, User, UserIn, UserPatch, UsersIn
from db.pool import Connection
from scheduler.refusals import NotFound
from workers.sources.table import Question, SourceRefused, SourceUnavailable, streamed

router = APIRouter(prefix="/api/users", tags=["crew"], responses=answers(400, 401, 403, 404, 422, 429, 503))

UserOut = shapes.model_of(User, "User")
UserList = shapes.list_of(UserOut, "UserList")
ImportedOut = shapes.model_of(Imported, "Imported")
_IMPORT_SECONDS = 20.0
# What programs say of a file that they have not looked into, beside any text; curl says of a body that it is a form.
_FILES = frozenset(
    {
        "",
        multipart.MEDIA,
        "application/csv",
        "application/octet-stream",
        "application/vnd.ms-excel",
        "application/x-www-form-urlencoded",
    }
)
_CSV: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string", "example": "uid,goal\nada,to grow\n"}},
            multipart.MEDIA: {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
        },
    }
}


class UsersQuery(BaseModel):
    """A query whose rows are users: its columns are uid and any of context, goal, segment, priority, active."""

    model_config = ConfigDict(extra="forbid")

    sourceId: UUID = Field(description="the source that is asked")  # noqa: N815  as the contract spells its names
    query: Asking


async def _content(request: Request) -> bytes:
    """The CSV file that was sent: the body, or the one file of a form. Raises BadDefinition, and HTTPException 415."""
    told = request.headers.get("content-type", "")
    media = multipart.media_of(told)
    if not (media in _FILES or media.startswith("text/")):
        raise HTTPException(415, f"takes a CSV file, as text/csv or as the file of a form ({multipart.MEDIA})")
    body = await request.body()
    if media != multipart.MEDIA:
        return body
    try:
        parts = multipart.parts_of(told, body)
    except ValueError as error:
        raise refuse("body", f"takes a whole form: this one {error}") from None
    found = [part for part in parts if part.filename is not None] or parts
    if len(found) != 1:
        raise refuse("body", "takes a form with one file")
    return found[0].content


@router.get("", responses=good(200, UserList))
def list_users(
    asking: Reader,
    limit: Limit = 50,
    cursor: Cursor = None,
    segment: Word | None = None,
    active: Annotated[bool | None, Query()] = None,
) -> Response:
    """The users, newest first."""
    return USERS.answer_list(asking, limit, cursor, segment=segment, active=active)


@router.post("", status_code=201, responses=good(201, UserOut, 409))
def create_user(asking: Editor, body: UserIn) -> Response:
    """Makes a user."""

    def work(conn: Connection) -> Change:
        made = shapes.plain(users.create(conn, asking.tenant, body))
        place = f"/api/users/{made['uid']}"
        etag = USERS.version(made)
        return Change("user.created", ("user", made["id"]), *USERS.audited(None, made), made, 201, place, etag)

    return asking.writing(work)


@router.post("/bulk", responses=good(200, ImportedOut))
def upsert_users(asking: Editor, body: UsersIn) -> Response:
    """Makes up to a thousand users, or changes those that are there, in the fields that are given."""
    return _imported(asking, lambda conn: users.upsert(conn, asking.tenant, body.users))


@router.post("/import", responses=good(200, ImportedOut, 415), openapi_extra=_CSV)
def import_users(asking: Editor, content: Annotated[bytes, Depends(_content)]) -> Response:
    """Makes users of the lines of a CSV file, whose first names the columns, or changes those columns of who is there."""
    found = user_imports.read_csv(content)
    return _imported(asking, lambda conn: users.upsert(conn, asking.tenant, found))


@router.post("/import-source", responses=good(200, ImportedOut, 409))
def import_users_of_source(asking: Editor, body: UsersQuery) -> Response:
    """Makes users of the rows that a source answers, up to a million, or changes those columns of who is there."""
    with asking.reading() as conn:
        try:
            row = row_of(conn, asking.tenant, body.sourceId)
        except NotFound as error:
            raise refuse("sourceId", str(error)) from None
    settings = asking.web.settings
    means = Means(asking.web.seal, settings.egress_allow, settings.files)
    question = Question(body.query, row.now)
    with user_imports.spool() as found:
        try:
            with (
                asked(row, asking.tenant, means) as source,
                streamed(source, question, timeout_seconds=_IMPORT_SECONDS, row_cap=user_imports.MOST) as stream,
            ):
                found.fill(stream)
        except SourceRefused as error:
            raise refuse("query", str(error)) from None
        except SourceUnavailable as error:
            raise HTTPException(503, str(error)) from None
        return _imported(asking, lambda conn: user_imports.write(conn, asking.tenant, found))


@router.get("/{uid}", responses=good(200, UserOut))
def get_user(asking: Reader, uid: str) -> Response:
    """One user."""
    return USERS.answer_one(asking, _id(asking, uid))


@router.patch("/{uid}", responses=good(200, UserOut, 412))
def edit_user(asking: Editor, uid: str, body: UserPatch) -> Response:
    """Changes a user; crews ask by it from their next call on."""
    return USERS.edit(asking, _id(asking, uid), lambda conn, row: users.edit(conn, asking.tenant, row, body))


@router.delete("/{uid}", status_code=204, responses=answers(412))
def delete_user(asking: Editor, uid: str) -> Response:
    """Deletes a user with all answers about them."""
    return USERS.remove(asking, _id(asking, uid))


def _id(asking: Asked, uid: str) -> UUID:
    with asking.reading() as conn:
        return users.named(conn, asking.tenant, uid).id


def _imported(asking: Asked, write: Callable[[Connection], Imported]) -> Response:
    def work(conn: Connection) -> Change:
        done = shapes.plain(write(conn))
        return Change("user.imported", ("user", asking.tenant), None, done, done)

    return asking.writing(work)
