"""Why a condition holds or does not, as sentences."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from workers.alerting.measures import Measured
from workers.alerting.policy import Condition
from workers.alerting.words import exact, limit, rough
from workers.formats.numbers import Style, half_up, number, with_unit

TENTH, HUNDREDTH = Decimal("0.1"), Decimal("0.01")
SHOWN_DIGITS = 20
PERCENT, SECONDS = Style("%"), Style("s")

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


def say(found: Part | Joined, style: Style) -> str:
    """Return the sentence of an answer, without an end."""
    if isinstance(found, Joined):
        return (" and " if found.is_unanimous else "; ").join(say(part, style) for part in found.parts)
    if found.reason == "problem":
        return found.measured.problem
    if found.reason == "compared":
        return _compared(found, style)
    return _special(found, style)


def _special(part: Part, style: Style) -> str:
    condition, (_, value, base, *_) = part.condition, part.measured
    value, base = value or Decimal(), base or Decimal()
    if part.reason == "present":
        return f"there is a value, {with_unit(value, style)}"
    if part.reason == "small base":
        least = condition.minimum_base or Decimal()
        style = _faithful(style, base, least)
        return f"{rough(base, style)} is too small to compare with: it takes {exact(least, style)}"
    if part.reason == "small change":
        least = condition.minimum_change or Decimal()
        style = _faithful(style, value - base, least)
        return f"a change of {rough(value - base, style)} is below {exact(least, style)}"
    what = f"{with_unit(value, style)} after 0 ({part.measured.against})"
    if condition.zero_base == "skip":
        return f"{what} has no percentage"
    if condition.zero_base == "fire":
        return f"{what} has no percentage, and counts as crossing"
    return f"{'new' if value else 'no change'}: {what}"


def _compared(part: Part, style: Style) -> str:
    condition, low, high = part.condition, part.low or Decimal(), part.high or Decimal()
    figure, value, base, spread, against, *_ = part.measured
    figure, verb = figure or Decimal(), "is" if part.answer == "holds" else "is not"
    if condition.measure == "freshness":
        least = "at least " if part.measured.is_at_least else ""
        asked = limit(condition.condition, exact(low, SECONDS), exact(high, SECONDS))
        return f"the age of the data, {least}{number(figure)} s, {verb} {asked}"
    if condition.measure != "percentChange":
        style = _faithful(style, figure, low, high, is_computed=condition.measure == "anomaly")
    if condition.measure == "value":
        return f"{with_unit(figure, style)} {verb} {limit(condition.condition, exact(low, style), exact(high, style))}"
    now, before = with_unit(value or Decimal(), style), rough(base or Decimal(), style)
    if condition.measure == "anomaly":
        asked = limit(condition.condition, rough(low, style), rough(high, style))
        deviation = rough(spread or Decimal(), style)
        return f"{now} {verb} {asked}: {before} is {against}, the median deviation from it {deviation}"
    of_change = PERCENT if condition.measure == "percentChange" else style
    shown = _percent(figure, low, high) if of_change == PERCENT else rough(figure, of_change)
    asked = limit(condition.condition, exact(low, of_change), exact(high, of_change))
    return f"{now} against {before} ({against}): the change of {'+' if figure > 0 else ''}{shown} {verb} {asked}"


def _faithful(style: Style, figure: Decimal, *limits: Decimal, is_computed: bool = False) -> Style:
    """Return the style, without its decimals where a figure would be written on the wrong side of a limit, or on it.

    A limit that is computed is rounded too, one that somebody set is written as it was set.
    """
    if style.decimals is None or figure.adjusted() > SHOWN_DIGITS:
        return style
    if style.form in ("duration", "bytes"):
        return style._replace(decimals=None)
    decimals = style.decimals + (2 if style.form == "percent" else 0)
    shown = half_up(figure, decimals)
    beside = [half_up(each, decimals) if is_computed and each.adjusted() <= SHOWN_DIGITS else each for each in limits]
    is_true = all(shown.compare(near) == figure.compare(each) for near, each in zip(beside, limits, strict=True))
    return style if is_true else style._replace(decimals=None)


def _percent(figure: Decimal, low: Decimal, high: Decimal) -> str:
    """Return a percentage to two decimals, and as exactly as it takes where those would put it on its limit."""
    if abs(figure) < TENTH or figure.adjusted() > SHOWN_DIGITS:
        return rough(figure, PERCENT)
    shown = figure.quantize(HUNDREDTH)
    return rough(figure, PERCENT) if shown in (low, high) else with_unit(shown, PERCENT)
