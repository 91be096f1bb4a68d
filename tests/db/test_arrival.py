"""The first connection, where honcho starts a process beside the release that makes its schema."""

from collections.abc import Iterator

import pytest

from db import arrival
from db.arrival import when_there
from db.migrate import SchemaError
from db.pool import Connection, Database


def coming(times: int) -> Iterator[bool]:
    """A schema that does not fit so many times, and then does."""
    for _ in range(times):
        yield False
    while True:
        yield True


def asked(database: str, times: int) -> tuple[bool | None, list[float]]:
    fits, pauses = coming(times), list[float]()

    def ask(conn: Connection) -> bool:
        if not next(fits):
            raise SchemaError("the database lacks 0006_history; run `tocsin migrate`")
        return conn.execute("select true").fetchone() == (True,)

    def paused(seconds: float) -> bool:
        pauses.append(seconds)
        return False

    return when_there(Database.at(database), "test", ask, paused), pauses


def test_under_honcho_a_process_waits_for_its_schema_and_says_for_what(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HONCHO_PROCESS_NAME", "ticker.1")
    with caplog.at_level("INFO", "tocsin"):
        found, pauses = asked(database, 5)
    assert found is True
    assert len(pauses) == 5
    assert max(pauses) <= 1
    said = [(record.getMessage(), vars(record)["fields"]["why"]) for record in caplog.records]
    assert said == [("schema.awaited", "the database lacks 0006_history; run `tocsin migrate`")] * 5


def test_under_honcho_it_waits_a_minute_and_no_longer(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONCHO_PROCESS_NAME", "worker.1")
    assert arrival._SCHEMA_SECONDS == 60
    monkeypatch.setattr(arrival, "_SCHEMA_SECONDS", -1.0)
    with pytest.raises(SchemaError, match="tocsin migrate"):
        asked(database, 5)


def test_elsewhere_a_schema_that_does_not_fit_is_waited_for_by_nobody(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HONCHO_PROCESS_NAME", raising=False)
    with pytest.raises(SchemaError, match="tocsin migrate"):
        asked(database, 1)
