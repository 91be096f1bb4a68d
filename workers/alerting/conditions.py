"""The eight comparisons: when one holds, how far a number lies beyond its limit, and which way is worse."""

from collections.abc import Callable
from decimal import Decimal

CONDITIONS: dict[str, Callable[[Decimal, Decimal, Decimal], bool]] = {
    "GREATER_THAN": lambda value, low, _: value > low,
    "GREATER_THAN_OR_EQUAL": lambda value, low, _: value >= low,
    "LESS_THAN": lambda value, low, _: value < low,
    "LESS_THAN_OR_EQUAL": lambda value, low, _: value <= low,
    "EQUAL": lambda value, low, _: value == low,
    "NOT_EQUAL": lambda value, low, _: value != low,
    "BETWEEN": lambda value, low, high: low <= value <= high,
    "OUTSIDE": lambda value, low, high: value < low or value > high,
}
RANGES = ("BETWEEN", "OUTSIDE")
UPWARD = ("GREATER_THAN", "GREATER_THAN_OR_EQUAL")
DOWNWARD = ("LESS_THAN", "LESS_THAN_OR_EQUAL")
DIRECTED = UPWARD + DOWNWARD


def excess(condition: str, value: Decimal, low: Decimal, high: Decimal) -> Decimal | None:
    """Return how far beyond its limit a value lies, negative on the good side; None where no side is the worse one."""
    if condition in UPWARD:
        return value - low
    if condition in DOWNWARD:
        return low - value
    if condition == "OUTSIDE":
        return max(value - high, low - value)
    return None
