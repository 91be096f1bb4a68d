"""Cube as a source: one query of its REST API, asked until it has an answer or the time is up.

Cube answers a long query with "Continue wait" and status 200: the same body is sent again at once, under one request id,
since Cube forgets a query that nobody asks for. The cache must revalidate: a stale figure is no figure to alert on.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

import jwt

from config.zones import BadZone, zone
from workers.http import Response
from workers.sources import parameters, relative
from workers.sources.calling import Away, Caller, decoded
from workers.sources.table import (
    Column,
    Holds,
    Observe,
    Question,
    RowCap,
    SourceRefused,
    SourceUnavailable,
    Table,
    observing,
    within,
)

DEFAULT_ROWS, MOST_ROWS = 10_000, 50_000
# As Cube's own client waits after a lost connection; and a floor under "at once", for a server that does not hold us.
RETRY_SECONDS, SHORTEST_TURN = 5.0, 0.05
_LOOK_SECONDS = 0.2
_TOKEN_SECONDS = 60
_PASSING_WORDS = ("timeout", "timed out", "econnrefused", "econnreset", "too many connections")
_RANGE = "compareDateRange"
_HOLDS: dict[str, Holds] = {"time": "time", "string": "text", "boolean": "bool", "geo": "json"}


class Cube:
    """Answers queries of Cube's JSON form. `now` is Postgres's time when this was made, for the token's end alone."""

    def __init__(
        self,
        url: str,
        caller: Caller,
        context: Mapping[str, Any],
        now: datetime,
        observe: Observe | None = None,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        path = url.rstrip("/")
        self._url = (path if path.count("/") > 2 else f"{path}/cubejs-api") + "/v1"
        self._caller = caller
        self._context = context
        self._now = now
        self._made_at = time.monotonic()
        self._observe = observe
        self._retry_seconds = retry_seconds

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
        """Return the rows, numbers as Decimal and times in the query's zone; periods compared stand under one another.

        Raises SourceUnavailable, SourceRefused and RowCap.
        """
        with observing(self._observe, "cube"):
            started = time.monotonic()
            query = prepared(question, row_cap)
            load: dict[str, Any] = {"query": query, "cache": "must-revalidate"}
            if any(_RANGE in each for each in query.get("timeDimensions", ())):
                load["queryType"] = "multi"
            body = json.dumps(load, separators=(",", ":")).encode()
            answer = self._loaded(body, self._token(question.context, timeout_seconds), started + timeout_seconds)
            table = table_of(answer, query, (time.monotonic() - started) * 1000)
            if len(table.rows) >= MOST_ROWS and query["limit"] == MOST_ROWS and row_cap >= MOST_ROWS:
                raise RowCap(f"Cube gives at most {MOST_ROWS} rows, and the query has as many or more", table)
            return within(table, row_cap)

    def try_token(self, timeout_seconds: float) -> float:
        """Return how many milliseconds Cube takes to show its model. Raises SourceUnavailable, SourceRefused."""
        with observing(self._observe, "cube"):
            started = time.monotonic()
            token = self._token({}, timeout_seconds)
            headers = {"Authorization": token} if token else {}
            self._read(self._caller.call("GET", f"{self._url}/meta", headers, b"", deadline=started + timeout_seconds))
            return (time.monotonic() - started) * 1000

    def _token(self, context: Mapping[str, str], timeout_seconds: float) -> str:
        """Return the token for this question, good for as long as it is asked; stable claims keep Cube's caches warm."""
        if not self._caller.secret:
            return ""
        now = self._now + timedelta(seconds=time.monotonic() - self._made_at)
        claims = {**self._context, **context}
        ends = int(now.timestamp() + timeout_seconds) + _TOKEN_SECONDS
        return jwt.encode({**claims, "iat": int(now.timestamp()), "exp": ends}, self._caller.secret, algorithm="HS256")

    def _loaded(self, body: bytes, token: str, deadline: float) -> dict[str, Any]:
        """Return Cube's answer, however often it says to wait. Raises SourceUnavailable at the deadline, SourceRefused."""
        span, turn, stage = uuid4(), 0, ""
        while True:
            turn += 1
            began = time.monotonic()
            headers = {"Content-Type": "application/json", "x-request-id": f"{span}-span-{turn}"}
            if token:
                headers["Authorization"] = token
            try:
                response = self._caller.call("POST", f"{self._url}/load", headers, body, deadline=deadline)
            except Away as error:
                self._wait(self._retry_seconds, deadline, str(error))
                continue
            except SourceUnavailable as error:
                raise SourceUnavailable(f"{error}{stage}") from None
            if response.status == 502:
                self._wait(self._retry_seconds, deadline, "cube answers 502")
                continue
            answer = self._read(response)
            said = answer.get("error")
            if said is None:
                return answer
            if "continue wait" not in str(said).lower():
                raise SourceRefused(f"cube: {self._caller.words(said)}")
            stage = f"; cube is still at {self._caller.words(_stage(answer))!r}"
            self._wait(
                SHORTEST_TURN - (time.monotonic() - began), deadline, f"cube: no answer before the deadline{stage}"
            )

    def _read(self, response: Response) -> dict[str, Any]:
        """Return the JSON object of an answer. Raises SourceUnavailable and SourceRefused for one that is a refusal."""
        try:
            answer = decoded(response)
        except ValueError:
            answer = None
        said = answer.get("error", "") if isinstance(answer, dict) else ""
        if response.status == 400 and any(word in str(said).lower() for word in _PASSING_WORDS):
            # Cube says of a database that is slow or away what it says of a wrong query.
            raise SourceUnavailable(f"cube answers 400: {self._caller.words(said)}")
        self._caller.check(response, str(said))
        if not isinstance(answer, dict):
            raise SourceRefused(
                "cube answers what is no JSON object; the address is that of its REST API, such as https://host/cubejs-api"
            )
        return answer

    def _wait(self, seconds: float, deadline: float, why: str) -> None:
        """Return after so long, or at once for none. Raises SourceUnavailable when that is beyond the deadline."""
        until = time.monotonic() + seconds
        if until >= deadline:
            raise SourceUnavailable(why)
        while (left := until - time.monotonic()) > 0 and not self._caller.is_cancelled():
            time.sleep(min(left, _LOOK_SECONDS))


def prepared(question: Question, row_cap: int) -> dict[str, Any]:
    """Return the query as it is sent: dates absolute, the window and the grain put in, never more rows than are wanted.

    Raises SourceRefused.
    """
    try:
        found = json.loads(question.query)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SourceRefused('the query is no Cube query; it takes JSON such as {"measures": ["orders.count"]}')
    asked: dict[str, Any] = {name: parameters.in_json(each, question, "param_") for name, each in found.items()}
    if question.start is not None or "timezone" not in asked:
        asked["timezone"] = question.timezone
    if _unknown_zone(asked["timezone"]):
        raise SourceRefused("timezone takes an IANA name such as Europe/Paris")
    own = asked.get("limit", MOST_ROWS)
    if not isinstance(own, int) or isinstance(own, bool) or own < 1:
        raise SourceRefused(f"limit takes a number from 1 to {MOST_ROWS}")
    asked["limit"] = min(own, row_cap + 1, MOST_ROWS)
    times = asked.get("timeDimensions", [])
    if not isinstance(times, list) or not all(isinstance(each, dict) for each in times):
        raise SourceRefused("timeDimensions takes a list of objects")
    for each in times:
        _make_absolute(each, question, asked["timezone"])
    _put_window(times, question)
    return asked


def _make_absolute(time_dimension: dict[str, Any], question: Question, timezone: str) -> None:
    if "dateRange" in time_dimension:
        found = time_dimension["dateRange"]
        time_dimension["dateRange"] = relative.absolute(found, question.slot_at, timezone)
    if _RANGE in time_dimension:
        found = time_dimension[_RANGE]
        if not isinstance(found, list) or not found:
            raise SourceRefused(f"{_RANGE} takes a list of date ranges")
        time_dimension[_RANGE] = [relative.absolute(each, question.slot_at, timezone) for each in found]


def _put_window(times: list[dict[str, Any]], question: Question) -> None:
    if question.start is not None and question.end is not None:
        if not times:
            raise SourceRefused("the query has no timeDimensions to put the window in")
        if any(_RANGE in each for each in times):
            raise SourceRefused(f"a window and {_RANGE} exclude each other")
        times[0]["dateRange"] = relative.window(question.start, question.end, question.timezone)
    if question.grain is not None and times and not any(each.get("granularity") for each in times):
        times[0]["granularity"] = question.grain


def table_of(answer: Mapping[str, Any], query: Mapping[str, Any], cost_ms: float) -> Table:
    """Return the table of Cube's answer; its age is that of the oldest part. Raises SourceRefused for what can't be read."""
    results = answer.get("results", [answer])
    try:
        columns = _columns(results[0].get("annotation", {}), query)
        compared = len(results) > 1 or any(_RANGE in each for each in query.get("timeDimensions", ()))
        readers = [_reader(column, query["timezone"]) for column in columns]
        rows: list[tuple[Any, ...]] = []
        for result in results:
            period = (_period(result),) if compared else ()
            rows.extend(
                (*(read(row.get(column.name)) for column, read in zip(columns, readers, strict=True)), *period)
                for row in result["data"]
            )
        ages = [
            datetime.fromisoformat(result["lastRefreshTime"]) for result in results if result.get("lastRefreshTime")
        ]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, InvalidOperation) as error:
        raise SourceRefused(f"cube answers what can't be read: {type(error).__name__}: {str(error)[:200]}") from None
    is_slow = any(each.get("slowQuery") is True for each in (answer, *results))
    return Table(
        (*columns, *((Column(_RANGE, "string", "text"),) if compared else ())),
        rows,
        min(ages) if ages else None,
        cost_ms,
        is_slow,
        ("Cube gave what it had kept: the query itself was too slow",) if is_slow else (),
    )


def _columns(annotation: Mapping[str, Any], query: Mapping[str, Any]) -> list[Column]:
    """Return the columns in the order of the query: dimensions, times by their grain, measures."""
    known: dict[str, str] = {}
    for part in ("dimensions", "timeDimensions", "measures", "segments"):
        for name, about in annotation.get(part, {}).items():
            known[name] = "number" if part == "measures" and about.get("type") not in _HOLDS else str(about.get("type"))
    times = [
        f"{each['dimension']}.{each['granularity']}"
        for each in query.get("timeDimensions", ())
        if each.get("granularity")
    ]
    names = [*query.get("dimensions", ()), *times, *query.get("measures", ())]
    return [Column(name, known.get(name, "string"), _HOLDS.get(known.get(name, "string"), "number")) for name in names]


def _reader(column: Column, timezone: str) -> Callable[[Any], Any]:
    """Return what makes a value of Cube's into one of ours: numbers come as text, times without their zone."""
    local = zone(timezone)

    def number(value: Any) -> Any:
        return value if value is None or isinstance(value, (int, Decimal)) else Decimal(value)

    def instant(value: Any) -> Any:
        if value is None:
            return None
        read = datetime.fromisoformat(value)
        return read if read.tzinfo else read.replace(tzinfo=local)

    def truth(value: Any) -> Any:
        return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower(), value)

    return {"number": number, "time": instant, "bool": truth}.get(column.holds, lambda value: value)


def _period(result: Mapping[str, Any]) -> str:
    found = next(each["dateRange"] for each in result["query"]["timeDimensions"] if each.get("dateRange"))
    return found if isinstance(found, str) else " - ".join(found)


def _stage(answer: Mapping[str, Any]) -> str:
    stage = answer.get("stage", "")
    return str(stage.get("stage", "")) if isinstance(stage, dict) else str(stage)


def _unknown_zone(name: Any) -> bool:
    try:
        return not isinstance(name, str) or zone(name) is None
    except BadZone:
        return True
