"""Commands of what a tenant keeps a list of: list, show, create and delete, as the API does them."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tocsin import bodies
from tocsin.installation import changing, opened, record, tenant_id
from tocsin.terminal import show_facts, show_json, show_table, with_json, with_tenant

if TYPE_CHECKING:
    from uuid import UUID

    from api.nouns import Noun
    from db.pool import Connection


@dataclass(frozen=True)
class Listed:
    """A noun by its words. `noun` finds the API's, `make` makes a row out of a body, `columns` say what a list shows.

    `before_create` looks at a body for longer than a transaction may wait: there is none yet.
    """

    word: str
    one: str
    noun: "Callable[[], Noun[Any]]"
    make: "Callable[[Connection, UUID, dict[str, Any]], Any]"
    columns: Mapping[str, str]
    before_delete: "Callable[[Connection, UUID, Any], None]" = lambda *_: None
    before_create: "Callable[[Connection, UUID, dict[str, Any]], None] | None" = None

    def add(self, verbs: Any, *words: str) -> None:
        """Adds the parsers of these verbs of list, show, create and delete."""
        for word in words:
            parser = verbs.add_parser(word, help=_HELP[word].format(one=self.one, word=self.word))
            if word == "create":
                parser.add_argument("body", metavar="JSON|@FILE", help="what the API takes; names do in place of ids")
            elif word != "list":
                parser.add_argument("which", metavar=self.one.upper(), help="its id or its name")
            parser.set_defaults(do=getattr(self, word))

    def list(self, args: argparse.Namespace) -> int:
        """Prints the tenant's rows, newest first."""
        with opened() as conn:
            noun = self.noun()
            found = [noun.shown(each) for each in noun.list_all(conn, tenant_id(conn, args.tenant))]
        if args.is_json:
            show_json(found)
        else:
            rows = [[each[field] for field in self.columns.values()] for each in found]
            show_table(list(self.columns), rows, f"no {self.word} yet")
        return 0

    def show(self, args: argparse.Namespace) -> int:
        """Prints one row."""
        with opened() as conn:
            noun = self.noun()
            found = noun.shown(noun.named(conn, tenant_id(conn, args.tenant), args.which))
        show_json(found) if args.is_json else show_facts(found)
        return 0

    def create(self, args: argparse.Namespace) -> int:
        """Makes a row of a body."""
        body = bodies.given(args.body)
        if self.before_create is not None:
            with opened() as conn:
                tenant = tenant_id(conn, args.tenant)
                self.before_create(conn, tenant, bodies.with_ids(conn, tenant, body))
        noun = self.noun()
        with changing() as conn:
            tenant = tenant_id(conn, args.tenant)
            made = self.make(conn, tenant, bodies.with_ids(conn, tenant, body))
            record(conn, tenant, f"{noun.one}.created", (noun.one, made.id), None, noun.shown(made))
        return self.said(args, made, f"made the {self.one} {made.name} ({made.id})")

    def delete(self, args: argparse.Namespace) -> int:
        """Deletes a row that nothing needs."""
        noun = self.noun()
        with changing() as conn:
            tenant = tenant_id(conn, args.tenant)
            row = noun.locked(conn, tenant, noun.named(conn, tenant, args.which).id)
            self.before_delete(conn, tenant, row)
            noun.delete(conn, tenant, row.id)
            record(conn, tenant, f"{noun.one}.deleted", (noun.one, row.id), noun.shown(row))
        return self.said(args, row, f"deleted the {self.one} {row.name}")

    def said(self, args: argparse.Namespace, row: Any, sentence: str) -> int:
        """Prints the row as the API shows it when JSON is wanted, else the sentence; returns the exit status."""
        if args.is_json:
            show_json(self.noun().shown(row))
        else:
            print(sentence)
        return 0


_HELP = {
    "list": "the tenant's {word}, newest first",
    "show": "one {one}",
    "create": "make one of the body that the API takes",
    "delete": "delete one that nothing needs",
}


def verbs_of(commands: Any, word: str, about: str) -> Any:
    """The verbs of a noun, to which parsers are added."""
    return commands.add_parser(word, help=about).add_subparsers(metavar="VERB", required=True)


def finish(verbs: Any) -> None:
    """Gives each verb `--tenant` and `--json`."""
    for parser in verbs.choices.values():
        with_tenant(parser)
        with_json(parser)
