"""Many users at once: the lines of a CSV file, or the rows that a source answers, up to a million of either."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import UUID

from pydantic import ValidationError

from api import users
from api.refusals import of_model, refuse
from api.users import COLUMNS, Imported, UserIn
from db.jsonb import dumps
from db.pool import Connection
from workers.sources.table import Stream

MOST_OF_A_BODY = 10_000
MOST = 1_000_000
_SEPARATORS, _PARTED = (",", ";", "\t"), "commas, semicolons or tabs"
_TRUE, _FALSE = frozenset({"true", "t", "yes", "1"}), frozenset({"false", "f", "no", "0"})
# What a blank cell says: the same as whoever is made without the column.
_BLANK = {name: field.default for name, field in UserIn.model_fields.items() if name != "uid"}

Tell = Callable[[int], None]
"""Is told now and then how many users are through."""


def read_csv(content: bytes, most: int = MOST_OF_A_BODY) -> list[UserIn]:
    """The users of a CSV file, whose first line names the columns and so tells what parts them. Raises BadDefinition, which names the line."""
    try:
        text = content.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise refuse("body", f"takes a CSV file in UTF-8: {error}") from None
    if not lines:
        raise refuse("body", "takes a CSV file whose first line names its columns")
    names = _columns((name.strip() for name in lines[0]), f", parted by {_PARTED} alone")
    found = [line for line in lines[1:] if line]
    if len(found) > most:
        raise refuse("body", f"takes at most {most} users at a time")
    return [_user(names, line, f"line {number}") for number, line in enumerate(found, 2)]


class Spool:
    """Users on disk: a source may answer slower, and more, than a transaction or the memory should have to bear."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._uids = set[str]()

    def __len__(self) -> int:
        return len(self._uids)

    def fill(self, answer: Stream, tell: Tell = lambda _: None) -> None:
        """Keeps all users of a source's answer. Raises BadDefinition, which names the row, and what reading raises."""
        names = _columns(column.name for column in answer.columns)
        for rows in answer.batches:
            for row in rows:
                place = f"row {len(self) + 1}"
                self._add(_user(names, row, place), place)
            tell(len(self))

    def _add(self, user: UserIn, place: str) -> None:
        if user.uid in self._uids:
            raise refuse(f"{place}.uid", "is there twice")
        self._uids.add(user.uid)
        self._file.write(user.model_dump_json(exclude_unset=True) + "\n")

    def __iter__(self) -> Iterator[UserIn]:
        self._file.seek(0)
        return (UserIn.model_validate_json(line) for line in self._file)


@contextmanager
def spool() -> Iterator[Spool]:
    """An empty spool, which is gone with the block."""
    with TemporaryFile("w+", encoding="utf-8") as file:
        yield Spool(file)


def write(conn: Connection, tenant_id: UUID, found: Spool, tell: Tell = lambda _: None) -> Imported:
    """How many of the spool's users were made and how many changed."""
    users.hold(conn, tenant_id)
    return users.write(conn, tenant_id, _told(found, tell))


def _told(found: Spool, tell: Tell) -> Iterator[UserIn]:
    for number, user in enumerate(found):
        if number % users.MOST_AT_ONCE == 0:
            tell(number)
        yield user


def _separator(text: str) -> str:
    """What parts the columns: the one of the separators that stands in the first line, which has none of its own."""
    found = [each for each in _SEPARATORS if each in text.partition("\n")[0]]
    return found[0] if len(found) == 1 else ","


def _columns(named: Iterable[str], parted: str = "") -> list[str]:
    names = [name.lower() for name in named]
    if set(names) - set(COLUMNS) or "uid" not in names or len(set(names)) < len(names):
        raise refuse("columns", f"takes uid and any of {', '.join(COLUMNS[1:])}, each once{parted}")
    return names


def _user(names: Sequence[str], row: Sequence[Any], place: str) -> UserIn:
    """The user of a row. Raises BadDefinition."""
    if len(row) != len(names):
        raise refuse(place, f"takes {len(names)} values")
    found = {name: _read(name, value, place) for name, value in zip(names, row, strict=True)}
    try:
        return UserIn.model_validate(found)
    except ValidationError as error:
        raise of_model(error, place) from None


def _read(name: str, value: Any, place: str) -> Any:
    """What a cell says; a structure of JSON is text, written as such."""
    text = dumps(value) if isinstance(value, Mapping | list) else "" if value is None else str(value).strip()
    if not text:
        return _BLANK.get(name, "")
    if name == "active":
        if text.lower() not in _TRUE | _FALSE:
            raise refuse(f"{place}.active", "takes true or false")
        return text.lower() in _TRUE
    if name == "priority":
        if not text.isascii() or not text.isdecimal() or len(text) > 1:
            raise refuse(f"{place}.priority", "takes a number from 0 to 9")
        return int(text)
    return text
