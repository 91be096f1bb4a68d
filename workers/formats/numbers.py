"""Figures as people read them: a number, with its unit, short enough for an axis."""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

MAX_DIGITS = 40
WIDE = Context(prec=4 * MAX_DIGITS)
SHOWN_DECIMALS = 6
UNSPACED = ("", "%", "‰")
CURRENCIES = ("€", "$", "£", "¥")
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
BYTES = ((10**15, "P"), (10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
# Beyond it a duration or a number of bytes is a mistake, and written as the number that it is.
LONGEST = Decimal(10) ** 20
SCALES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**4, "k"))


class Style(NamedTuple):
    """How a graph's figures are written: with `decimals` None as many as they have.

    A percentage is a hundred times its fraction, a duration is in seconds, and bytes are told in thousands of thousands.
    """

    unit: str = ""
    decimals: int | None = None
    form: str = "number"


PLAIN = Style()


def number(value: Decimal) -> str:
    """Return a decimal as people write it: no exponent, thousands separators, at most 6 decimals unless it is tiny."""
    if value and not -MAX_DIGITS < value.adjusted() < MAX_DIGITS:
        return f"{value:.6E}"
    decimals = -int(value.as_tuple().exponent)
    if decimals > SHOWN_DECIMALS:
        # Of a tiny number the first six digits that say something, not six zeros.
        decimals = max(SHOWN_DECIMALS, SHOWN_DECIMALS - 1 - value.adjusted() if value else 0)
        text = f"{value:,.{decimals}f}"
    else:
        text = f"{value:,f}"
    shown = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if shown in ("-0", "") else shown


def with_unit(value: Decimal, style: Style = PLAIN) -> str:
    """Return a number with its unit: `€1,250`, `12.5%`, `3 days`; the space between does not break."""
    if style.form == "duration" and abs(value) < LONGEST:
        return _duration(value, style.decimals)
    unit = style.unit or ("%" if style.form == "percent" else "")
    value = fraction(value, is_percent=style.form == "percent")
    if style.form == "bytes" and abs(value) < LONGEST:
        scale, letter = next(((scale, letter) for scale, letter in BYTES if abs(value) >= scale), (1, ""))
        value, unit = WIDE.divide(value, Decimal(scale)), f"{letter}B"
    shown = rounded(value, style.decimals)
    if unit in CURRENCIES and style.decimals is None and shown[-2:-1] == ".":
        # Half a euro is €0.50: nobody writes one decimal of money.
        shown += "0"
    return united(shown, unit)


def _duration(seconds: Decimal, decimals: int | None) -> str:
    """Return seconds in all their units, `2 h 5 min 3.5 s`: two that differ are written differently."""
    left, parts = abs(seconds), []
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        count, left = divmod(left, size)
        parts += [united(number(count), name)] if count else []
    rest = rounded(left, decimals)
    parts += [united(rest, "s")] if (left and rest.strip("0.")) or not parts else []
    return ("-" if seconds < 0 else "") + NO_BREAK_SPACE.join(parts)


def fraction(value: Decimal, *, is_percent: bool) -> Decimal:
    """Return the number that is shown: a percentage is a hundred times its fraction."""
    return value.scaleb(2, WIDE) if is_percent and value.is_finite() else value


def united(shown: str, unit: str) -> str:
    """Return a written number with its unit: a currency's sign goes before the digits, all else behind them."""
    if unit in CURRENCIES:
        return f"-{unit}{shown[1:]}" if shown.startswith("-") else f"{unit}{shown}"
    return f"{shown}{'' if unit in UNSPACED else NO_BREAK_SPACE}{unit}"


def rounded(value: Decimal, decimals: int | None) -> str:
    """Return a number with exactly so many decimals; with as many as it needs where that is None."""
    if decimals is None or not value.is_finite() or (value and not -MAX_DIGITS < value.adjusted() < MAX_DIGITS):
        return number(value)
    shown = f"{half_up(value, decimals):,.{decimals}f}"
    return shown[1:] if shown.startswith("-") and not shown.strip("-0.,") else shown


def half_up(value: Decimal, decimals: int) -> Decimal:
    """Return a number rounded as a spreadsheet does, so that a page and a sheet of the same report say the same."""
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, WIDE)


def percentage(share: Decimal) -> str:
    """Return a positive percentage with two or three digits that say something."""
    return f"{number(half_up(share, 2 if share < 1 else 1 if share < 100 else 0))}%"


def decimal(value: object) -> Decimal | None:
    """Return the finite number that a value of a row is; None of anything else, which a truth value is too."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return found if found.is_finite() else None


def axis_labels(ticks: list[Decimal], unit: str) -> list[str]:
    """Return the ticks in one scale (`20k`, `1.5M`); a unit of one sign goes with each, a longer one on the chart."""
    highest = max((abs(tick) for tick in ticks), default=Decimal(0))
    short = unit if unit in (*UNSPACED, *CURRENCIES) else ""
    # A unit such as `thousand` beside a letter for thousands would have to be multiplied in the head.
    scales = SCALES[:-1] if unit and not short else SCALES
    least, letter = next(((scale, letter) for scale, letter in scales if highest >= scale), (1, ""))
    scale = 1000 if letter == "k" else least
    return [united(number(tick / scale) + (letter if tick else ""), short) for tick in ticks]


def nice_ticks(low: float, high: float, most: int = 5) -> list[Decimal]:
    """Return round numbers in equal steps of 1, 2 or 5, the first at or below `low` and the last at or above `high`."""
    first, last = Decimal(repr(low)), Decimal(repr(high))
    if first == last:
        first, last = (first - abs(first) / 10, last + abs(last) / 10) if first else (Decimal(0), Decimal(1))
    rough = (last - first) / most
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough)
    begin, end = (first / step).to_integral_value("ROUND_FLOOR"), (last / step).to_integral_value("ROUND_CEILING")
    return [(begin + at) * step for at in range(int(end - begin) + 1)]
