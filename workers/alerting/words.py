"""Figures as people write them, and limits in words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from workers.formats.numbers import CURRENCIES, NO_BREAK_SPACE, UNSPACED, number

LIMITS = {
    "GREATER_THAN": "above {low}",
    "GREATER_THAN_OR_EQUAL": "at or above {low}",
    "LESS_THAN": "below {low}",
    "LESS_THAN_OR_EQUAL": "at or below {low}",
    "EQUAL": "equal to {low}",
    "NOT_EQUAL": "different from {low}",
    "BETWEEN": "between {low} and {high}",
    "OUTSIDE": "outside {low} to {high}",
}


def with_unit(value: Decimal, unit: str) -> str:
    """Return a number with its unit: `€1,250`, `12.5%`, `3 days`; the space between does not break."""
    if unit in CURRENCIES:
        # Half a euro is €0.50: nobody writes one decimal of money.
        amount = number(abs(value))
        return f"{'-' if value < 0 else ''}{unit}{amount}{'0' if amount[-2:-1] == '.' else ''}"
    return f"{number(value)}{'' if unit in UNSPACED else NO_BREAK_SPACE}{unit}"


def rough(value: Decimal, unit: str = "") -> str:
    """Return a computed number with its unit, rounded to six digits that say something."""
    decimals = min(value.adjusted() - 5, 0) if value else 0
    # A number of more digits than decimals are computed with has none behind its point.
    return with_unit(value if value.adjusted() > 20 else value.quantize(Decimal(1).scaleb(decimals)), unit)


def limit(condition: str, low: Decimal, high: Decimal, unit: str = "") -> str:
    """Return what a condition asks for, such as `above €1,000`."""
    return LIMITS[condition].format(low=with_unit(low, unit), high=with_unit(high, unit))


def rfc3339(instant: datetime) -> str:
    """Return an instant in UTC, to the second."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units, such as `2 h 5 min`."""
    seconds = int(length.total_seconds())
    parts = []
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
