"""The sections of a stack: of each noun how its rows are listed, made, changed and deleted by the body that the API takes.

In a file a row is named by its name, and so is what it refers to: `source` stands where the API has `sourceId`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ValidationError

from api import shapes
from api.nouns import Noun
from api.refusals import of_model
from config.seal import Seal
from db.jsonb import rfc3339
from db.pool import Connection
from workers.kind import Kind

MOST = 100_000
MASK = shapes.MASK
ANOTHER = "*** (another)"
SOURCE = "source:"
REFERENCES = {
    "source": ("sourceId", "sources"),
    "graph": ("graphId", "graphs"),
    "dashboard": ("dashboardId", "dashboards"),
    "template": ("templateId", "templates"),
    "calendar": ("calendarId", "calendars"),
    "graphs": ("graphIds", "graphs"),
}
"""What a file calls a reference, what the API does, and the section of what is referred to."""
_BY_ID = {by_id: (name, word) for name, (by_id, word) in REFERENCES.items()}

Fields = dict[str, Any]
Find = Callable[[str, str], Any]
"""Of a section and a name the id, or the other way round."""


@dataclass(frozen=True)
class Means:
    """Whose stack it is, and what it takes to write it."""

    conn: Connection
    tenant: UUID
    timezone: str
    seal: Seal
    kinds: Mapping[str, Kind]
    retention_days: int
    files: Path | None
    who: str


class Have(NamedTuple):
    """A row that is there, and what it says in a file's words: every field, and a mask for each secret."""

    row: Any
    says: Fields


class Settling(NamedTuple):
    """What a section settles once it is known what is there: `wanted` is changed in place."""

    wanted: Fields
    written: Fields
    have: Have | None
    means: Means


@dataclass(frozen=True)
class Section:
    """One noun. `body_of` is the body that would make a row, without its secrets.

    `fixed` never changes. Of `left` and `secrets` what a file does not name stays as it is; `opened` are the secrets as
    they are stored, `stand_in` what a body takes in their place. `tidy` makes equal what means the same.
    `check` may take seconds: no transaction waits for it; it is told what the file says of another row.
    """

    word: str
    one: str
    body: type[BaseModel]
    rows: Callable[[Means], list[Any]]
    lock: Callable[[Means, UUID], Any]
    create: Callable[[Means, Fields], Any]
    change: Callable[[Means, Any, Fields, Fields], Any]
    delete: Callable[[Means, Any], Any]
    body_of: Callable[[Any], Fields]
    shown: Callable[[Any], Fields] = shapes.plain
    key: str = "name"
    fixed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    stand_in: Mapping[str, Any] = field(default_factory=dict)
    opened: Callable[[Means, Any], Fields] = lambda *_: {}
    tidy: Callable[[Fields], None] = lambda _: None
    settle: Callable[[Settling], None] = lambda _: None
    check: Callable[[Means, Fields, Find], None] | None = None
    over: Callable[[Any], str | None] = lambda _: None
    schedule_of: Callable[[Any], UUID | None] = lambda _: None

    @property
    def takes(self) -> list[str]:
        """The fields that a file may name, in the order of the body."""
        aliases = [str(each.alias or name) for name, each in self.body.model_fields.items()]
        return [_BY_ID[name][0] if name in _BY_ID else name for name in aliases if name not in self.without]

    def name_of(self, fields: Fields) -> str:
        """The name in a row's fields."""
        return str(fields[self.key])

    def says(self, fields: Fields) -> Fields:
        """All that the fields say, with what is not named at its default. Raises BadDefinition."""
        return self._dumped(fields, is_short=False)

    def shortest(self, fields: Fields) -> Fields:
        """The fewest of the fields that say the same. Raises BadDefinition."""
        kept = {name: fields[name] for name in self.always}
        return self._dumped(fields, is_short=True) | kept

    def without_null(self, fields: Fields) -> Fields:
        """The fields, a secret that is null as one that is not named."""
        return {name: value for name, value in fields.items() if name not in self.secrets or value is not None}

    def shortest_shown(self, wanted: Fields, written: Fields) -> Fields:
        """Of what a new row says the fields that its file names."""
        return {name: value for name, value in wanted.items() if name in written}

    def _dumped(self, fields: Fields, *, is_short: bool) -> Fields:
        names: dict[str, str] = {}

        def placed(word: str, name: str) -> str:
            made = str(uuid5(NAMESPACE_URL, f"{word}/{name}"))
            names[made] = name
            return made

        missing = {name: value for name, value in self.stand_in.items() if name not in fields}
        try:
            body = self.body.model_validate(with_ids(self.word, {**fields, **missing}, placed))
        except ValidationError as error:
            raise of_model(error) from None
        found = plain(body.model_dump(by_alias=True, exclude_defaults=is_short))
        for name in (*self.without, *missing):
            found.pop(name, None)
        self.tidy(found)
        return with_names(self.word, found, lambda _, each: names.get(each, each))

    def present(self, means: Means, names: Find) -> dict[str, Have]:
        """The tenant's rows by their names."""
        found = {}
        for row in self.rows(means):
            fields = with_names(self.word, plain(self.body_of(row)), names)
            try:
                says = self.says({name: value for name, value in fields.items() if name not in self.secrets})
            except ValueError:
                # What was stored under older rules is compared as it stands.
                says = fields
            says |= {name: fields.get(name) for name in self.secrets}
            found[self.name_of(says)] = Have(row, says)
        return found

    def wanted(self, means: Means, written: Fields, have: Have | None) -> Fields:
        """What a row is to say: secrets as masks, and what is left as it is. Raises BadDefinition, SealError."""
        given = self.without_null(written)
        wanted = self.says(given)
        if have is not None:
            wanted |= {name: have.says.get(name) for name in self.left if written.get(name) is None}
            stored = self.opened(means, have.row) if set(self.secrets) & given.keys() else {}
            for name in self.secrets:
                if name not in given:
                    wanted[name] = have.says.get(name)
                elif name in wanted:
                    wanted[name] = have.says.get(name) if stored.get(name) == wanted[name] else ANOTHER
        else:
            wanted |= {name: MASK for name in self.secrets if name in given}
        self.settle(Settling(wanted, written, have, means))
        return wanted


def of_noun(
    word: str,
    noun: Noun[Any],
    body: type[BaseModel],
    create: Callable[[Means, Fields], Any],
    change: Callable[[Means, Any, Fields, Fields], Any],
    delete: Callable[[Means, Any], Any] | None = None,
    **more: Any,
) -> Section:
    """The section of a noun whose rows are listed, locked and deleted as all are."""
    names = [str(each.alias or name) for name, each in body.model_fields.items()]

    def body_of(row: Any) -> Fields:
        shown = noun.shown(row)
        return {name: shown[name] for name in names if name in shown}

    def plainly(means: Means, row: Any) -> None:
        noun.delete(means.conn, means.tenant, row.id)

    def wholly(means: Means, row: Any) -> None:
        if delete is not None:
            delete(means, row)
        plainly(means, row)

    return Section(
        word,
        noun.one,
        body,
        rows=lambda means: noun.list_all(means.conn, means.tenant, limit=MOST),
        lock=lambda means, row_id: noun.locked(means.conn, means.tenant, row_id),
        create=create,
        change=change,
        delete=wholly if delete is not None else plainly,
        shown=noun.shown,
        **{"body_of": body_of, **more},
    )


def with_ids(word: str, fields: Mapping[str, Any], find: Find) -> Fields:
    """The fields as the API takes them: ids in place of names."""
    found: Fields = {}
    for name, value in fields.items():
        if name in REFERENCES and _is_reference(word, name):
            by_id, of = REFERENCES[name]
            found[by_id] = [find(of, str(each)) for each in value] if isinstance(value, list) else value
            if isinstance(value, str):
                found[by_id] = find(of, value)
        else:
            found[name] = value
    if isinstance(found.get("recipients"), list):
        found["recipients"] = [_rule(each, "graph", "graphId", find) for each in found["recipients"]]
    if word == "limits":
        found["name"] = _limit(found.get("name"), find)
    return found


def with_names(word: str, fields: Mapping[str, Any], find: Find) -> Fields:
    """The fields as a file has them: names in place of ids."""
    found: Fields = {}
    for name, value in fields.items():
        if name in _BY_ID:
            by_name, of = _BY_ID[name]
            found[by_name] = [find(of, each) for each in value] if isinstance(value, list) else value
            if isinstance(value, str):
                found[by_name] = find(of, value)
        else:
            found[name] = value
    if isinstance(found.get("recipients"), list):
        found["recipients"] = [_rule(each, "graphId", "graph", find) for each in found["recipients"]]
    if word in ("kpiAlerts", "pulses") and isinstance(found.get("channels"), list):
        found["channels"] = [find("channels", each) for each in found["channels"]]
    if word == "limits":
        found["name"] = _limit(found.get("name"), find)
    return found


def references(word: str, fields: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What the fields refer to: the path of the field, the section and the name."""
    for name, value in fields.items():
        if name in REFERENCES and _is_reference(word, name):
            of = REFERENCES[name][1]
            if isinstance(value, list):
                yield from (((name, place), of, str(each)) for place, each in enumerate(value))
            elif isinstance(value, str):
                yield (name,), of, value
        elif name == "recipients" and isinstance(value, list):
            for place, each in enumerate(value):
                if isinstance(each, dict) and "graph" in each:
                    yield (name, place, "graph"), "graphs", str(each["graph"])
        elif name == "channels" and isinstance(value, list):
            yield from (((name, place), "channels", str(each)) for place, each in enumerate(value))
    name_of_limit = fields.get("name")
    if word == "limits" and isinstance(name_of_limit, str) and name_of_limit.startswith(SOURCE):
        yield ("name",), "sources", name_of_limit.removeprefix(SOURCE)


def _is_reference(word: str, name: str) -> bool:
    """Whether it is one there: a schedule's params and the like have names of their own."""
    return word not in ("sources", "channels", "calendars", "templates", "webhooks", "members") and (
        word != "schedules" or name == "calendar"
    )


def _limit(name: Any, find: Find) -> Any:
    """The name of a limit, with another name of the source that it may be of."""
    if isinstance(name, str) and name.startswith(SOURCE):
        return SOURCE + str(find("sources", name.removeprefix(SOURCE)))
    return name


def _rule(each: Any, before: str, after: str, find: Find) -> Any:
    if not isinstance(each, dict) or before not in each:
        return each
    rest = {name: value for name, value in each.items() if name != before}
    return {after: find("graphs", str(each[before])), **rest}


def plain(value: Any) -> Any:
    """The value as a file has it: numbers as numbers, instants and ids as text."""
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _number(value: Decimal) -> int | float | str:
    if value == value.to_integral_value() and abs(value) < 2**53:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)
