"""What the previous release asks of the database is understood by this release's schema: it runs on while it is replaced."""

from pathlib import Path

from tests import make
from tests.released import unpack
from tests.sql.statements import numbered


def test_every_statement_of_the_previous_release_is_understood(schema: make.Connection, tmp_path: Path) -> None:
    statements = sorted(unpack(tmp_path, "sql/queries").glob("sql/queries/*.sql"))
    assert len(statements) > 100
    errors = {}
    for file in statements:
        text, _ = numbered(file.read_text())
        result = schema.pgconn.prepare(b"", text.encode())
        if result.error_message:
            errors[file.stem] = result.error_message.decode()
    assert errors == {}


def test_no_migration_of_the_previous_release_was_changed(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    for file in unpack(tmp_path, "sql/migrations").glob("sql/migrations/*.sql"):
        assert file.read_text() == (root / "sql/migrations" / file.name).read_text(), f"{file.name} was changed"
