"""What a report definition says beside its query: parameters, columns, a chart and words; and its parameters at a slot."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from workers.reports.spans import BadDate, Span, day_of, span_of
from workers.sources.table import Value

MOST_ROWS = 1_000_000
LONGEST_VALUE = 1_000


def _line(value: Any) -> Any:
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("takes one line of printable characters")
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _lines(text: str) -> str:
    if not text.replace("\n", "").isprintable():
        raise ValueError("takes printable text")
    return text


Line = Annotated[str, BeforeValidator(_line), Field(max_length=200)]
Name = Annotated[str, BeforeValidator(_line), Field(min_length=1, max_length=200)]
Wording = Annotated[str, BeforeValidator(_line), Field(max_length=500)]
ParameterType = Literal["string", "integer", "number", "boolean", "date", "period", "choice"]
Given = bool | int | float | str


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Parameter(_Part):
    """A parameter: the query names it as `$param_NAME`, a period as `$param_NAME_start` and `$param_NAME_end`."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_]{0,49}$")]
    type: Annotated[ParameterType, BeforeValidator(_lower)] = "string"
    label: Line = ""
    default: Given | None = Field(None, description="without one a report must give it")
    choices: Annotated[list[Annotated[str, BeforeValidator(_line), Field(max_length=200)]], Field(max_length=200)] = (
        Field(default_factory=list, description="of the type choice")
    )


class ColumnShown(_Part):
    """How a column of the answer is shown; what is not said of it stays as the source and the graph have it."""

    name: Name
    label: Line = ""
    unit: Annotated[str, BeforeValidator(_line), Field(max_length=20)] = ""
    format: Annotated[Literal["plain", "percent", "month", "year"], BeforeValidator(_lower)] | None = None
    decimals: Annotated[int, Field(strict=True, ge=0, le=10)] | None = None
    is_hidden: bool = False


class ChartShown(_Part):
    """A chart of the rows of an own query."""

    kind: Annotated[Literal["line", "bars"], BeforeValidator(_lower)] = "line"
    x: Name
    y: Annotated[list[Name], Field(min_length=1, max_length=4)]


class Definition(_Part):
    """All that a definition says beside its name and its query."""

    parameters: Annotated[list[Parameter], Field(max_length=50)] = Field(default_factory=list)
    window: str | None = Field(
        None, max_length=50, description="a parameter of the type period, which is what $start and $end say"
    )
    columns: Annotated[list[ColumnShown], Field(max_length=200)] = Field(default_factory=list)
    chart: ChartShown | None = Field(None, description="of an own query; a graph has the chart that it is")
    title: Wording = Field("", description="a template; the report's name if left out")
    subtitle: Wording = Field("", description="a template")
    notes: Annotated[str, AfterValidator(_lines), Field(max_length=2000)] = Field("", description="a template")
    row_limit: Annotated[int, Field(strict=True, ge=1, le=MOST_ROWS)] = MOST_ROWS


class BadParameter(ValueError):
    """A parameter's value is none; `name` says whose, and the text what it takes."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


def resolved(
    parameters: Sequence[Parameter], given: Mapping[str, Any], slot: datetime, zone: ZoneInfo
) -> dict[str, Value | Span]:
    """Return the value of each parameter at a slot, given or by default. Raises BadParameter."""
    known = {each.name for each in parameters}
    for name in given:
        if name not in known:
            raise BadParameter(str(name), f"is no parameter of this; there are: {', '.join(sorted(known)) or 'none'}")
    return {each.name: value_of(each, given.get(each.name), slot, zone) for each in parameters}


def value_of(parameter: Parameter, given: Any, slot: datetime, zone: ZoneInfo) -> Value | Span:
    """Return what a parameter stands for at a slot. Raises BadParameter."""
    found = parameter.default if given is None else given
    if found is None:
        raise BadParameter(parameter.name, "is required: it has no default")
    try:
        return cast("Value | Span", _READ[parameter.type](parameter, found, slot, zone))
    except ValueError as error:
        raise BadParameter(parameter.name, str(error)) from None


def as_named(values: Mapping[str, Value | Span]) -> dict[str, Value]:
    """Return the values by the names that a query has for them."""
    named: dict[str, Value] = {}
    for name, value in values.items():
        if isinstance(value, Span):
            named |= {f"{name}_start": value.start, f"{name}_end": value.end}
        else:
            named[name] = value
    return named


def names_of(parameters: Sequence[Parameter]) -> set[str]:
    """Return the names that a query may have for parameters."""
    return {
        name
        for each in parameters
        for name in ((f"{each.name}_start", f"{each.name}_end") if each.type == "period" else (each.name,))
    }


def as_told(values: Mapping[str, Value | Span]) -> dict[str, Any]:
    """Return the values as JSON tells them: numbers and yes or no as they are, the rest as text."""
    return {name: _told(value) for name, value in values.items()}


def _told(value: Value | Span) -> Any:
    if isinstance(value, Span):
        return {"from": value.start.isoformat(), "to": value.end.isoformat()}
    if isinstance(value, (bool, int, str)):
        return value
    return str(value) if isinstance(value, Decimal) else value.isoformat()


def _text(_: Parameter, value: Any, *__: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_VALUE or not value.isprintable():
        raise ValueError(f"takes one line of text of at most {LONGEST_VALUE} characters")
    return value


def _integer(_: Parameter, value: Any, *__: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise ValueError("takes a whole number")
    return value


def _number(_: Parameter, value: Any, *__: Any) -> Decimal:
    try:
        found = Decimal("nan") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite() or abs(found.adjusted()) > 100:
        raise ValueError("takes a number")
    return found


def _boolean(_: Parameter, value: Any, *__: Any) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise ValueError("takes true or false")
    return str(value).lower() == "true"


def _date(_: Parameter, value: Any, slot: datetime, zone: ZoneInfo) -> date:
    if not isinstance(value, str):
        raise BadDate("takes a date as text")
    return day_of(value, slot, zone)


def _period(_: Parameter, value: Any, slot: datetime, zone: ZoneInfo) -> Span:
    if not isinstance(value, str):
        raise BadDate("takes a period as text")
    return span_of(value, slot, zone)


def _choice(parameter: Parameter, value: Any, *__: Any) -> str:
    if value not in parameter.choices:
        raise ValueError(f"takes one of: {', '.join(parameter.choices)}")
    return str(value)


_READ: dict[str, Any] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "period": _period,
    "choice": _choice,
}
