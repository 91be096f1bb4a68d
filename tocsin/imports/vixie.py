"""The time fields of a crontab as Vixie cron reads them (Debian, cronie), in the words of a cron expression here.

Where the two differ: cron takes a day that is in either day field, but in both when one of them begins with `*`; and on
nights on which the clock turns it goes by elapsed time where the minute *or* the hour begins with `*`.
Source: cron's own entry.c and cron.c, and crontab(5).
"""

import re
from typing import NamedTuple

from scheduler.cron import NICKNAMES
from scheduler.fields import FIELDS, Field
from tocsin.imports.found import Untold

_ITEM = re.compile(r"(\*|[a-z]{3}|\d+)(?:-([a-z]{3}|\d+))?(?:/(\d+))?", re.ASCII)
_STAR = "*"


class Timing(NamedTuple):
    """A cron expression, with the policies for nights that give it Vixie cron's meaning; None leaves the usual ones."""

    cron: str
    gap: str | None = None
    fold: str | None = None


class _Read(NamedTuple):
    """A field: its numbers, how it is written here, and whether cron saw a star at its beginning."""

    numbers: frozenset[int]
    text: str
    has_star: bool


def nickname(word: str) -> Timing:
    """The timing of @daily and the like. Raises Untold."""
    if word.lower() == "@reboot":
        raise Untold("@reboot is no time: a process that starts can call POST /api/schedules/{id}/run itself")
    if word.lower() not in NICKNAMES:
        raise Untold(f"{word} is no nickname of Vixie cron: those are {', '.join(NICKNAMES)} and @reboot")
    return Timing(NICKNAMES[word.lower()])


def timing(fields: list[str]) -> Timing:
    """The timing of the five fields. Raises Untold."""
    minute, hour, dom, month, dow = (_read(spec, text.lower()) for spec, text in zip(FIELDS, fields, strict=True))
    dom_text, dow_text = _days(dom, dow)
    by_elapsed = minute.has_star or hour.has_star
    is_shifted = by_elapsed and not hour.text.startswith(_STAR)
    expression = f"{minute.text} {hour.text} {dom_text} {month.text} {dow_text}"
    return Timing(expression, "skip", "both") if is_shifted else Timing(expression)


def _days(dom: _Read, dow: _Read) -> tuple[str, str]:
    """Both day fields, joined as cron joins them. Raises Untold."""
    if _STAR in (dom.text, dow.text) or not (dom.has_star or dow.has_star):
        return dom.text, dow.text
    if len(dow.numbers) == 7:
        return dom.text, _STAR
    if len(dom.numbers) == 31:
        return _STAR, dow.text
    raise Untold(
        "one day field begins with *, so cron means days that are in both, and a cron expression here means either: "
        "write out the days, or let what is called look at the day"
    )


def _read(spec: Field, text: str) -> _Read:
    numbers: set[int] = set()
    written = []
    items = text.split(",")
    for item in items:
        found, as_here = _item(spec, item)
        if as_here == _STAR and len(items) > 1:
            raise Untold(f"field {spec.label} {text!r}: a list with * in it")
        numbers |= found
        written.append(as_here)
    # Sunday is 0 and 7.
    counted = frozenset(
        {0 if number == 7 else number for number in numbers} if spec.label == "day-of-week" else numbers
    )
    return _Read(counted, ",".join(written), text.startswith(_STAR))


def _item(spec: Field, item: str) -> tuple[set[int], str]:
    """The numbers of an item, and how it is written here. Raises Untold."""
    if "~" in item:
        raise Untold(
            f"field {spec.label} {item!r}: a random time, drawn anew at each start of cron; H is one that stays"
        )
    match = _ITEM.fullmatch(item)
    if match is None:
        raise Untold(f"field {spec.label} {item!r}: Vixie cron does not take it")
    first, last, step_text = match.groups()
    step = int(step_text or 1)
    if first == _STAR:
        if last is not None:
            raise Untold(f"field {spec.label} {item!r}: Vixie cron does not take it")
        low, high = spec.low, 6 if spec.label == "day-of-week" else spec.high
    elif last is None and step_text is not None:
        raise Untold(
            f"field {spec.label} {item!r}: crons differ in what a step behind one value means; write {first}-{spec.high}/{step}"
        )
    else:
        low = _number(spec, first, item)
        high = low if last is None else _number(spec, last, item)
    if low > high or step < 1:
        raise Untold(f"field {spec.label} {item!r}: Vixie cron does not take it")
    found = set(range(low, high + 1, step))
    if len(found) == 1:
        return found, str(low)
    if first == _STAR and step == 1:
        return found, _STAR
    # Behind Sunday as 7 a step would start elsewhere, so such a range is written out.
    plain = spec.label != "day-of-week" or step == 1
    return found, item if plain or first == _STAR else ",".join(str(number) for number in sorted(found))


def _number(spec: Field, text: str, item: str) -> int:
    number = spec.names.get(text, int(text) if text.isdigit() else -1)
    if not spec.low <= number <= spec.high:
        raise Untold(f"field {spec.label} {item!r}: Vixie cron does not take it")
    return number
