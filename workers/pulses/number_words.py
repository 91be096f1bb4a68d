"""Numbers that are written as words; pure."""

import re
from decimal import Decimal
from typing import NamedTuple

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ONES = {word: number for number, word in enumerate(_ONES)}
TENS = {word: 20 + 10 * number for number, word in enumerate(_TENS)}
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
# One up to twelve without a unit are mostly a turn of speech: "two things stand out".
SMALL = 12

# The longer first, so that sixteen is no six.
_ANY = "|".join(sorted([*ONES, *TENS, *SCALES], key=len, reverse=True))
_WORDS = re.compile(
    rf"\b(?:(?:a|an)\s+(?={'|'.join(SCALES)}))?(?:{_ANY})(?:(?:[\s-]+(?:and\s+)?|)(?:{_ANY})\b)*\b(?!\w)", re.IGNORECASE
)
_WORD = re.compile(_ANY, re.IGNORECASE)
_VAGUE = re.compile(
    r"\b(dozens|hundreds|thousands|millions|billions|tens of thousands|hundreds of thousands)\b", re.IGNORECASE
)
_FRACTIONS = re.compile(
    r"\b(?:(?:(one|two|three|four|a)[\s-])?(half|halves|third|thirds|quarters?|fifths?|tenths?))\b(?!\s+(?:quarter|half)\b)",
    re.IGNORECASE,
)
_COUNTS = {"": 1, "a": 1, "one": 1, "two": 2, "three": 3, "four": 4}
_PARTS = {"hal": 2, "thi": 3, "qua": 4, "fif": 5, "ten": 10}
_TIMES = {
    "double": Decimal(2), "triple": Decimal(3), "quadruple": Decimal(4), "halve": Decimal("0.5"), "twice": Decimal(2),
    "twofold": Decimal(2), "threefold": Decimal(3), "fourfold": Decimal(4), "fivefold": Decimal(5), "tenfold": Decimal(10),
}  # fmt: skip
_MULTIPLES = re.compile(
    r"\b(?:(double|triple|quadruple)[ds]?|(doubling|tripling|quadrupling|halving)|(halve)[ds]?|(twice)|(\w+fold))\b",
    re.IGNORECASE,
)


# "Up a quarter", beside "a quarter ago".
_MOVED = re.compile(r"\b(?:by|up|down|rose|grew|fell|dropped|gained|lost|about|almost|nearly|over)$")


class Worded(NamedTuple):
    """A number in words. `how`: an amount, a vague amount, a part of something or a multiple of it."""

    start: int
    end: int
    value: Decimal
    how: str


def worded(text: str) -> list[Worded]:
    """Return the numbers that a text has in words."""
    found = [Worded(*match.span(), _value(match[0]), "amount") for match in _WORDS.finditer(text)]
    found = [
        each for each in found if text[each.start : each.end].lower() not in SCALES and not _is_a_pronoun(text, each)
    ]
    for match in _VAGUE.finditer(text):
        found.append(Worded(*match.span(), _least(match[0].lower()), "vague"))
    for match in _FRACTIONS.finditer(text):
        part = _part(text, match)
        if part is not None:
            found.append(Worded(*match.span(), part, "part"))
    for match in _MULTIPLES.finditer(text):
        times = _times(match[0].lower())
        if times is not None:
            found.append(Worded(*match.span(), times, "times"))
    # "two thirds" is one number: the longer of two that begin or end together.
    found.sort(key=lambda each: (each.start, -each.end))
    kept: list[Worded] = []
    for each in found:
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def _is_a_pronoun(text: str, each: Worded) -> bool:
    return each.value == 1 and not re.match(r"[\s-]*(?:%|per ?cent|points?\b)", text[each.end :])


def _value(text: str) -> Decimal:
    whole = part = 0
    for match in _WORD.finditer(_counting(text)):
        word = match[0].lower()
        if word in ONES:
            part += ONES[word]
        elif word in TENS:
            part += TENS[word]
        elif word == "hundred":
            part = max(part, 1) * 100
        else:
            whole += max(part, 1) * SCALES[word]
            part = 0
    return Decimal(whole + part)


def _counting(text: str) -> str:
    # "a hundred" is one hundred, and "and" says nothing.
    return " ".join(word for word in re.split(r"[\s-]+", text) if word.lower() not in ("a", "an", "and"))


def _least(vague: str) -> Decimal:
    scale = next(
        size for word, size in {**SCALES, "dozen": 12}.items() if vague.rsplit(maxsplit=1)[-1].startswith(word)
    )
    return Decimal(scale * {"tens": 10, "hundreds": 100}.get(vague.split(maxsplit=1)[0] if " " in vague else "", 1))


def _part(text: str, match: re.Match[str]) -> Decimal | None:
    """The part that is meant; None of an ordinal, or of a half or a quarter of the year."""
    count, word = (match[1] or "").lower(), match[2].lower()
    before, after = text[: match.start()].rstrip().lower(), text[match.end() :].lstrip().lower()
    if word.startswith("hal"):
        is_part = not re.search(r"(?:first|second|other|this|last|next|h[12])$", before) and not after.startswith(
            "year"
        )
    elif (word.startswith("quarter") and count != "three") or count == "a":
        is_part = bool(count) and bool(re.match(r"of\b", after) or _MOVED.search(before))
    else:
        is_part = bool(count)
    return Decimal(_COUNTS[count]) / _PARTS[word[:3]] if is_part else None


def _times(word: str) -> Decimal | None:
    return next((value for name, value in _TIMES.items() if word.startswith(name[:-1])), None)
