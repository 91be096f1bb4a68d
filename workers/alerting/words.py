"""Figures as people write them, and limits in words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from workers.formats.numbers import CURRENCIES, PLAIN, Style, fraction, number, with_unit

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


def rough(value: Decimal, style: Style = PLAIN) -> str:
    """Return a computed number with its unit, rounded to six digits that say something, or as its style says."""
    decimals = min(value.adjusted() - 5, 0) if value else 0
    # A number of more digits than decimals are computed with has none behind its point.
    is_long = style.decimals is None and value.adjusted() <= 20
    if not is_long:
        return with_unit(value, style)
    shown = value.quantize(Decimal(1).scaleb(decimals))
    if decimals == -1 and shown != value and style.unit in CURRENCIES:
        # Nobody writes one decimal of money, and €13,231.30 would claim cents of a figure that is rounded to ten.
        shown = value.quantize(Decimal(1))
    return with_unit(shown, style)


def exact(value: Decimal, style: Style = PLAIN) -> str:
    """Return a number that somebody set, with its unit: with the decimals of the style, and more where it has more."""
    if style.decimals is None or style.form not in ("number", "percent"):
        return with_unit(value, style._replace(decimals=None))
    has = len(number(fraction(value, is_percent=style.form == "percent")).partition(".")[2])
    return with_unit(value, style._replace(decimals=max(style.decimals, has)))


def limit(condition: str, low: str, high: str) -> str:
    """Return what a condition asks for, of limits as they are written, such as `above €1,000`."""
    return LIMITS[condition].format(low=low, high=high)


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
