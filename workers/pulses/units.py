"""Units as people write them, and as one word each; pure."""

import re
from decimal import Decimal

CURRENCIES = {
    "$": "$", "us$": "$", "usd": "$", "dollar": "$", "€": "€", "eur": "€", "euro": "€", "£": "£", "gbp": "£",
    "pound": "£", "sterling": "£", "¥": "¥", "jpy": "¥", "yen": "¥", "chf": "chf", "franc": "chf", "a$": "aud",
    "aud": "aud", "c$": "cad", "cad": "cad", "inr": "inr", "₹": "inr", "rupee": "inr", "cny": "cny", "sek": "sek",
    "nok": "nok", "dkk": "dkk", "pln": "pln", "brl": "brl", "r$": "brl", "mxn": "mxn", "cent": "cent",
}  # fmt: skip
PERCENT, POINTS, PER_MILLE = "%", "points", "‰"
_MEASURES = {
    "ms": "ms", "millisecond": "ms", "s": "s", "sec": "s", "second": "s", "min": "min", "minute": "min", "h": "h",
    "hr": "h", "hour": "h", "day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year",
    "kg": "kg", "kilogram": "kg", "g": "g", "gram": "g", "t": "t", "ton": "t", "tonne": "t", "lb": "lb", "km": "km",
    "kilometre": "km", "kilometer": "km", "m": "m", "metre": "m", "meter": "m", "mi": "mile", "mile": "mile",
    "kb": "kb", "mb": "mb", "gb": "gb", "tb": "tb", "kwh": "kwh", "mwh": "mwh", "kw": "kw", "mw": "mw", "w": "w",
    "litre": "litre", "liter": "litre", "°c": "°c", "°f": "°f", "°": "°", "mph": "mph", "rpm": "rpm",
}  # fmt: skip
PERIODS = {
    "minute": "min",
    "hour": "h",
    "day": "day",
    "week": "week",
    "month": "month",
    "quarter": "quarter",
    "year": "year",
}
_SIGNS = "[$€£¥₹]"
_CODES = "USD|EUR|GBP|JPY|CHF|AUD|CAD|INR|CNY|SEK|NOK|DKK|PLN|BRL|MXN"
BEFORE = re.compile(rf"(?:(?:US|A|C|R|HK)?{_SIGNS}|\b(?:{_CODES}))\s?$", re.IGNORECASE)
_SCALE = re.compile(
    r"(?:(k|K|m|M|b|B|T)(?![\w])|(bn|Bn|BN|mn|mm|Mn|MM|tn|Tn)\b)"
    r"|[\s-]?(thousand|million|billion|trillion|mln|mio|bln|bn|mn|tn)s?\b|\s(M|B|K)(?!\w)",
)
_SIZES = {"k": 3, "t": 12, "m": 6, "b": 9}
_AFTER = re.compile(
    rf"[\s-]?(?:(?P<points>percentage[\s-]points?|%[\s-]?points?|points?\b|p\.?p\.?(?:t|ts)?\b)"
    rf"|(?P<basis>basis[\s-]points?|bps?\b)|(?P<percent>%|per\s?cent\b|percent\b|pct\b)|(?P<mille>‰)"
    rf"|(?P<sign>{_SIGNS})|(?P<times>x\b|\u00d7|[\s-]?fold\b|times\b)|(?P<word>(?:{_CODES})\b|[^\W\d_]+|°[CF]?))",
    re.IGNORECASE,
)


def singular(word: str) -> str:
    """Return a word in lower case without the s of the plural."""
    low = word.casefold().strip()
    if low in ("s", "ms", "kbps", "mbps", "gbps", "bps"):
        return low
    if low.endswith("ies") and len(low) > 4:
        return low[:-3] + "y"
    return low[:-1] if low.endswith("s") and not low.endswith("ss") and len(low) > 2 else low


def unit_key(unit: str) -> str:
    """Return one word for a unit, however it is written: `$`, `USD` and `dollars` are one."""
    word = singular(unit)
    return CURRENCIES.get(unit.casefold().strip(), CURRENCIES.get(word, _MEASURES.get(word, word)))


def is_money(key: str) -> bool:
    """Whether a unit's word is a currency."""
    return key in CURRENCIES.values()


def is_measure(key: str) -> bool:
    """Whether a unit's word measures something, rather than names what is counted."""
    return key in _MEASURES.values() or is_money(key) or key in (PERCENT, POINTS, PER_MILLE)


def scaled(text: str, at: int) -> tuple[int, Decimal]:
    """Return where a number's scale ends and the scale: `k`, `M`, ` million`; one without any."""
    match = _SCALE.match(text, at)
    if match is None:
        return at, Decimal(1)
    letter = next(filter(None, match.groups()))[0].lower()
    is_thousand_t = (match[3] or "").startswith("thousand")
    return match.end(), Decimal(10) ** (3 if is_thousand_t else _SIZES[letter])


def unit_after(text: str, at: int) -> tuple[int, str, str]:
    """Return where a number's unit ends, its word, and its sort: percent, points, mille, money, times, word or none."""
    match = _AFTER.match(text, at)
    if match is None:
        return at, "", ""
    sort = str(match.lastgroup)
    if sort == "word":
        key = unit_key(match["word"])
        return match.end(), key, "money" if is_money(key) else "word"
    if sort == "sign":
        return match.end(), unit_key(match["sign"]), "money"
    return match.end(), {"percent": PERCENT, "points": POINTS, "basis": POINTS, "mille": PER_MILLE}.get(sort, ""), sort
