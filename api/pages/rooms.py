"""Rooms of what a tenant keeps a list of: a list, a page for each, a form to make and to change one, and a button that deletes it.

A noun's own module names its columns, its fields and the API's functions; what it can do besides is a route of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel

from api.access import Role
from api.pages.forms import ETAG, Form, Typed, Values
from api.pages.page import Page, page_for, told
from api.pages.route import pages
from api.paging import MOST
from api.problems import Refusal
from scheduler.refusals import NotFound

# A room of such a noun has no more; of the others the newest are offered.
_MOST_OFFERED = 1000

Shape = dict[str, Any]
Choices = Sequence[tuple[str, str]]
FieldKind = Literal[
    "text", "textarea", "number", "choice", "boxes", "lines", "json", "object", "secret", "flag", "days", "cron"
]


@dataclass(frozen=True)
class Field:
    """A field of a form. `name` is the body's; `choices` of a choice or of boxes may be asked of the page.

    What is left blank is not given: when one is changed it is taken away if it `may_be_null`, and kept if it is a secret.
    `once`: it is given when one is made, and never changed; `later`: only when one is changed. `told_by` is the row's
    field that says what it is, where that has another name.
    """

    name: str
    label: str
    kind: FieldKind = "text"
    hint: str = ""
    choices: Choices | Callable[[Page], Choices] = ()
    rows: int = 4
    required: bool = False
    may_be_null: bool = False
    once: bool = False
    later: bool = False
    told_by: str = ""
    placeholder: str = ""

    def typed_name(self, *, is_new: bool) -> str:
        """The field's name in the form, with what it is behind a colon."""
        clears = self.may_be_null and not is_new
        kind = {
            "number": "clear-number" if clears else "number",
            "boxes": "list",
            "lines": "lines",
            "json": "clear-json" if clears else "json",
            "object": "json" if is_new else "object",
            "flag": "flag",
            "days": "days",
        }.get(self.kind)
        if self.kind == "textarea" and (clears or is_new or self.required):
            kind = "clear-long" if clears else "long"
        if kind is None:
            kind = "clear" if clears else "" if is_new or self.required or self.kind == "secret" else "as-is"
        return f"{self.name}:{kind}" if kind else self.name

    def options(self, page: Page, value: Any) -> Choices:
        """What can be chosen; what is chosen already is among it, or saving the form would choose something else."""
        choices = self.choices(page) if callable(self.choices) else self.choices
        if self.kind == "boxes":
            return _chosen_first(choices, [value] if isinstance(value, str) and value else list(value or ()))
        return with_chosen(choices, value) if self.kind == "choice" else choices


@dataclass(frozen=True)
class Room:
    """A noun's pages under `path`. `show` is the template of one row; `beside` what it shows besides the row itself.

    `form_beside`: what the template of its form shows besides the fields.
    """

    path: str
    title: str
    one: str
    note: str
    empty: str
    columns: Mapping[str, str]
    listed: Callable[..., Response]
    got: Callable[..., Response]
    made: Callable[..., Response]
    taken: type[BaseModel]
    fields: tuple[Field, ...]
    deleted: Callable[..., Response]
    edited: Callable[..., Response] | None = None
    patched: type[BaseModel] | None = None
    delete_word: str = "Delete"
    delete_ask: str = ""
    reads: Role = "viewer"
    writes: Role = "editor"
    show: str = "rooms/one.html.j2"
    listing: str = "rooms/list.html.j2"
    form: str = "rooms/form.html.j2"
    form_beside: Mapping[str, Any] = field(default_factory=dict)
    name_of: str = "name"
    filters: tuple[str, ...] = ()
    beside: Callable[[Page, Shape], Mapping[str, Any]] = lambda *_: {}
    after_made: Callable[[Page, Shape], Response] | None = None
    after_saved: Callable[[Page, Shape], Response] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def row(self, page: Page, row_id: UUID) -> Shape:
        """One row as the API shows it, and its version under `etag`. Raises NotFound."""
        response = self.got(page.asking, row_id)
        return told(response) | {"etag": response.headers.get("etag", "")}

    def page_of(self, page: Page, row_id: UUID, **values: Any) -> Response:
        """The page of one row; `values` are what a button of it answered."""
        shape = self.row(page, row_id)
        more = {**self.beside(page, shape), **values}
        return page.show(self.show, room=self, row=shape, may_write=page.may(self.writes), **more)

    def at(self, row_id: object) -> str:
        """Where the page of a row is."""
        return f"{self.path}/{row_id}"


def routes(room: Room) -> APIRouter:
    """The routes of a room."""
    reading, writing = page_for(room.reads), page_for(room.writes)
    one = room.path.rpartition("/")[2].replace("-", "_").removesuffix("s") + "_id"
    row = f"{room.path}/{{{one}}}"
    router = pages(room.title.lower())

    @router.get(room.path)
    def list_rows(page: Annotated[Page, Depends(reading)], cursor: str | None = None) -> Response:
        return _list(room, page, cursor)

    @router.get(f"{room.path}/new")
    def new_row(page: Annotated[Page, Depends(writing)]) -> Response:
        return _form(room, page, Values({**room.defaults, **page.query}))

    @router.post(f"{room.path}/new")
    def make_row(page: Annotated[Page, Depends(writing)], form: Typed) -> Response:
        return _make(room, page, form)

    @router.get(row)
    def show_row(page: Annotated[Page, Depends(reading)]) -> Response:
        return room.page_of(page, id_in(page))

    if room.edited is not None:

        @router.get(f"{row}/edit")
        def edit_row(page: Annotated[Page, Depends(writing)]) -> Response:
            shape = room.row(page, id_in(page))
            told_by = {each.name: shape[each.told_by] for each in room.fields if each.told_by}
            return _form(room, page, Values(Values.of(shape) | told_by), row=shape)

        @router.post(f"{row}/edit")
        def save_row(page: Annotated[Page, Depends(writing)], form: Typed) -> Response:
            return _save(room, page, form)

    @router.post(f"{row}/delete")
    def delete_row(page: Annotated[Page, Depends(writing)]) -> Response:
        return _delete(room, page)

    return router


def _list(room: Room, page: Page, cursor: str | None) -> Response:
    wanted = {name: page.query[name] for name in room.filters if page.query[name]}
    found = told(room.listed(page.asking, cursor=cursor, **wanted))
    return page.show(room.listing, room=room, found=found, may_write=page.may(room.writes))


def _make(room: Room, page: Page, form: Form) -> Response:
    page.if_refused(lambda refusal: _form(room, page, _shown_again(room, form), refusal))
    made = told(room.made(page.asking, form.body(room.taken)))
    if room.after_made is not None:
        return room.after_made(page, made)
    return page.done(room.at(made["id"]), f"The {room.one} {made[room.name_of]} is made.")


def _save(room: Room, page: Page, form: Form) -> Response:
    row_id = id_in(page)
    if room.edited is None or room.patched is None:
        raise HTTPException(405, f"a {room.one} is never changed")
    shape = room.row(page, row_id)
    page.if_refused(lambda refusal: _refused_edit(room, page, form, refusal, shape))
    saved = told(room.edited(page.read_as(form[ETAG]), row_id, form.body(room.patched)))
    if room.after_saved is not None:
        return room.after_saved(page, saved)
    return page.done(room.at(row_id), f"The {room.one} {saved[room.name_of]} is saved.")


def _refused_edit(room: Room, page: Page, form: Form, refusal: Refusal, row: Shape) -> Response:
    """The form again, with what was typed. It stays a form of the version that was read, until it says what is another now."""
    if refusal.status != 412:
        return _form(room, page, _shown_again(room, form), refusal, row=row | {"etag": form[ETAG]})
    typed = form.raw()
    now = {each.told_by or each.name: each for each in room.fields}
    since = [
        (each.label, row[name])
        for name, each in now.items()
        if name in row and each.name in typed and typed[each.name] != (bool(row[name]) if each.told_by else row[name])
    ]
    return _form(room, page, _shown_again(room, form), refusal, row=row, since=since)


def _delete(room: Room, page: Page) -> Response:
    row_id = id_in(page)
    name = room.row(page, row_id)[room.name_of]
    room.deleted(page.asking, row_id)
    return page.done(room.path, f"The {room.one} {name} is {room.delete_word.lower()}d.")


def id_in(page: Page) -> UUID:
    """The id in the page's address. Raises NotFound for what is none."""
    try:
        return UUID(next(iter(page.request.path_params.values())))
    except ValueError:
        raise NotFound("the address names no id") from None


def names_of(listed: Callable[..., Response], name: str = "name") -> Callable[[Page], Choices]:
    """What a choice of another noun's rows offers: the ids with their names, of the newest thousand."""

    def choices(page: Page) -> Choices:
        found: list[tuple[str, str]] = []
        cursor = None
        while len(found) < _MOST_OFFERED:
            part = told(listed(page.asking, limit=MOST, cursor=cursor))
            found += [(each["id"], each[name]) for each in part["items"]]
            cursor = part["nextCursor"]
            if cursor is None:
                break
        return found

    return choices


def with_chosen(choices: Choices, value: Any) -> Choices:
    """The choices, and before them what is chosen where it is none of them: by its id, since its name is not known."""
    is_there = not value or any(each == value for each, _ in choices)
    return choices if is_there else [(value, value), *choices]


def _chosen_first(choices: Choices, chosen: Sequence[str]) -> Choices:
    """What is ticked in its own order, which boxes send as they stand, and then the others."""
    names = dict(choices)
    return [*((each, names.pop(each, each)) for each in dict.fromkeys(chosen)), *names.items()]


def _form(
    room: Room,
    page: Page,
    values: Values,
    refusal: Refusal | None = None,
    *,
    row: Shape | None = None,
    since: Sequence[tuple[str, Any]] = (),
) -> Response:
    fields = [each for each in room.fields if not (each.later if row is None else each.once)]
    shown = [replace(each, choices=each.options(page, values[each.name])) for each in fields]
    return page.show(
        room.form, room=room, fields=shown, values=values, refusal=refusal, row=row, since=since, **room.form_beside
    )


def _shown_again(room: Room, form: Form) -> Values:
    """What was typed: of boxes and lines all, of a secret nothing."""
    values = form.typed()
    for each in room.fields:
        if each.kind == "boxes":
            values[each.name] = [value for value in form.all(each.name) if value]
        elif each.kind == "flag":
            values[each.name] = form[each.name] == "yes"
        elif each.kind == "secret":
            values.pop(each.name, None)
    return values
