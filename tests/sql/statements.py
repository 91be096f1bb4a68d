"""Every statement of sql/queries, and what the code says about it."""

import importlib
import pkgutil
import re
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import psycopg

from db.query import QUERIES, Query

ROOMS = ("db", "scheduler", "workers", "api", "tocsin", "local", "proof")
NAMES = sorted(file.stem for file in QUERIES.glob("*.sql"))


class Described(NamedTuple):
    """What Postgres says about a statement: its parameters' types in order, and its columns with theirs."""

    params: dict[str, str]
    columns: dict[str, str]


@cache
def declared() -> dict[str, list[tuple[str, Query[Any]]]]:
    """Each Query of the code by its statement, with the module that declares it."""
    found: dict[str, list[tuple[str, Query[Any]]]] = {}
    for module in _modules():
        for thing in vars(module).values():
            if isinstance(thing, Query):
                found.setdefault(thing.name, []).append((module.__name__, thing))
    return found


def _modules() -> list[ModuleType]:
    modules = []
    for room in ROOMS:
        try:
            package = importlib.import_module(room)
        except ModuleNotFoundError:
            continue
        names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{room}.")]
        modules += [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    return modules


def numbered(text: str) -> tuple[str, list[str]]:
    """The statement with $1, $2 … instead of %(names)s, and the names in that order."""
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return re.sub(r"%\((\w+)\)[sbt]", place, text).replace("%%", "%"), names


def describe(conn: psycopg.Connection[Any], name: str) -> Described:
    """Prepares the statement of that name and answers how Postgres understands it."""
    text, names = numbered((QUERIES / f"{name}.sql").read_text())
    prepared = conn.pgconn.prepare(b"", text.encode())
    assert prepared.status < 5, f"{name}: {prepared.error_message.decode()}"
    result = conn.pgconn.describe_prepared(b"")
    error = result.error_message.decode() if result.status >= 5 else ""
    assert not error, f"{name}: {error}"
    return Described(
        {each: _type(conn, result.param_type(number)) for number, each in enumerate(names)},
        {(result.fname(number) or b"").decode(): _type(conn, result.ftype(number)) for number in range(result.nfields)},
    )


def _type(conn: psycopg.Connection[Any], oid: int) -> str:
    row = conn.execute("select %s::oid::regtype::text", (oid,)).fetchone()
    assert row
    return str(row[0])


def head(name: str) -> str:
    """The comment that a statement begins with, on one line."""
    lines = (QUERIES / f"{name}.sql").read_text().splitlines()
    comments = []
    for line in lines:
        if not line.startswith("--"):
            break
        comments.append(line.removeprefix("--").strip())
    return " ".join(comments)
