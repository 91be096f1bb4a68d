"""What a run knows when it writes: for each graph that was asked, its typed cells; kept as JSON and read again."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from workers.formats.numbers import decimal
from workers.formats.report import Column, Report, Section, plain, shown
from workers.reporting import Part
from workers.sources import Table

Value = Decimal | date | datetime | bool | str | None

MOST_ANSWERS = 40
MOST_ROWS = 400
MOST_COLUMNS = 40
MOST_LETTERS = 200
MOST_BYTES = 400_000


@dataclass(frozen=True)
class Answer:
    """What one graph answered. Rows with a time are in its order, the oldest first, and then the newest are kept.

    `is_split`: the columns of numbers are the segments of one figure, so their sum says something. `is_whole`: no row
    was left out, so a column's sum says something.
    """

    graph: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    is_split: bool = False
    is_whole: bool = True

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The places of the columns that hold figures."""
        return tuple(place for place, column in enumerate(self.columns) if column.type == "number")

    @cached_property
    def time(self) -> int | None:
        """The place of the column whose times each stand once and in order; None where there is no course of time."""
        for place, column in enumerate(self.columns):
            if column.type in ("date", "instant"):
                times = [row[place] for row in self.rows]
                return place if _is_course(times) else None
        return None

    def label(self, row: int) -> str:
        """A row's name: its period, or its texts."""
        if not 0 <= row < len(self.rows):
            return ""
        texts = [
            told(self.rows[row][place], column) for place, column in enumerate(self.columns) if column.type != "number"
        ]
        return " · ".join(filter(None, texts))

    @property
    def section(self) -> Section:
        """The answer as a section of a report."""
        return Section(self.graph, self.columns, self.rows)


@dataclass(frozen=True)
class Evidence:
    """All answers of one run; `slot` is the slot's instant in the pulse's own zone."""

    slot: datetime
    answers: tuple[Answer, ...]

    @cached_property
    def json(self) -> str:
        """The evidence in the one form that it is kept in and hashed over."""
        kept = {"slot": self.slot.isoformat(), "answers": [_plain(each) for each in self.answers]}
        return json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def hash(self) -> str:
        """What tells whether a text was checked against these figures."""
        return hashlib.sha256(self.json.encode()).hexdigest()

    def answer(self, graph: str) -> Answer | None:
        """The last answer of a graph of this name, in whatever case; None when it was not asked."""
        return next((each for each in reversed(self.answers) if each.graph.casefold() == graph.casefold()), None)


class Partly(NamedTuple):
    """What was asked, of which rows are missing: no sum of it says anything."""

    asked: Part | Section


def gather(slot: datetime, found: Iterable[Part | Section | Partly]) -> Evidence:
    """Return the evidence of what was asked, in that order; an equal answer is kept once, what is too much is left out."""
    answers: list[Answer] = []
    for each in found:
        asked = each.asked if isinstance(each, Partly) else each
        answer = answer_of(asked.section if isinstance(asked, Part) else asked, slot.tzinfo)
        if isinstance(each, Partly):
            # A single segment is a name as several are.
            columns = [answer.columns[place] for place in answer.numbers]
            is_split = bool(columns) and not any(column.label for column in columns)
            answer = replace(answer, is_split=is_split, is_whole=False)
        if answer not in answers and len(answers) < MOST_ANSWERS:
            answers.append(answer)
    evidence = Evidence(slot, tuple(answers))
    while len(evidence.json.encode()) > MOST_BYTES:
        largest = max(range(len(answers)), key=lambda at: len(answers[at].rows) * len(answers[at].columns))
        if not answers[largest].rows:
            break
        answers[largest] = _cut(answers[largest], len(answers[largest].rows) // 2)
        evidence = Evidence(slot, tuple(answers))
    return evidence


def section_of(name: str, table: Table) -> Section:
    """Return a table that no graph gives a meaning as a section: its numbers have no unit."""
    types: dict[str, Any] = {"number": "number", "time": "instant", "date": "date", "bool": "boolean"}
    columns = tuple(
        Column(each.name, types.get(each.holds, "text"), each.name.replace("_", " ")) for each in table.columns
    )
    return Section(name, columns, table.rows)


def answer_of(section: Section, zone: tzinfo | None = UTC) -> Answer:
    """Return a section's rows as an answer, its times in this zone, and no more of them than are kept."""
    columns = section.columns[:MOST_COLUMNS]
    rows = [
        tuple(_typed(value, column, zone) for value, column in zip(row, columns, strict=False)) for row in section.rows
    ]
    figures = [column for column in columns if column.type == "number"]
    for place, column in enumerate(columns):
        if column.type in ("date", "instant") and len({row[place] for row in rows}) == len(rows):
            rows.sort(key=lambda row, at=place: place_of(row[at]))  # type: ignore[misc]
            break
    answer = Answer(
        _short(section.name),
        tuple(_brief(column) for column in columns),
        tuple(rows),
        is_split=len(figures) > 1 and not any(column.label for column in figures),
        is_whole=len(section.columns) <= MOST_COLUMNS,
    )
    return _cut(answer, MOST_ROWS) if len(rows) > MOST_ROWS else answer


def read(text: str) -> Evidence:
    """Return the evidence that was kept as JSON. Raises ValueError when the text is none."""
    try:
        kept = json.loads(text)
        return Evidence(datetime.fromisoformat(kept["slot"]), tuple(_answer(each) for each in kept["answers"]))
    except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise ValueError(f"evidence takes what was kept of a run: {error!r}") from None


def _is_course(times: Sequence[Any]) -> bool:
    return None not in times and all(place_of(one) < place_of(after) for one, after in pairwise(times))


def place_of(time: Any) -> tuple[int, float]:
    """Return where a time stands in order, the second of it in seconds; what is none stands first."""
    if isinstance(time, datetime):
        return 1, (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    return (1, time.toordinal() * 86_400.0) if isinstance(time, date) else (0, 0.0)


def _cut(answer: Answer, rows: int) -> Answer:
    kept = answer.rows[len(answer.rows) - rows :] if answer.time is not None else answer.rows[:rows]
    return Answer(answer.graph, answer.columns, kept, answer.is_split, is_whole=False)


def _typed(value: Any, column: Column, zone: tzinfo | None) -> Value:
    if value is None:
        return None
    if column.type == "number":
        return decimal(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(zone)
    if isinstance(value, (bool, date)):
        return value
    return _short(str(value))


def _short(text: str) -> str:
    return plain(text).strip()[:MOST_LETTERS]


def _brief(column: Column) -> Column:
    return Column(
        _short(column.name), column.type, _short(column.label), _short(column.unit), column.format, column.decimals
    )


def told(value: Value, column: Column) -> str:
    """Return a value as people read it, without its unit; empty for NULL."""
    # A report is asked for its zone alone, and the times of an answer stand in theirs.
    return shown(value.replace(tzinfo=None) if isinstance(value, datetime) else value, column, _NOWHERE)


_NOWHERE = Report("", datetime(1970, 1, 1, tzinfo=UTC), ())


def _plain(answer: Answer) -> dict[str, Any]:
    return {
        "graph": answer.graph,
        "columns": [
            {name: value for name, value in asdict(each).items() if value not in ("", None)} for each in answer.columns
        ],
        "rows": [list(_written(row)) for row in answer.rows],
        "split": answer.is_split,
        "whole": answer.is_whole,
    }


def _written(row: Sequence[Value]) -> Iterator[Any]:
    for value in row:
        if isinstance(value, Decimal):
            yield str(value)
        elif isinstance(value, date):
            yield {"time" if isinstance(value, datetime) else "day": value.isoformat()}
        else:
            yield value


def _answer(kept: dict[str, Any]) -> Answer:
    columns = tuple(Column(**each) for each in kept["columns"])
    rows = tuple(
        tuple(_value(value, column) for value, column in zip(row, columns, strict=True)) for row in kept["rows"]
    )
    return Answer(kept["graph"], columns, rows, kept["split"], kept["whole"])


def _value(value: Any, column: Column) -> Value:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["time"]) if "time" in value else date.fromisoformat(value["day"])
    if isinstance(value, str) and column.type == "number":
        return Decimal(value)
    return value if isinstance(value, (bool, str)) else None
