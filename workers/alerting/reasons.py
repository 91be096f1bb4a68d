"""Why a condition holds or does not, as sentences."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from workers.alerting.measures import Measured
from workers.alerting.policy import Condition
from workers.alerting.words import limit, rough, with_unit
from workers.formats.numbers import number

TENTH, HUNDREDTH = Decimal("0.1"), Decimal("0.01")
SHOWN_DIGITS = 20

Answer = Literal["holds", "does_not", "no_data", "could_not_check"]
Reason = Literal["compared", "problem", "present", "small base", "small change", "from zero"]


class Part(NamedTuple):
    """One condition's answer, with what it measured and the limits that it was compared with."""

    answer: Answer
    reason: Reason
    condition: Condition
    measured: Measured
    low: Decimal | None = None
    high: Decimal | None = None


class Joined(NamedTuple):
    """The answer of several conditions together, and those of them that gave it."""

    answer: Answer
    parts: Sequence["Part | Joined"]
    is_unanimous: bool


def say(found: Part | Joined, unit: str) -> str:
    """Return the sentence of an answer, without an end."""
    if isinstance(found, Joined):
        return (" and " if found.is_unanimous else "; ").join(say(part, unit) for part in found.parts)
    if found.reason == "problem":
        return found.measured.problem
    if found.reason == "compared":
        return _compared(found, unit)
    return _special(found, unit)


def _special(part: Part, unit: str) -> str:
    condition, (_, value, base, *_) = part.condition, part.measured
    value, base = value or Decimal(), base or Decimal()
    if part.reason == "present":
        return f"there is a value, {with_unit(value, unit)}"
    if part.reason == "small base":
        least = with_unit(condition.minimum_base or Decimal(), unit)
        return f"{rough(base, unit)} is too small to compare with: it takes {least}"
    if part.reason == "small change":
        return (
            f"a change of {rough(value - base, unit)} is below {with_unit(condition.minimum_change or Decimal(), unit)}"
        )
    what = f"{with_unit(value, unit)} after 0 ({part.measured.against})"
    if condition.zero_base == "skip":
        return f"{what} has no percentage"
    if condition.zero_base == "fire":
        return f"{what} has no percentage, and counts as crossing"
    return f"{'new' if value else 'no change'}: {what}"


def _compared(part: Part, unit: str) -> str:
    condition, low, high = part.condition, part.low or Decimal(), part.high or Decimal()
    figure, value, base, spread, against, *_ = part.measured
    figure, verb = figure or Decimal(), "is" if part.answer == "holds" else "is not"
    if condition.measure == "value":
        return f"{with_unit(figure, unit)} {verb} {limit(condition.condition, low, high, unit)}"
    if condition.measure == "freshness":
        least = "at least " if part.measured.is_at_least else ""
        return f"the age of the data, {least}{number(figure)} s, {verb} {limit(condition.condition, low, high, 's')}"
    now, before = with_unit(value or Decimal(), unit), rough(base or Decimal(), unit)
    if condition.measure == "anomaly":
        asked = limit(condition.condition, _short(low), _short(high), unit)
        deviation = rough(spread or Decimal(), unit)
        return f"{now} {verb} {asked}: {before} is {against}, the median deviation from it {deviation}"
    of_change = "%" if condition.measure == "percentChange" else unit
    change = (
        f"{'+' if figure > 0 else ''}{_percent(figure, low, high) if of_change == '%' else rough(figure, of_change)}"
    )
    asked = limit(condition.condition, low, high, of_change)
    return f"{now} against {before} ({against}): the change of {change} {verb} {asked}"


def _percent(figure: Decimal, low: Decimal, high: Decimal) -> str:
    """Return a percentage to two decimals, and as exactly as it takes where those would put it on its limit."""
    if abs(figure) < TENTH or figure.adjusted() > SHOWN_DIGITS:
        return rough(figure, "%")
    shown = figure.quantize(HUNDREDTH)
    return rough(figure, "%") if shown in (low, high) else with_unit(shown, "%")


def _short(value: Decimal) -> Decimal:
    return Decimal(rough(value).replace(",", ""))
