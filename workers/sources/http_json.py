"""JSON over HTTP as a source: one call, and a JMESPath expression that picks the rows out of what it answers."""

import json
import math
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from workers.http import Response
from workers.sources import parameters
from workers.sources.calling import Caller, decoded
from workers.sources.table import Column, Holds, Observe, Question, SourceRefused, Table, observing, within

_TAKES = "the expression must give an object, a list of objects, a list of numbers, or a number"


class HttpJson:
    """Answers JMESPath over the JSON at one address; numbers are read as doubles, which is what JSON promises."""

    def __init__(
        self,
        url: str,
        caller: Caller,
        headers: Mapping[str, str],
        *,
        method: str = "GET",
        body: Any = None,
        data_as_of: str | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._url = url
        self._caller = caller
        self._headers = {"Accept": "application/json", **headers}
        self._method = method
        self._body = body
        self._data_as_of = data_as_of
        self._observe = observe

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
        """Return the rows that the expression picks. Raises SourceUnavailable, SourceRefused and RowCap."""
        with observing(self._observe, "http"):
            started = time.monotonic()
            url = parameters.in_url(self._url, question)
            headers, content = dict(self._headers), b""
            if self._method == "POST":
                headers["Content-Type"] = "application/json"
                content = json.dumps(parameters.in_json(self._body, question)).encode()
            response = self._caller.call(self._method, url, headers, content, deadline=started + timeout_seconds)
            self._caller.check(response, response.content[:200].decode(errors="replace"))
            try:
                document = decoded(response, number=_double)
            except ValueError as error:
                raise SourceRefused(f"http: the answer is no JSON: {self._caller.words(error)}") from None
            columns, rows = table_of(picked(question.query, document))
            as_of = _as_of(response) if self._data_as_of is None else _instant(picked(self._data_as_of, document))
            return within(Table(columns, rows, as_of, (time.monotonic() - started) * 1000), row_cap)


def picked(expression: str, document: Any) -> Any:
    """Return what a JMESPath expression finds. Raises SourceRefused for one that can't be read or used."""
    try:
        return jmespath.compile(expression).search(document)
    except JMESPathError as error:
        raise SourceRefused(f"the expression: {' '.join(str(error).split())[:300]}") from None
    except (RecursionError, ArithmeticError, TypeError, ValueError, AttributeError):
        raise SourceRefused("the expression can't be used on this answer") from None


def table_of(found: Any) -> tuple[tuple[Column, ...], list[tuple[Any, ...]]]:
    """Return columns, in the order in which their names come first, and rows; what a row lacks is None."""
    if _is_number(found) or isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise SourceRefused(f"{_TAKES}; it gives {'nothing' if found is None else type(found).__name__}")
    if all(isinstance(each, dict) for each in found):
        names = list(dict.fromkeys(name for each in found for name in each))
        values = [[each.get(name) for each in found] for name in names]
    elif all(each is None or _is_number(each) for each in found):
        names, values = ["value"], [list(found)]
    else:
        raise SourceRefused(_TAKES)
    made = [_typed(column) for column in values]
    columns = tuple(Column(name, kind, holds) for name, (kind, holds, _) in zip(names, made, strict=True))
    return columns, list(zip(*(column for _, _, column in made), strict=True))


def _typed(values: list[Any]) -> tuple[str, Holds, list[Any]]:
    """Return the JSON type of a column, what it holds, and its values as that; one of many types is text or JSON."""
    there = [each for each in values if each is not None]
    if there and all(isinstance(each, bool) for each in there):
        return "boolean", "bool", values
    if there and all(_is_number(each) for each in there):
        return "number", "number", [Decimal(repr(each)) if isinstance(each, float) else each for each in values]
    if all(isinstance(each, str) for each in there):
        for holds, read in (("date", _date), ("time", _time)):
            if there and all(read(each) is not None for each in there):
                return "string", holds, [None if each is None else read(each) for each in values]  # type: ignore[return-value]
        return "string", "text", values
    return "mixed", "json", values


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _double(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 and text[4] == text[7] == "-" else None
    except ValueError:
        return None


def _time(text: str) -> datetime | None:
    """The instant of a text that names one with its zone; a text without a zone stays a text."""
    if not 20 <= len(text) <= 35 or text[10] not in "Tt ":
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _instant(found: Any) -> datetime | None:
    """The instant that the answer names as its age: text in RFC 3339, or seconds since 1970."""
    try:
        if isinstance(found, str) and (read := _time(found)):
            return read
        return datetime.fromtimestamp(found, UTC) if _is_number(found) else None
    except (ValueError, OverflowError, OSError):
        return None


def _as_of(response: Response) -> datetime | None:
    """When the answer was made, by its own headers."""
    try:
        made = parsedate_to_datetime(response.headers.get("date", ""))
        return (made if made.tzinfo else made.replace(tzinfo=UTC)) - timedelta(
            seconds=int(response.headers.get("age", 0))
        )
    except (ValueError, TypeError, OverflowError):
        return None
