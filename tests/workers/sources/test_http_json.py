import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.workers.sources.asking import END, SLOT, START, ask, opened
from tests.workers.wire import HttpServer, http_server
from workers.sources import Reach, RowCap, SourceRefused, SourceUnavailable, Stored, Table, open_source, try_source

ORDERS = {
    "at": "2026-11-21T08:00:00Z",
    "orders": [
        {"id": 1, "total": 12.50, "day": "2026-11-20", "paid": True, "at": "2026-11-20T10:00:00+01:00", "tags": ["a"]},
        {"id": 2, "total": 7, "day": "2026-11-21", "paid": False, "at": None, "extra": "x"},
    ],
}


@contextmanager
def _serving(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Iterator[HttpServer]:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    with http_server(status, content, headers) as server:
        yield server


def _ask(url: str, expression: str, options: dict[str, Any] | None = None, secret: str = "", **question: Any) -> Table:
    with opened("http", url, secret, options) as source:
        return ask(source, expression, **question)


def test_objects_become_rows_and_each_column_is_of_one_type() -> None:
    with _serving(ORDERS) as server:
        table = _ask(server.url, "orders", {"dataAsOf": "at"})
    assert [(column.name, column.holds) for column in table.columns] == [
        ("id", "number"),
        ("total", "number"),
        ("day", "date"),
        ("paid", "bool"),
        ("at", "time"),
        ("tags", "json"),
        ("extra", "text"),
    ]
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert table.rows == [
        (1, Decimal("12.5"), date(2026, 11, 20), True, at, ["a"], None),
        (2, 7, date(2026, 11, 21), False, None, None, "x"),
    ]
    assert table.data_as_of == datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "names", "rows"),
    [
        ("orders[?paid].total", ["value"], [(Decimal("12.5"),)]),
        ("sum(orders[].total)", ["value"], [(Decimal("19.5"),)]),
        ("{value: length(orders), name: 'all'}", ["value", "name"], [(2, "all")]),
        ("orders[?total > `100`]", [], []),
        ("orders[].{id: id}", ["id"], [(1,), (2,)]),
    ],
)
def test_an_expression_gives_an_object_objects_or_numbers(
    expression: str, names: list[str], rows: list[tuple[Any, ...]]
) -> None:
    with _serving(ORDERS) as server:
        table = _ask(server.url, expression)
    assert ([column.name for column in table.columns], table.rows) == (names, rows)


@pytest.mark.parametrize(
    "expression", ["nothing", "at", "orders[].tags", "orders[].day", "orders[", "sum(at)", "f(@)", "[[" * 5000, ""]
)
def test_an_expression_that_gives_anything_else_is_refused(expression: str) -> None:
    with _serving(ORDERS) as server, pytest.raises(SourceRefused):
        _ask(server.url, expression)


@pytest.mark.parametrize(
    "content", [b"<html>", b'{"value": NaN}', b'{"value": 1e999}', b"[" * 100_000, b'{"value": "\xff"}', b"1" * 5000]
)
def test_an_answer_that_is_no_json_is_refused(content: bytes) -> None:
    with _serving(content) as server, pytest.raises(SourceRefused, match="no JSON"):
        _ask(server.url, "@")


def test_parameters_stand_percent_encoded_in_the_querys_values_and_nowhere_else() -> None:
    with _serving([]) as server:
        url = f"{server.url}/$start/x?from=$start&to=$end&zone=$timezone&who=$context_who&at=$slot"
        question: dict[str, Any] = {
            "start": START,
            "end": END,
            "timezone": "Europe/Madrid",
            "context": {"who": "a&b=../#"},
        }
        _ask(url, "@", **question)
        with pytest.raises(SourceRefused, match="part of a window"):
            _ask(url, "@")
        with pytest.raises(SourceRefused, match="no parameter"):
            _ask(f"{server.url}?a=$nothing", "@")
    window = "from=2026-11-13T23%3A00%3A00Z&to=2026-11-20T23%3A00%3A00Z"
    rest = "zone=Europe%2FMadrid&who=a%26b%3D..%2F%23&at=2026-11-21T08%3A30%3A00Z"
    assert [seen.path for seen in server.seen] == [f"/$start/x?{window}&{rest}"]


def test_a_post_carries_its_body_with_the_parameters_in_it_and_the_secret_in_its_header() -> None:
    body = {"from": "$start", "filter": [{"who": "$context_who", "costs": "5 $start"}], "limit": 3}
    options = {"method": "POST", "body": body, "headers": {"X-Kind": "a"}, "secretHeader": "X-Api-Key"}
    with _serving([]) as server:
        _ask(server.url, "@", options, "hush", start=START, end=END, context={"who": 'a"b'})
    [seen] = server.seen
    assert json.loads(seen.body) == {
        "from": "2026-11-13T23:00:00Z",
        "filter": [{"who": 'a"b', "costs": "5 $start"}],
        "limit": 3,
    }
    assert (seen.headers["x-api-key"], seen.headers["x-kind"]) == ("hush", "a")
    assert "authorization" not in seen.headers


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, SourceRefused), (401, SourceRefused), (404, SourceRefused), (301, SourceRefused), (408, SourceUnavailable),
     (429, SourceUnavailable), (500, SourceUnavailable), (503, SourceUnavailable)],
)  # fmt: skip
def test_each_status_is_passing_or_lasting_and_no_text_holds_the_secret(status: int, error: type[Exception]) -> None:
    with _serving(b"you sent hush", status) as server, pytest.raises(error) as caught:
        _ask(server.url, "@", {}, "hush")
    assert "hush" not in str(caught.value)


def test_the_age_is_that_of_the_answer_where_it_names_none() -> None:
    with _serving([], headers={"Date": "Sat, 21 Nov 2026 08:00:00 GMT", "Age": "60"}) as server:
        # The server's own Date comes first.
        assert _ask(server.url, "@").data_as_of is not None
        assert _ask(server.url, "@", {"dataAsOf": "nothing"}).data_as_of is None


def test_more_rows_and_bytes_than_allowed_are_refused() -> None:
    with _serving(list(range(3))) as server, pytest.raises(RowCap) as caught:
        _ask(server.url, "@", row_cap=1)
    assert caught.value.table.rows == [(0,), (1,)]
    with _serving(b" " * 17_000_000) as server, pytest.raises(SourceRefused, match="bytes"):
        _ask(server.url, "@")


def test_a_server_that_is_away_and_one_that_is_walled_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SourceUnavailable, match="refused"):
        _ask(url, "@")
    with pytest.raises(SourceRefused, match="TOCSIN_EGRESS_ALLOW"):
        _ask("http://169.254.169.254/latest", "@")


def test_a_test_asks_for_any_json_at_all() -> None:
    with _serving({"any": 1}) as server, opened("http", f"{server.url}?from=$start", "hush", {"user": "u"}) as source:
        assert try_source(source, SLOT, 5) > 0
    assert server.seen[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("type_name", ["oracle", "sql", ""])
def test_a_type_that_is_not_known_is_refused(type_name: str) -> None:
    with pytest.raises(SourceRefused, match="the types are: postgres, cube, prometheus, http, duckdb"):
        open_source(Stored(type_name, "x", SLOT), Reach(None))  # type: ignore[arg-type]  # never reached
