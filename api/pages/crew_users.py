"""`/crew/users`: whom crews are asked about; one by one, or many out of a CSV file or its lines."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api.doorway import MOST_BYTES
from api.pages import json_tree
from api.pages.forms import ETAG, Typed, Values
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.rooms import Shape
from api.pages.route import pages
from api.paging import Cursor, Word
from api.problems import Refusal
from api.refusals import refuse
from api.routes import crew_responses, users
from api.user_imports import MOST_OF_A_BODY
from api.users import COLUMNS, UserIn, UserPatch
from db.pool import Connection
from scheduler import runs
from scheduler.refusals import NotFound
from scheduler.schedules import read_now

router = pages("users")
_ANSWERS = 10


@router.get("/crew/users")
def list_users(
    page: ViewerPage,
    uid: Annotated[Word | None, Query(max_length=255)] = None,
    segment: Word | None = None,
    active: Annotated[bool | None, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    """The users, newest first; a uid leads to its user."""
    if uid is not None and _is_there(page, uid):
        return page.done(_at(uid))
    found = told(users.list_users(page.asking, cursor=cursor, segment=segment, active=active))
    return page.show("crew/users.html.j2", found=found, missed=uid)


@router.get("/crew/users/new")
def new_user(page: EditorPage) -> Response:
    """The empty form."""
    return _form(page, Values(priority=5, active=True))


@router.post("/crew/users/new")
def create_user(page: EditorPage, form: Typed) -> Response:
    """Makes a user."""
    page.if_refused(lambda refusal: _form(page, form.typed(), refusal))
    made = told(users.create_user(page.asking, form.body(UserIn)))
    return page.done(_at(made["uid"]), f"The user {made['uid']} is made.")


@router.get("/crew/users/import")
def show_import(page: EditorPage) -> Response:
    """Where CSV goes in."""
    return _import(page)


@router.post("/crew/users/import")
def import_users(page: EditorPage, form: Typed) -> Response:
    """Makes the users of a CSV file or its lines, or makes those that are there like it; all of them or none."""
    page.if_refused(lambda refusal: _import(page, form["csv"], refusal))
    file = form.files.get("file")
    if file is not None and form["csv"].strip():
        raise refuse("csv", "takes lines where no file is chosen")
    done = told(users.import_users(page.asking, form["csv"].encode() if file is None else file))
    return page.done("/crew/users", f"{done['created']} users are new, {done['updated']} changed.")


@router.get("/crew/users/{uid}")
def show_user(page: ViewerPage, uid: str) -> Response:
    """One user, what was answered about them, and what died."""
    user = told(users.get_user(page.asking, uid))
    found = told(crew_responses.list_crew_responses(page.asking, user_uid=uid, limit=_ANSWERS))
    with page.reading() as conn:
        now = read_now(conn)
        dead = {each["runId"] for each in found["items"] if each["runId"] and _is_dead(conn, page.tenant, each)}
    return page.show(
        "crew/user.html.j2",
        user=user,
        found=found,
        dead=dead,
        trees={each["id"]: json_tree.draw(each["responseData"], most=60) for each in found["items"]},
        now=now,
    )


@router.get("/crew/users/{uid}/edit")
def edit_user(page: EditorPage, uid: str) -> Response:
    """The form of a user as they are."""
    user = _user(page, uid)
    return _form(page, Values.of(user), user=user)


@router.post("/crew/users/{uid}/edit")
def save_user(page: EditorPage, uid: str, form: Typed) -> Response:
    """Changes a user."""
    user = _user(page, uid)
    page.if_refused(lambda refusal: _form(page, form.typed(), refusal, user=user))
    users.edit_user(page.read_as(form[ETAG]), uid, form.body(UserPatch))
    return page.done(_at(uid), f"The user {uid} is saved.")


@router.post("/crew/users/{uid}/deactivate")
def deactivate_user(page: EditorPage, uid: str) -> Response:
    """Has crews ask about a user no more."""
    users.edit_user(page.asking, uid, UserPatch(active=False))
    return page.done(_at(uid), "Crews ask about this user no more.")


@router.post("/crew/users/{uid}/activate")
def activate_user(page: EditorPage, uid: str) -> Response:
    """Has crews ask about a user again."""
    users.edit_user(page.asking, uid, UserPatch(active=True))
    return page.done(_at(uid), "Crews ask about this user again.")


@router.post("/crew/users/{uid}/delete")
def delete_user(page: EditorPage, uid: str) -> Response:
    """Deletes a user with all answers about them."""
    users.delete_user(page.asking, uid)
    return page.done("/crew/users", f"The user {uid} is deleted, with all answers about them.")


def _at(uid: str) -> str:
    return f"/crew/users/{quote(uid, safe='')}"


def _is_there(page: Page, uid: str) -> bool:
    try:
        users.get_user(page.asking, uid)
    except NotFound:
        return False
    return True


def _is_dead(conn: Connection, tenant_id: UUID, answered: Shape) -> bool:
    """Whether the call that an answer is kept of waits for somebody to replay it."""
    if answered["status"] == "answered":
        return False
    try:
        return runs.get(conn, tenant_id, UUID(answered["runId"])).state == "dead"
    except NotFound:
        return False


def _user(page: Page, uid: str) -> Shape:
    """The user as the API shows them, with their version under `etag`. Raises NotFound."""
    response = users.get_user(page.asking, uid)
    return told(response) | {"etag": response.headers.get("etag", "")}


def _form(page: Page, values: Values, refusal: Refusal | None = None, *, user: Shape | None = None) -> Response:
    return page.show("crew/user_form.html.j2", values=values, refusal=refusal, user=user)


def _import(page: Page, typed: str = "", refusal: Refusal | None = None) -> Response:
    return page.show(
        "crew/import.html.j2", typed=typed, refusal=refusal, columns=COLUMNS, most=MOST_OF_A_BODY, bytes=MOST_BYTES
    )
