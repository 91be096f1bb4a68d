"""Brings the schema forward: the files of sql/migrations in order, each once, under a lock and with time limits."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg

from db.pool import Connection, Database

MIGRATIONS = Path(__file__).resolve().parent.parent / "sql" / "migrations"
_TRIES = 10


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


def migrate(database: Database) -> list[str]:
    """Applies what is missing and returns the names applied; several at once apply each migration once.

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
        done = [migration.name for migration in known if _apply(conn, migration)]
        register(conn)
    return done


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


def _read(file: Path) -> Migration:
    text = file.read_text()
    return Migration(file.stem, text, hashlib.sha256(text.encode()).hexdigest())


def _applied(conn: Connection) -> dict[str, str]:
    return dict(conn.execute("select name, checksum from schema_migrations").fetchall())


def _apply(conn: Connection, migration: Migration) -> bool:
    for last in range(_TRIES):
        try:
            with conn.transaction():
                conn.execute("set local lock_timeout to '5s'")
                conn.execute("set local statement_timeout to '15min'")
                conn.execute("set local idle_in_transaction_session_timeout to '1min'")
                conn.execute("select pg_advisory_xact_lock(hashtext('tocsin.migrate'))")
                checksum = _applied(conn).get(migration.name)
                if checksum is None:
                    conn.execute(migration.text)
                    conn.execute(
                        "insert into schema_migrations (name, checksum) values (%s, %s)",
                        (migration.name, migration.checksum),
                    )
        except psycopg.errors.LockNotAvailable:
            if last + 1 == _TRIES:
                raise SchemaError(f"{migration.name} waited too long for a lock; run `tocsin migrate` again") from None
            continue
        if checksum not in (None, migration.checksum):
            raise SchemaError(f"{migration.name} was changed after it was applied; restore the file of the release")
        return checksum is None
    return False
