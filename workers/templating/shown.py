"""What a template shows of a value, and the filters and tests that it may use; pure. None of them calls what it is given."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from jinja2 import Undefined

from workers.formats.numbers import Style, decimal, percentage, rounded, with_unit

MOST_DECIMALS = 10


def shown(value: Any) -> Any:
    """Return a value as it stands in a message that says nothing else of it. Raises ValueError for lists and the like."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (Decimal, float)):
        return number(value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, (list, tuple, dict)):
        raise ValueError("a list is shown by a `for`, or by one of its parts")  # noqa: TRY004 - a template's, not ours
    return value


def numbers(left: Any, right: Any) -> tuple[Any, Any]:
    """Return two numbers of sorts that go together."""
    if isinstance(left, float) and isinstance(right, Decimal):
        return decimal(left), right
    if isinstance(left, Decimal) and isinstance(right, float):
        return left, decimal(right)
    return left, right


def number(value: Any, decimals: int | None = None) -> str:
    """`1,234.5`; with exactly so many decimals where that is said."""
    return rounded(_number(value), _decimals(decimals))


def percent(value: Any, decimals: int | None = None) -> str:
    """`5%` for 0.05."""
    found = _number(value) * 100
    if decimals is None:
        return f"{'-' if found < 0 else ''}{percentage(abs(found))}"
    return f"{rounded(found, _decimals(decimals))}%"


def money(value: Any, unit: str) -> str:
    """`€1,250`, or `3 days`: a number with its unit."""
    return with_unit(_number(value), Style(_text(unit)))


def day(value: Any) -> str:
    """`Tue 1 Dec 2015`."""
    found = _date(value)
    return f"{found:%a} {found.day} {found:%b} {found.year}"


def clock(value: Any) -> str:
    """`08:00`."""
    return f"{_instant(value):%H:%M}"


def instant(value: Any) -> str:
    """`Tue 1 Dec 2015, 08:00`."""
    return f"{day(value)}, {clock(value)}"


def iso(value: Any) -> str:
    """`2015-12-01T07:00:00Z`."""
    return _instant(value).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def default(value: Any, other: Any = "") -> Any:
    """The value, or the other where it is missing, null or an empty text."""
    return other if isinstance(value, Undefined) or value is None or value == "" else value


def join(value: Any, between: str = ", ") -> str:
    """The texts of a list, with something between."""
    return _text(between).join(str(shown(each)) for each in _list(value))


def length(value: Any) -> int:
    """How many there are."""
    return len(value) if isinstance(value, str) else len(_list(value))


def first(value: Any) -> Any:
    """The first of a list."""
    return _list(value)[0]


def last(value: Any) -> Any:
    """The last of a list."""
    return _list(value)[-1]


def upper(value: Any) -> str:
    """In capitals."""
    return _text(value).upper()


def lower(value: Any) -> str:
    """In small letters."""
    return _text(value).lower()


def capitalize(value: Any) -> str:
    """The first letter a capital, the others as they are."""
    text = _text(value)
    return text[:1].upper() + text[1:]


def trim(value: Any) -> str:
    """Without spaces around it."""
    return _text(value).strip()


def replace(value: Any, old: str, new: str) -> str:
    """With one text in place of another."""
    return _text(value).replace(_text(old), _text(new))


def truncate(value: Any, longest: int = 100) -> str:
    """The first so many letters, with `…` where there are more."""
    text = _text(value)
    return text if len(text) <= longest else text[: max(0, longest - 1)].rstrip() + "…"


def absolute(value: Any) -> Decimal:
    """Without its sign."""
    return abs(_number(value))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "number": number,
    "percent": percent,
    "money": money,
    "date": day,
    "time": clock,
    "instant": instant,
    "iso": iso,
    "default": default,
    "join": join,
    "length": length,
    "first": first,
    "last": last,
    "upper": upper,
    "lower": lower,
    "capitalize": capitalize,
    "trim": trim,
    "replace": replace,
    "truncate": truncate,
    "abs": absolute,
}
TESTS: Mapping[str, Callable[..., bool]] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "none": lambda value: value is None,
    "even": lambda value: isinstance(value, int) and value % 2 == 0,
    "odd": lambda value: isinstance(value, int) and value % 2 == 1,
}


def _number(value: Any) -> Decimal:
    found = decimal(value)
    if found is None:
        raise ValueError(f"takes a number, not {_sort(value)}")
    return found


def _decimals(decimals: int | None) -> int | None:
    # It is whatever stands in a template.
    given: object = decimals
    if given is not None and not (isinstance(given, int) and 0 <= given <= MOST_DECIMALS):
        raise ValueError(f"takes 0 to {MOST_DECIMALS} decimals")
    return decimals


def _text(value: Any) -> str:
    found = shown(value)
    if not isinstance(found, str):
        raise ValueError(f"takes a text, not {_sort(value)}")  # noqa: TRY004 - a template's, not ours
    return found


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"takes a list, not {_sort(value)}")  # noqa: TRY004 - a template's, not ours
    return value


def _date(value: Any) -> date:
    if not isinstance(value, date):
        raise ValueError(f"takes a time, not {_sort(value)}")  # noqa: TRY004 - a template's, not ours
    return value


def _instant(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValueError(f"takes a time, not {_sort(value)}")  # noqa: TRY004 - a template's, not ours
    return value


def _sort(value: Any) -> str:
    """What a value is, in words; of a missing one its name."""
    if isinstance(value, Undefined):
        str(value)
    sorts = {bool: "yes or no", str: "a text", list: "a list", tuple: "a list", dict: "names with values"}
    found = next((said for sort, said in sorts.items() if isinstance(value, sort)), "a value")
    return "nothing" if value is None else "a time" if isinstance(value, date) else found
