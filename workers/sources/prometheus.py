"""Prometheus, or what speaks its HTTP API, as a source: one expression at an instant, or over a window step by step."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from workers.sources.calling import Caller, decoded
from workers.sources.parameters import named_in
from workers.sources.table import (
    Column,
    Holds,
    Observe,
    Question,
    SourceRefused,
    SourceUnavailable,
    Table,
    observing,
    within,
)

_STEPS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_LASTING_ERRORS = ("bad_data", "execution", "not_found")


class Prometheus:
    """Answers PromQL: labels as columns of text, then `time`, then `value`; a value that is no finite number is None."""

    def __init__(self, url: str, caller: Caller, headers: Mapping[str, str], observe: Observe | None = None) -> None:
        self._url = url.rstrip("/") + "/api/v1"
        self._caller = caller
        self._headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        self._observe = observe

    def query(self, question: Question, *, timeout_seconds: float, row_cap: int) -> Table:
        """Return the expression at the slot; with a window at its end, or with a grain too at each step of it.

        Raises SourceUnavailable, SourceRefused and RowCap.
        """
        with observing(self._observe, "prometheus"):
            started = time.monotonic()
            path, form, asked_of = _asked(question, timeout_seconds)
            content = urlencode(form).encode()
            response = self._caller.call(
                "POST", self._url + path, self._headers, content, deadline=started + timeout_seconds
            )
            try:
                answer = decoded(response)
            except ValueError:
                answer = {}
            said = answer if isinstance(answer, dict) else {}
            if said.get("errorType") == "timeout":
                raise SourceUnavailable(f"prometheus: {self._caller.words(said.get('error', ''))}")
            self._caller.check(response, f"{said.get('errorType', '')} {said.get('error', '')}")
            if said.get("status") != "success":
                raise SourceRefused(
                    "prometheus answers what is none of its answers; the address is that before /api/v1"
                )
            try:
                table = _table(said, asked_of)
            except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
                raise SourceRefused(f"prometheus answers what can't be read: {type(error).__name__}") from None
            notes = (*table.notes, *(self._caller.words(each) for each in said.get("warnings", ())))
            cost = (time.monotonic() - started) * 1000
            return within(
                Table(table.columns, table.rows, table.data_as_of, cost, bool(said.get("isPartial")), notes), row_cap
            )


def _asked(question: Question, timeout_seconds: float) -> tuple[str, dict[str, str], datetime]:
    """Return the path, the form and the last instant that is asked of."""
    if unknown := named_in(question.query):
        # There is no value beside a PromQL expression, and text that is put into one could be more than a value.
        raise SourceRefused(f"prometheus takes no parameters, and the expression names $param_{min(unknown)}")
    form = {"query": question.query, "timeout": f"{max(1, int(timeout_seconds))}s"}
    if question.start is None or question.end is None:
        return "/query", form | {"time": _stamp(question.slot_at)}, question.slot_at
    if question.grain is None:
        return "/query", form | {"time": _stamp(question.end)}, question.end
    if question.grain not in _STEPS:
        raise SourceRefused(f"prometheus takes a grain of {', '.join(_STEPS)}: its steps are all of one length")
    step = _STEPS[question.grain]
    # The window's end is no part of it, and Prometheus would count it in.
    steps = -(-(question.end - question.start) // timedelta(seconds=step)) - 1
    last = question.start + steps * timedelta(seconds=step)
    return "/query_range", form | {"start": _stamp(question.start), "end": _stamp(last), "step": str(step)}, last


def _table(answer: Mapping[str, Any], asked_of: datetime) -> Table:
    data = answer["data"]
    kind, result = data["resultType"], data["result"]
    if kind in ("scalar", "string"):
        result = [{"metric": {}, "value": result}]
    labels = sorted({label for series in result for label in series["metric"]})
    holds: Holds = "text" if kind == "string" else "number"
    columns = [Column(f"label_{each}" if each in ("time", "value") else each, "label", "text") for each in labels]
    rows, odd = [], 0
    for series in result:
        named = [series["metric"].get(label) for label in labels]
        for at, text in _samples(series):
            value = text if kind == "string" else _number(text)
            odd += value is None
            rows.append((*named, datetime.fromtimestamp(float(at), UTC), value))
    note = (
        (f"{odd} value{'s are' if odd > 1 else ' is'} no finite number and stand{'s' * (odd == 1)} empty",)
        if odd
        else ()
    )
    made = (*columns, Column("time", "timestamp", "time"), Column("value", kind, holds))
    return Table(made, rows, asked_of, 0, notes=note)


def _samples(series: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    yield from series["values"] if "values" in series else [series["value"]]


def _number(text: str) -> Decimal | None:
    value = Decimal(text)
    return value if value.is_finite() else None


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
