"""How a sentence puts a number: as a level, or as a move up or down; pure."""

import re
from typing import NamedTuple

from workers.pulses.figures import Written

_UP = (
    r"rose|ris(?:e|es|ing|en)|gr[eo]w(?:s|ing|n)?|increas(?:e|es|ed|ing)|climb(?:s|ed|ing)?|gain(?:s|ed|ing)?|jump(?:s|ed|ing)?"
    r"|surg(?:e|es|ed|ing)|soar(?:s|ed|ing)?|advanc(?:e|es|ed|ing)|improv(?:e|es|ed|ing|ements?)|added|up|uplift|growth"
    r"|expand(?:s|ed|ing)?|expansion|rebound(?:s|ed|ing)?|recover(?:s|ed|ing|y)|accelerat(?:es|ed|ing)|higher|rall(?:y|ied)"
    r"|doubl(?:ed|ing)|tripl(?:ed|ing)"
)
_DOWN = (
    r"fell|fall(?:s|ing|en)?|drop(?:s|ped|ping)?|declin(?:e|es|ed|ing)|decreas(?:e|es|ed|ing)|down|shr[aiu]nk(?:s|ing)?"
    r"|slip(?:s|ped|ping)?|dip(?:s|ped|ping)?|sl(?:id|ides?|iding)|slump(?:s|ed|ing)?|plung(?:e|es|ed|ing)|los(?:t|e|es|ing|s)"
    r"|shed|contract(?:s|ed|ing|ion)|reduc(?:e|es|ed|ing|tions?)|cut|sank|tumbl(?:e|es|ed|ing)|eas(?:ed|ing)|weaken(?:s|ed|ing)?"
    r"|lower|downturn|halv(?:ed|ing)|crash(?:ed|es)?|collaps(?:ed|es)"
)
_STILL = r"chang(?:e|es|ed|ing)|differences?|differ(?:s|ed|ing)?|gap|delta|swing|variation|varied|moved?|spread|apart"
_FILL = (
    r"(?:[\s(*_~≈:]|by|of|about|around|roughly|approximately|nearly|almost|some|just|only|over|more than|less than|under|an?|the"
    r"|another|further|additional|at least|at most|as much as|up to|well|not quite|\w+ly|even|still|full|solid|mere)"
)
_ANY = rf"(?:(?P<up>\b(?:{_UP})\b|[▲↑⬆📈])|(?P<down>\b(?:{_DOWN})\b|[▼↓⬇📉])|(?P<still>\b(?:{_STILL})\b))"
_BESIDE = re.compile(rf"{_ANY}\ufe0f?(?:{_FILL})*$", re.IGNORECASE)
_TO = re.compile(rf"{_ANY}[^;]{{0,80}}?\b(?:to|at|reach(?:ed|ing)|hit(?:ting)?)(?:{_FILL})*$", re.IGNORECASE)
_OF = re.compile(
    rf"{_ANY}(?:\s+[\w'\u2019-]+){{0,7}}?\s+(?:of|by|was|is|were|at|came to|reached)(?:{_FILL})*$", re.IGNORECASE
)
_BY = re.compile(rf"\bby(?:{_FILL})*$", re.IGNORECASE)
_FROM = re.compile(rf"(?:{_ANY}[^;]{{0,60}}?)?\bfrom(?:{_FILL})*$", re.IGNORECASE)
_AFTER_NEAR = re.compile(
    r"[\s*_)]*(?:(?P<up>more|higher|greater|larger|bigger|above|ahead|up|better)|(?P<down>less|fewer|lower|smaller|below|behind|down|worse)"
    r"|(?P<still>apart|different))\b",
    re.IGNORECASE,
)
_AFTER_NOUN = re.compile(
    r"[\s*_)-]*(?:[\w'\u2019-]+\s+){0,2}?(?:(?P<up>increase|rise|growth|gain|jump|surge|improvement|uplift|expansion|rebound)"
    r"|(?P<down>decrease|drop|fall|decline|dip|loss|reduction|slump|contraction|plunge)|(?P<still>change|difference|gap|swing))s?\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"[\s*_]*(?:\w+\s+)?(?P<up>more)\s+than\b|[\s*_]*(?:\w+\s+)?(?P<down>less|fewer)\s+than\b", re.IGNORECASE
)
_DENIED = re.compile(r"\b(?:not|never|no|neither|nor|without|failed to|hardly)\b|n['\u2019]t\b", re.IGNORECASE)
_NEGATIVE = re.compile(
    r"\b(?:loss(?:es)?|lost|deficits?|negative|minus|below zero|shortfalls?|in the red|outflows?|owed)\b", re.IGNORECASE
)
_LATELY = re.compile(
    r"\b(?:since|over the|in the last|during|from|compared|versus|vs|year[\s-](?:on|over)|week[\s-](?:on|over)|than)\b",
    re.IGNORECASE,
)
_DIRECTION = re.compile(_ANY, re.IGNORECASE)


class Phrase(NamedTuple):
    """`is_move`: the number says by how much; `is_level`: it says how much. `way` is up, down or not told.

    `is_arrival`: a level that was reached by a move of that way. `is_denied`: a move that is said not to be.
    """

    is_level: bool
    is_move: bool
    way: int = 0
    is_arrival: bool = False
    is_departure: bool = False
    is_denied: bool = False
    may_be_negative: bool = False
    is_since: bool = False


def phrase_of(number: Written, before: str, after: str, clause: str, sentence: str) -> Phrase:
    """Return how a number is put; `before` and `after` are what stands round it in its clause."""
    found = _found(number, before, after, sentence)
    return found._replace(
        is_denied=found.way != 0 and bool(_DENIED.search(before[-40:])),
        may_be_negative=bool(_NEGATIVE.search(clause)),
        is_since=bool(_LATELY.search(sentence)),
    )


def _found(number: Written, before: str, after: str, sentence: str) -> Phrase:
    is_relative = number.unit in ("%", "points", "‰") or number.sort == "times"
    near = _AFTER_NEAR.match(after) or _AFTER_NOUN.match(after)
    if near and re.match(r"\s+from\b", after[near.end() :]):
        return Phrase(is_level=True, is_move=is_relative, way=_way(near))
    if near or (not is_relative and (near := _MORE.match(after))):
        return Phrase(is_level=False, is_move=True, way=_way(near) or _told_way(before))
    if leaving := _FROM.search(before):
        return Phrase(is_level=True, is_move=False, way=_way(leaving), is_departure=True)
    beside = _BESIDE.search(before)
    if beside and not re.search(r"\bup to\b[^,]*$", before, re.IGNORECASE):
        # A loss of 520 is a figure below nought as well.
        is_loss = not is_relative and bool(re.search(r"\bloss\W+of\b", beside[0], re.IGNORECASE))
        return Phrase(is_level=is_loss, is_move=True, way=_way(beside))
    arrived = _TO.search(before)
    if arrived:
        return Phrase(
            is_level=True, is_move=is_relative and before.rstrip().endswith("at"), way=_way(arrived), is_arrival=True
        )
    told = _OF.search(before)
    if told:
        is_by = bool(_BY.search(before))
        return Phrase(
            is_level=not is_by, is_move=is_by or is_relative or bool(re.search(r"\bof\b", told[0])), way=_way(told)
        )
    if _BY.search(before):
        return Phrase(is_level=False, is_move=True)
    if number.is_bracketed and (way := _told_way(before) or _told_way(sentence)):
        return Phrase(is_level=True, is_move=True, way=way)
    return Phrase(is_level=True, is_move=number.sign != 0 or number.sort == "times", way=number.sign)


def _told_way(text: str) -> int:
    """The way that a text tells, where it tells one alone."""
    ways = {way for match in _DIRECTION.finditer(text) if (way := _way(match))}
    return ways.pop() if len(ways) == 1 else 0


def _way(match: re.Match[str] | None) -> int:
    if match is None:
        return 0
    groups = match.groupdict()
    return 1 if groups.get("up") else -1 if groups.get("down") else 0
