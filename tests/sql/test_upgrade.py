"""What the previous release asks of the database is understood by this release's schema: it runs on while it is replaced."""

import re
from pathlib import Path

from db.migrate import migrations
from tests import make
from tests.released import ROOT, unpack
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
    for file in unpack(tmp_path, "sql/migrations").glob("sql/migrations/*.sql"):
        assert file.read_text() == (ROOT / "sql/migrations" / file.name).read_text(), f"{file.name} was changed"


def test_the_page_counts_what_lies_between_the_two(tmp_path: Path) -> None:
    before = unpack(tmp_path, "sql")
    page = (ROOT / "docs" / "upgrading.md").read_text()
    [since] = re.findall(r"rolled out over, (\d+) migrations ago", page)
    assert int(since) == len(migrations()) - len(list(before.glob("sql/migrations/*.sql")))
    [statements] = re.findall(r"the old release's (\d+) statements", page)
    assert int(statements) == len(list(before.glob("sql/queries/*.sql")))
