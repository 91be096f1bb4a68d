"""Brings the schema forward: the files of sql/migrations in order, each once, under a lock and with time limits."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import LiteralString, TypeVar

import psycopg

from db.pool import Connection, Database

MIGRATIONS = Path(__file__).resolve().parent.parent / "sql" / "migrations"
_TRIES = 10

Result = TypeVar("Result")


class SchemaError(RuntimeError):
    """The schema and this release do not fit; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name (which orders it), its statements and their checksum."""

    name: str
    text: LiteralString
    checksum: str


def migrations() -> list[Migration]:
    """Every migration of this release, in order."""
    files = sorted(MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [_read(file) for file in files]


def migrate(database: Database, walk: Callable[[list[Migration]], Iterable[Migration]] = iter) -> list[str]:
    """Applies what is missing and returns the names applied; several at once apply each migration once.

    `walk` goes through the migrations one by one, and may show how far that is.

    Raises SchemaError when the database is newer than this release or holds a migration that was changed.
    """
    known = migrations()
    with database.connect("migrate", for_listening=True) as conn:
        conn.execute(
            "create table if not exists schema_migrations ("
            "name text primary key, checksum text not null, applied_at timestamptz not null default now())"
        )
        applied = _applied(conn)
        newer = sorted(set(applied) - {migration.name for migration in known})
        if newer:
            raise SchemaError(
                f"the database has {newer[-1]}, which this release does not know: it is newer; deploy the newer release"
            )
        done = [migration.name for migration in walk(known) if _apply(conn, migration)]
        register(conn)
    return done


def build_walls(database: Database) -> list[str]:
    """Builds what is missing of the second wall and returns the tables that are behind it since now.

    Nothing where it stands already, and where the role `tocsin_api` may not be taken. A table at a time, so that no two
    are locked at once. Raises SchemaError when a lock is not to be had.
    """
    with database.connect("migrate", for_listening=True) as conn:
        missing = [name for (name,) in conn.execute("select name from missing_walls()").fetchall()]
        if not missing or not _patiently("the second wall", partial(_take_role, conn)):
            return []
        for name in missing:
            _patiently(f"the second wall of {name}", partial(_raise_wall, conn, name))
        return missing


def check(conn: Connection) -> None:
    """Makes sure that every migration of this release is there. Raises SchemaError; a newer schema is fine."""
    if conn.execute("select to_regclass('schema_migrations')").fetchone() == (None,):
        raise SchemaError("the database has no schema of Tocsin yet; run `tocsin migrate`")
    applied = _applied(conn)
    missing = [migration.name for migration in migrations() if migration.name not in applied]
    if missing:
        raise SchemaError(f"the database lacks {missing[0]}; run `tocsin migrate`")


_FINGERPRINT: LiteralString = (
    "select (select system_identifier::text from pg_control_system()) || '/' || current_database()"
)
_FINGERPRINT_WITHOUT_CONTROL: LiteralString = (
    "select oid::text || '/' || datname from pg_database where datname = current_database()"
)


def fingerprint(conn: Connection) -> str:
    """Which database this is: the cluster's identifier and the database's name."""
    row = conn.execute("select has_function_privilege('pg_control_system()', 'execute')").fetchone()
    row = conn.execute(_FINGERPRINT if row and row[0] else _FINGERPRINT_WITHOUT_CONTROL).fetchone()
    return str(row[0]) if row else ""


def register(conn: Connection) -> None:
    """Writes the installation's row with this database's fingerprint, once."""
    conn.execute(
        "insert into installation (fingerprint) values (%s) on conflict (is_only) do nothing", (fingerprint(conn),)
    )


def is_foreign(conn: Connection) -> bool:
    """True when this database is a copy: it was restored where its installation's row was not written."""
    row = conn.execute("select fingerprint from installation").fetchone()
    return row is not None and row[0] != fingerprint(conn)


def adopt(conn: Connection) -> None:
    """Makes this copy an installation of its own, so that it is no longer held."""
    conn.execute(
        "update installation set id = gen_random_uuid(), fingerprint = %s, adopted_at = now()", (fingerprint(conn),)
    )


def move(conn: Connection) -> None:
    """Makes this copy the installation that it was, whose original is no more: the files of its runs are its own again."""
    conn.execute("update installation set fingerprint = %s, adopted_at = now()", (fingerprint(conn),))


def _read(file: Path) -> Migration:
    text = file.read_text()
    return Migration(file.stem, text, hashlib.sha256(text.encode()).hexdigest())


def _applied(conn: Connection) -> dict[str, str]:
    return dict(conn.execute("select name, checksum from schema_migrations").fetchall())


def _apply(conn: Connection, migration: Migration) -> bool:
    checksum = _patiently(migration.name, partial(_apply_once, conn, migration))
    if checksum not in (None, migration.checksum):
        raise SchemaError(f"{migration.name} was changed after it was applied; restore the file of the release")
    return checksum is None


def _apply_once(conn: Connection, migration: Migration) -> str | None:
    """The checksum under which it was applied before; None when it was applied now."""
    with _limited(conn):
        checksum = _applied(conn).get(migration.name)
        if checksum is None:
            conn.execute(migration.text)
            conn.execute(
                "insert into schema_migrations (name, checksum) values (%s, %s)",
                (migration.name, migration.checksum),
            )
    return checksum


def _take_role(conn: Connection) -> bool:
    with _limited(conn):
        return conn.execute("select take_api_role()").fetchone() == (True,)


def _raise_wall(conn: Connection, name: str) -> None:
    with _limited(conn):
        conn.execute("call raise_wall(%s)", (name,))


@contextmanager
def _limited(conn: Connection) -> Iterator[None]:
    """A transaction of the schema's: one at a time in the database, and it waits for no lock long."""
    with conn.transaction():
        conn.execute("set local lock_timeout to '5s'")
        conn.execute("set local statement_timeout to '15min'")
        conn.execute("set local idle_in_transaction_session_timeout to '1min'")
        conn.execute("select pg_advisory_xact_lock(hashtext('tocsin.migrate'))")
        yield


def _patiently(what: str, work: Callable[[], Result]) -> Result:
    """What the work returns, tried again while others hold what it locks. Raises SchemaError."""
    for _ in range(_TRIES):
        try:
            return work()
        except psycopg.errors.LockNotAvailable:
            continue
    raise SchemaError(f"{what} waited too long for a lock; run `tocsin migrate` again")
