"""The sections of a stack: of each noun how its rows are listed, made, changed and deleted by the body that the API takes.

In a file a row is named by its name, and so is what it refers to: `source` stands where the API has `sourceId`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ValidationError

from api import shapes
from api.nouns import Noun
from api.refusals import of_model
from config.seal import Seal
from db.pool import Connection
from tocsin.stack.names import BY_ID, Fields, Find, plain, with_ids, with_names
from workers.kind import Kind

MOST = 100_000
MASK = shapes.MASK
ANOTHER = "*** (another)"


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
    crew_url: str | None = None


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


Make = Callable[[Means, Fields], Any]
Change = Callable[[Means, Any, Fields, Fields], Any]
Retire = Callable[[Means, Any], Any]


@dataclass(frozen=True)
class Section:
    """One noun. `body_of` is the body that would make a row, without its secrets.

    `fixed` never changes. Of `left` and `secrets` what a file does not name stays as it is; `opened` are the secrets as
    they are stored, `stand_in` what a body takes in their place. `tidy` makes equal what means the same.
    `besides` are fields that the body of a row does not have but its schedule, by that one's id.
    `check` may take seconds: no transaction waits for it; it is told what the file says of another row.
    """

    word: str
    one: str
    body: type[BaseModel]
    rows: Callable[[Means], list[Any]]
    lock: Callable[[Means, UUID], Any]
    create: Make
    change: Change
    delete: Retire
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
    besides: Callable[[Means], Mapping[UUID, Fields]] = lambda _: {}

    @property
    def takes(self) -> list[str]:
        """The fields that a file may name, in the order of the body."""
        aliases = [str(each.alias or name) for name, each in self.body.model_fields.items()]
        return [BY_ID[name][0] if name in BY_ID else name for name in aliases if name not in self.without]

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

    @property
    def order(self) -> list[str]:
        """The fields that a file may name, first the one that names the row."""
        return [self.key, *(name for name in self.takes if name != self.key)]

    def named(self, wanted: Fields, written: Fields) -> Fields:
        """Of what a new row says the fields that its file names, within others too."""
        return {name: _named(wanted[name], written[name]) for name in self.order if name in written and name in wanted}

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
        besides = self.besides(means)
        for row in self.rows(means):
            beside = besides.get(self.schedule_of(row) or row.id, {})
            fields = with_names(self.word, plain({**self.body_of(row), **beside}), names)
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
    create: Make,
    change: Change,
    delete: Retire | None = None,
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


def _named(wanted: Any, written: Any) -> Any:
    if not isinstance(wanted, dict) or not isinstance(written, dict):
        return wanted
    return {name: _named(each, written[name]) for name, each in wanted.items() if name in written}
