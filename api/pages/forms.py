"""What somebody typed into a form, as the body that the API takes.

A field's name says where its value goes in the body and, behind a colon, what it is: `threshold.thresholdValue:number`.
A field that was left blank is not in the body, unless its type says otherwise.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api import multipart
from api.refusals import refuse

_MOST_FIELDS = 2_000
# A longer name is none of ours, and would take long to be read part by part.
_LONGEST_NAME = 300
# The version of the row that the form was filled from; no field of its body.
ETAG = "etag"
_MEDIA = "application/x-www-form-urlencoded"
Model = TypeVar("Model", bound=BaseModel)


class Values(dict[str, Any]):
    """What stands in the fields of a form, by dotted names; a field that is not there is blank."""

    def __missing__(self, name: str) -> str:
        return ""

    @classmethod
    def of(cls, shape: Mapping[str, Any], prefix: str = "") -> "Values":
        """The values of what the API shows; of a list each field makes its own text."""
        found = cls()
        for name, value in shape.items():
            if isinstance(value, dict):
                found |= cls.of(value, f"{prefix}{name}.")
            found[f"{prefix}{name}"] = value
        return found


class Form:
    """The fields of a form by their names, in the order in which they came, and the files that were chosen."""

    def __init__(self, fields: Sequence[tuple[str, str]], files: Mapping[str, bytes] = MappingProxyType({})) -> None:
        self.fields = tuple(fields)
        self.files = files

    def __getitem__(self, name: str) -> str:
        """The last value of a field; blank where it is not there."""
        return next((value for key, value in reversed(self.fields) if key.partition(":")[0] == name), "")

    def typed(self) -> Values:
        """The fields as they are shown again."""
        return Values((name.partition(":")[0], value) for name, value in self.fields)

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self.fields if key.partition(":")[0] == name]

    def raw(self) -> dict[str, Any]:
        """The body as it was typed. Raises BadDefinition for a value that is not of its field's type."""
        body: dict[str, Any] = {}
        for key in dict.fromkeys(key for key, _ in self.fields if key != ETAG):
            name, _, kind = key.partition(":")
            values = [value for each, value in self.fields if each == key]
            read = _TYPES.get(kind)
            if read is None or not name:
                raise HTTPException(400, f"a form has no field {key!r}")
            value = read(values, name)
            if value is not _BLANK:
                _put(body, name.split("."), value)
        return body

    def body(self, model: type[Model], **more: Any) -> Model:
        """The body as the API's model; `more` is set beside what was typed. Raises RequestValidationError, BadDefinition."""
        return read_as(model, self.raw() | more)

    def without(self, prefix: str) -> "Form":
        """The form without the fields whose names begin so."""
        return Form([(name, value) for name, value in self.fields if not name.startswith(prefix)])


def read_as(model: type[Model], body: Mapping[str, Any]) -> Model:
    """A body as the API's model. Raises RequestValidationError."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(found) from None


class _Blank:
    """The value of a field that was left blank."""


_BLANK = _Blank()


def _put(body: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *outer, last = path
    for part in outer:
        body = body.setdefault(part, {})
        if not isinstance(body, dict):
            raise HTTPException(400, f"a form has one field {part!r}")
    body[last] = value


def _text(values: list[str], _name: str) -> Any:
    return values[-1].strip() or _BLANK


def _as_is(values: list[str], _name: str) -> Any:
    """A text that may be empty."""
    return values[-1].strip()


def _days(values: list[str], name: str) -> Any:
    """A line a day: its date, and what it is called."""
    found = []
    for line in _lines(values, name):
        date, _, called = line.partition(" ")
        found.append({"date": date, "name": called.strip()})
    return found


def _clearing(values: list[str], _name: str) -> Any:
    """Blank takes the value away."""
    return values[-1].strip() or None


def _long(values: list[str], _name: str) -> Any:
    """A text of several lines, as it was typed: a file of the same may end with a line's end."""
    return values[-1] if values[-1].strip() else _BLANK


def _cleared_long(values: list[str], name: str) -> Any:
    found = _long(values, name)
    return None if found is _BLANK else found


def _number(values: list[str], name: str) -> Any:
    text = values[-1].strip()
    if not text:
        return _BLANK
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        raise refuse(name, "takes a number") from None


def _cleared_number(values: list[str], name: str) -> Any:
    found = _number(values, name)
    return None if found is _BLANK else found


def _flag(values: list[str], _name: str) -> Any:
    """A box that is not ticked sends nothing, so a hidden field before it says no."""
    return values[-1] == "yes"


def _lines(values: list[str], _name: str) -> Any:
    return [line.strip() for line in values[-1].splitlines() if line.strip()]


def _list(values: list[str], _name: str) -> Any:
    """Boxes of one name; a hidden field before them keeps the list when none is ticked."""
    return [value for value in values if value]


def _json(values: list[str], name: str) -> Any:
    text = values[-1].strip()
    if not text:
        return _BLANK
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refuse(name, f"takes JSON: {error}") from None


def _cleared_json(values: list[str], name: str) -> Any:
    found = _json(values, name)
    return None if found is _BLANK else found


def _object(values: list[str], name: str) -> Any:
    """JSON of which blank is nothing in it."""
    found = _json(values, name)
    return {} if found is _BLANK else found


_TYPES: Mapping[str, Callable[[list[str], str], Any]] = {
    "": _text,
    "as-is": _as_is,
    "days": _days,
    "clear": _clearing,
    "long": _long,
    "clear-long": _cleared_long,
    "number": _number,
    "clear-number": _cleared_number,
    "flag": _flag,
    "lines": _lines,
    "list": _list,
    "json": _json,
    "clear-json": _cleared_json,
    "object": _object,
}


async def read_form(request: Request) -> Form:
    """The form that was sent. Raises HTTPException for what is none."""
    told = request.headers.get("content-type", _MEDIA)
    media = multipart.media_of(told)
    if media not in (_MEDIA, multipart.MEDIA):
        raise HTTPException(415, f"a form takes {_MEDIA} or {multipart.MEDIA}")
    body = await request.body()
    files: dict[str, bytes] = {}
    try:
        if media == multipart.MEDIA:
            parts = multipart.parts_of(told, body)
            fields = [(part.name, part.content.decode()) for part in parts if part.filename is None]
            files = {part.name: part.content for part in parts if part.filename}
        else:
            fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise HTTPException(400, "the form can't be read") from None
    if any(len(name) > _LONGEST_NAME for name, _ in fields):
        raise HTTPException(400, f"the name of a form's field takes at most {_LONGEST_NAME} characters")
    return Form([(name, value.replace("\r\n", "\n")) for name, value in fields], files)


Typed = Annotated[Form, Depends(read_form)]
