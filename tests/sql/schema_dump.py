"""The dump of the schema that the migrations make, as sql/schema.sql keeps it. `python -m tests.sql.schema_dump` writes it.

Tables, indexes, constraints, functions, triggers, policies and grants, without the weekly partitions, whose names
depend on the day, and without what depends on the release of pg_dump.
"""

import re
import subprocess
from pathlib import Path

import psycopg

from db.migrate import migrate
from db.pool import Database
from local.binaries import postgres_folder
from local.postgres import NO_FLUSH, Postgres

SCHEMA = Path(__file__).resolve().parents[2] / "sql" / "schema.sql"
HEAD = (
    "-- What the migrations make, dumped by `make schema`; a test fails when this file has drifted. Not to be run.\n\n"
)
_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n", re.MULTILINE)


def dump(database: str) -> str:
    """The schema of a migrated database, as text that two dumps of one schema share."""
    with psycopg.connect(database, autocommit=True) as conn:
        for (name,) in conn.execute(
            "select inhrelid::regclass::text from pg_inherits as i inner join pg_class as c "
            "on c.oid = i.inhrelid where c.relkind = 'r'"
        ).fetchall():
            conn.execute(f"drop table {name}")
    done = subprocess.run(
        [postgres_folder() / "bin" / "pg_dump", "--schema-only", "--no-owner", database],
        capture_output=True,
        text=True,
        check=True,
    )
    return HEAD + re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", done.stdout)).strip() + "\n"


def main() -> None:
    """Writes sql/schema.sql from an embedded server."""
    with Postgres(settings=NO_FLUSH) as server:
        url = server.create_database("schema")
        migrate(Database.at(url))
        SCHEMA.write_text(dump(url))


if __name__ == "__main__":
    main()
