"""Every number that a text has, as its readers take it: its amount, how exactly it is written, its unit; pure."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple

from workers.pulses.number_words import SMALL, worded
from workers.pulses.units import BEFORE, PERCENT, scaled, unit_after, unit_key

Sort = Literal["amount", "times", "vague", "ordinal", "unreadable", "count"]
# A number that is called rough, or has a scale, may be off by this share of itself and no more.
ROUGH = Decimal("0.05")
NUMBER = re.compile(
    r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?![\d])(?:[.,]\d+)?|\d(?:[\d.,'\u2019]*\d)?(?:[eE][+-]?\d+)?|(?<!\d)\.\d+"
)
_ROUGH_WORDS = re.compile(
    r"(?:(about|around|roughly|approximately|approx\.?|some|close to|circa|~|≈|an estimated|on the order of)"
    r"|(over|more than|above|at least|exceeding|upwards of|well over|just over|just above|>|past)"
    r"|(nearly|almost|under|less than|fewer than|below|at most|just under|just below|not quite|<))"
    r"[\s(*_`]*(?:the\s+|a\s+)?[(*_`]*$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE)
_GLUED = re.compile(r"[^\W\d_]|_")


class Written(NamedTuple):
    """A number of a text. The true one lies between `low` and `high`, which its rounding and words such as `about` span.

    `sign` is -1 or 1 where a sign is written. `unit` is one word: `%`, `points`, `€`, or that which follows. `sort` is
    `count` for a small number in words, `unreadable` for digits that make no number. `is_of_many`: a plural follows.
    """

    start: int
    end: int
    value: Decimal
    low: Decimal
    high: Decimal
    sign: int = 0
    unit: str = ""
    unit_sort: str = ""
    sort: Sort = "amount"
    is_part: bool = False
    is_bracketed: bool = False
    scale: Decimal = Decimal(1)
    is_of_many: bool = False


def written(text: str, masked: str) -> list[Written]:
    """Return the numbers of a text in order; in `masked`, the same text, blanks stand where no number is looked for."""
    is_european = _is_european(match[0] for match in NUMBER.finditer(masked))
    found = [_in_digits(text, masked, match, is_european=is_european) for match in NUMBER.finditer(masked)]
    taken = [(each.start, each.end) for each in found]
    # "1.2 million" and "3 hundred" are told by their digits.
    found += [
        _in_words(text, word.start, word.end, word.value, word.how)
        for word in worded(masked)
        if not any(start < word.end and word.start < end for start, end in taken)
    ]
    found.sort()
    return [_of_range(text, found, at) for at in range(len(found))]


def _of_range(text: str, found: list[Written], at: int) -> Written:
    """A number with the unit that it shares: of a range both are percent, or both millions."""
    one = found[at]
    if at + 1 < len(found) and one.unit_sort in ("", "word"):
        after = found[at + 1]
        between = text[one.end : after.start].strip()
        is_range = between in ("-", "–", "—")  # noqa: RUF001
        if is_range and one.scale == 1 != after.scale and not one.unit_sort:
            times = after.scale
            one = one._replace(value=one.value * times, low=one.low * times, high=one.high * times, scale=times)
        if (is_range or between in ("to", "and", "or")) and after.unit_sort not in ("", "word"):
            return one._replace(unit=after.unit, unit_sort=after.unit_sort, sort=after.sort)
    before = found[at - 1] if at else one
    is_range = text[before.end : one.start].strip() in ("-", "–", "—")  # noqa: RUF001
    if is_range and one.unit_sort in ("", "word") and before.unit_sort == "money":
        return one._replace(unit=before.unit, unit_sort="money")
    return one


def _in_digits(text: str, masked: str, match: re.Match[str], *, is_european: bool) -> Written:
    start, end = match.span()
    if _ORDINAL.match(text, end):
        return _plain(start, end + 2, "ordinal", Decimal(re.sub(r"\D", "", match[0])))
    if start and (_GLUED.match(text[start - 1]) or text[start - 1] == "#"):
        return _plain(start, end, "ordinal" if text[start - 1] == "#" else "unreadable", Decimal(0))
    read = amount(match[0], is_european=is_european)
    if read is None:
        return _plain(start, end, "unreadable", Decimal(0))
    value, step = read
    end, scale = scaled(masked, end)
    start, sign, unit = _head(text, start)
    after, key, sort = unit_after(masked, end)
    if not _joins(text, end, sort, scale):
        return _plain(start, end, "unreadable", value)
    if unit:
        key, sort = unit, "money"
    elif sort:
        end = after if sort != "word" else end
    if "basis" in sort:
        value, step = value / 100, step / 100
    is_bracketed = text[start - 1 : start] == "(" and text[end : end + 1] == ")"
    found = Written(
        start, end, value * scale, value, value, sign, key, sort, "times" if sort == "times" else "amount",
        is_bracketed=is_bracketed, scale=scale, is_of_many=sort == "word" and _is_plural(masked[end:after]),
    )  # fmt: skip
    return _spanned(text, found, step * scale, is_scaled=scale != 1)


def _plain(start: int, end: int, sort: Sort, value: Decimal) -> Written:
    return Written(start, end, value, value, value, sort=sort)


def _joins(text: str, end: int, sort: str, scale: Decimal) -> bool:
    """Whether what touches the digits belongs to a number: a unit or a scale, no letters that nobody knows."""
    if scale != 1 or not _GLUED.match(text[end : end + 1] or " "):
        return True
    return sort not in ("", "word") or unit_key(re.match(r"\w+", text[end:])[0]) in _SHORT_UNITS  # type: ignore[index]


_SHORT_UNITS = {
    "s",
    "ms",
    "min",
    "h",
    "day",
    "kg",
    "g",
    "t",
    "km",
    "m",
    "kb",
    "mb",
    "gb",
    "tb",
    "kwh",
    "mwh",
    "kw",
    "mw",
    "w",
}


def _head(text: str, start: int) -> tuple[int, int, str]:
    """Where a number begins with its sign and its currency, the sign, and the currency's word."""
    sign, unit = 0, ""
    for _ in range(2):
        money = BEFORE.search(text, max(0, start - 5), start)
        if money and not unit:
            start, unit = money.start(), unit_key(money[0])
        mark = text[start - 1 : start]
        if not sign and mark and mark in "-−–+" and not re.match(r"[\w%)€$£]", text[start - 2 : start - 1] or " "):  # noqa: RUF001
            start, sign = start - 1, 1 if mark == "+" else -1
    return start, sign, unit


def _in_words(text: str, start: int, end: int, value: Decimal, how: str) -> Written:
    if how == "times":
        return _spanned(text, Written(start, end, value, value, value, sort="times"), value * ROUGH * 2, is_scaled=True)
    if how == "vague":
        return Written(start, end, value, value, value * 10 if value != 12 else Decimal(99), sort="vague")
    if how == "part":
        part = value * 100
        found = Written(start, end, part, part, part, unit=PERCENT, unit_sort="percent", is_part=True)
        return _spanned(text, found, part * ROUGH * 2, is_scaled=True)
    after, key, sort = unit_after(text, end)
    is_small = value <= SMALL and sort not in ("percent", "points", "basis", "mille", "money", "times")
    found = Written(
        start, after if sort not in ("", "word") else end, value, value, value, 0, key, sort,
        "times" if sort == "times" else "count" if is_small else "amount",
    )  # fmt: skip
    return _spanned(text, found, _last_place(value) if value >= 100 else Decimal(1), is_scaled=value >= 100)


def _spanned(text: str, found: Written, step: Decimal, *, is_scaled: bool) -> Written:
    """The number with what it may stand for: half a step of its last place, more where it is called rough."""
    value = found.value
    rough = _ROUGH_WORDS.search(text, max(0, found.start - 24), found.start)
    most = abs(value) * ROUGH
    if rough is None:
        slack = min(step / 2, most) if is_scaled else step / 2
        return found._replace(low=value - slack, high=value + slack)
    wide = max(step / 2, min(_last_place(value) / 2, most)) if not found.is_part else most * 2
    wide = min(wide, max(most, step / 2)) if is_scaled else wide
    if rough[1]:
        return found._replace(low=value - wide, high=value + wide)
    wide = max(2 * wide, abs(value) / 4 if found.is_part else wide)
    return found._replace(low=value, high=value + wide) if rough[2] else found._replace(low=value - wide, high=value)


def _last_place(value: Decimal) -> Decimal:
    """The place of a number's last digit that is no nought: 100 for 1,200."""
    kept = value.normalize()
    return Decimal(1).scaleb(int(kept.as_tuple().exponent)) if kept else Decimal(1)


def amount(text: str, *, is_european: bool = False) -> tuple[Decimal, Decimal] | None:
    """Return what digits with their separators amount to, and the size of their last place; None when they are no number."""
    bare = re.sub(r"[ \u00a0\u202f\u2009'\u2019]", "", text)
    mantissa, _, exponent = bare.lower().partition("e")
    marks = sorted({mark for mark in mantissa if mark in ".,"}, key=mantissa.rfind)
    point = marks[-1] if marks else ""
    if len(marks) == 1 and _is_grouping(mantissa, point, is_european=is_european):
        point = ""
    whole, _, decimals = mantissa.rpartition(point) if point else (mantissa, "", "")
    groups = re.split(r"[.,]", whole)
    if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:])):
        return None
    try:
        power = int(exponent or 0)
        if abs(power) > 300:
            return None
        value = Decimal(f"{''.join(groups) or '0'}.{decimals or '0'}").scaleb(power)
    except (InvalidOperation, ValueError):
        return None
    return value, Decimal(1).scaleb(power - len(decimals))


def _is_grouping(text: str, mark: str, *, is_european: bool) -> bool:
    head, *groups = text.split(mark)
    if len(groups) > 1:
        return True
    if len(groups[0]) != 3 or not 1 <= len(head) <= 3 or head.startswith("0"):
        return False
    return mark == ("." if is_european else ",")


def _is_european(numbers: Iterable[str]) -> bool:
    """Whether a text's numbers are written 1.234,56: where one can only be read so, and none only otherwise."""
    found = set()
    for text in numbers:
        marks = [mark for mark in text if mark in ".,"]
        if len(set(marks)) > 1:
            found.add(marks[-1])
        elif len(marks) > 1:
            found.add("," if marks[0] == "." else ".")
        elif marks and not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", text):
            found.add(marks[0])
    return found == {","}


def _is_plural(word: str) -> bool:
    low = word.strip(" -").casefold()
    return len(low) > 3 and low.endswith("s") and not low.endswith("ss") and low not in _NO_PLURALS


_NO_PLURALS = frozenset(("this", "does", "plus", "versus", "across", "thus", "always", "perhaps", "besides", "minus"))
