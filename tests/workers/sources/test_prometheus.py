import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.workers.sources.asking import END, SLOT, START, ask, opened
from tests.workers.wire import HttpServer, http_server
from workers.sources import RowCap, SourceRefused, SourceUnavailable, Table, try_source


@contextmanager
def _prometheus(result: Any, kind: str = "vector", status: int = 200, **more: Any) -> Iterator[HttpServer]:
    answer = {"status": "success", "data": {"resultType": kind, "result": result}, **more}
    with http_server(status, json.dumps(answer).encode()) as server:
        yield server


def _ask(server: HttpServer, secret: str = "", options: dict[str, Any] | None = None, **question: Any) -> Table:
    with opened("prometheus", server.url, secret, options) as source:
        return ask(source, "sum by (job) (up)", **question)


def _form(server: HttpServer) -> dict[str, str]:
    assert server.seen[-1].method == "POST"
    return {name: values[0] for name, values in parse_qs(server.seen[-1].body.decode()).items()}


def _series(value: str, /, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1700000000.5, value]}


def test_an_expression_is_asked_at_the_slot_and_its_labels_are_columns() -> None:
    with _prometheus(
        [_series("1.50", job="web", value="odd"), _series("2", job="db")], warnings=["PromQL info"]
    ) as server:
        table = _ask(server)
    assert server.seen[0].path == "/api/v1/query"
    assert (_form(server)["query"], _form(server)["time"]) == ("sum by (job) (up)", "2026-11-21T08:30:00Z")
    at = datetime.fromtimestamp(1700000000.5, UTC)
    assert [(column.name, column.holds) for column in table.columns] == [
        ("job", "text"),
        ("label_value", "text"),
        ("time", "time"),
        ("value", "number"),
    ]
    assert table.rows == [("web", "odd", at, Decimal("1.50")), ("db", None, at, Decimal(2))]
    assert (table.data_as_of, table.notes) == (SLOT, ("PromQL info",))


@pytest.mark.parametrize("word", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_finite_number_stands_empty_and_is_noted(word: str) -> None:
    with _prometheus([_series(word), _series("7")]) as server:
        table = _ask(server)
    assert [row[-1] for row in table.rows] == [None, 7]
    assert table.notes == ("1 value is no finite number and stands empty",)


def test_a_window_is_asked_step_by_step_and_its_end_is_no_part_of_it() -> None:
    values = [[1700000000, "1"], [1700086400, "2"]]
    with _prometheus([{"metric": {}, "values": values}], "matrix") as server:
        table = _ask(server, start=START, end=END, grain="day")
        form = _form(server)
        _ask(server, start=START, end=END - timedelta(hours=1), grain="day")
        assert _form(server)["end"] == form["end"], "a last step that is cut short is asked too"
    assert server.seen[0].path == "/api/v1/query_range"
    assert (form["start"], form["end"], form["step"]) == ("2026-11-13T23:00:00Z", "2026-11-19T23:00:00Z", "86400")
    assert [row[-1] for row in table.rows] == [1, 2]
    assert table.data_as_of == END - timedelta(days=1)


def test_a_window_without_a_grain_is_asked_once_at_its_end() -> None:
    with _prometheus([7.5, "3"], "scalar") as server:
        table = _ask(server, start=START, end=END)
        assert (server.seen[0].path, _form(server)["time"]) == ("/api/v1/query", "2026-11-20T23:00:00Z")
        with pytest.raises(SourceRefused, match="grain of minute, hour, day, week"):
            _ask(server, start=START, end=END, grain="month")
    assert [row[-1] for row in table.rows] == [3]


def test_the_secret_is_a_bearer_token_or_a_users_password() -> None:
    with _prometheus([]) as server:
        _ask(server, "hush")
        _ask(server, "hush", {"user": "reader"})
        assert _ask(server).rows == []
        with opened("prometheus", server.url, "hush") as source:
            assert try_source(source, SLOT, 5) > 0
    shown = [seen.headers.get("authorization") for seen in server.seen]
    assert shown == ["Bearer hush", "Basic " + base64.b64encode(b"reader:hush").decode(), None, "Bearer hush"]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"status": "error", "errorType": "bad_data", "error": "parse error hush"}, SourceRefused),
        (422, {"status": "error", "errorType": "execution", "error": "many-to-many"}, SourceRefused),
        (503, {"status": "error", "errorType": "timeout", "error": "query timed out"}, SourceUnavailable),
        (401, "who?", SourceRefused),
        (404, "no", SourceRefused),
        (429, "slowly", SourceUnavailable),
        (200, "<html>", SourceRefused),
        (200, {"status": "success", "data": {"resultType": "vector", "result": 7}}, SourceRefused),
        (200, {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "x"]}]}},
         SourceRefused),
    ],
)  # fmt: skip
def test_what_it_refuses_and_what_it_can_not_do_now_are_told_apart(
    status: int, body: Any, error: type[Exception]
) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    with http_server(status, content.encode()) as server, pytest.raises(error) as caught:
        _ask(server, "hush")
    assert "hush" not in str(caught.value)


def test_more_series_than_wanted_and_more_bytes_than_allowed_are_refused() -> None:
    with _prometheus([_series(str(number)) for number in range(3)], isPartial=True) as server:
        with pytest.raises(RowCap, match="more than 1 row"):
            _ask(server, row_cap=1)
        assert _ask(server).is_stale
    with http_server(200, b"[" + b" " * 17_000_000) as server, pytest.raises(SourceRefused, match="bytes"):
        _ask(server)


def test_a_parameter_that_promql_has_no_place_for_is_refused_and_not_asked_as_text() -> None:
    with (
        _prometheus([_series("1")]) as server,
        opened("prometheus", server.url) as source,
        pytest.raises(SourceRefused, match=r"\$param_job"),
    ):
        ask(source, 'up{job="$param_job"}', parameters={"job": "web"})
    assert not server.seen
