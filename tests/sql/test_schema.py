"""sql/schema.sql is what the migrations make."""

from tests.sql.schema_dump import SCHEMA, dump


def test_the_dump_of_the_schema_has_not_drifted(database: str) -> None:
    assert dump(database) == SCHEMA.read_text(), "run `make schema`"
