"""What changed between the evidence that was last sent and this one, and whether it is worth a mail; pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from workers.formats.report import Column, Headline, change, figure
from workers.pulses.evidence import Answer, Evidence

MOST_LINES = 12
# What came or went has no percentage, and stands first.
NEW = Decimal("Infinity")


class Notable(NamedTuple):
    """What is worth a mail: a figure that moved by so many percent, or a name that came or went."""

    percent: Decimal = Decimal(5)
    is_names: bool = True


class Change(NamedTuple):
    """A line that tells a change, and by how many percent; infinite where there is no percentage."""

    line: str
    percent: Decimal
    is_name: bool = False


def changes(before: Evidence | None, now: Evidence) -> list[str]:
    """Return in lines what changed since the last one, the largest first; none where there is no last one."""
    return [each.line for each in changed(before, now)[:MOST_LINES]] if before else []


def is_notable(before: Evidence | None, now: Evidence, policy: Notable) -> bool:
    """Whether anything changed that is worth a mail; the first one always is."""
    if before is None:
        return True
    found = changed(before, now)
    return any(each.percent >= policy.percent for each in found if not each.is_name) or (
        policy.is_names and any(each.is_name for each in found)
    )


def changed(before: Evidence, now: Evidence) -> list[Change]:
    """Return all changes, the largest first: of a course of time its newest figures, of names each one's.

    A graph that is in one of them alone tells nothing: its source may have been away, or the model may have asked it.
    """
    found: list[Change] = []
    for answer in now.answers:
        last = before.answer(answer.graph)
        found += [] if last is None else _of_answer(last, answer)
    return sorted(found, key=lambda each: (-each.percent, each.line))


def _of_answer(last: Answer, answer: Answer) -> Iterator[Change]:
    old, new = _figures(last), _figures(answer)
    for name, (value, column) in new.items():
        was = old.get(name, (None, column))[0]
        told = " · ".join(dict.fromkeys(filter(None, (answer.graph, *name))))
        if name not in old:
            yield Change(f"{told} is new: {figure(value, column)}.", NEW, is_name=True)
        elif was is not None and was != value:
            amount = change(Headline(value, column, was))[0]
            percent = abs((value - was) / was) * 100 if was else NEW
            yield Change(f"{told}: {figure(value, column)}, was {figure(was, column)} ({amount}).", percent)
    for name, (value, column) in old.items():
        if name not in new:
            told = " · ".join(dict.fromkeys(filter(None, (answer.graph, *name))))
            yield Change(f"{told} is gone: it was {figure(value, column)}.", NEW, is_name=True)


def _figures(answer: Answer) -> dict[tuple[str, ...], tuple[Decimal, Column]]:
    """An answer's figures by what stays the same from one to the next: of a course of time the newest, without its time."""
    rows = range(len(answer.rows) - 1, len(answer.rows)) if answer.time is not None else range(len(answer.rows))
    found: dict[tuple[str, ...], tuple[Decimal, Column]] = {}
    for row in rows:
        if row < 0:
            continue
        label = "" if answer.time is not None else answer.label(row)
        for place in answer.numbers:
            value = answer.rows[row][place]
            if isinstance(value, Decimal):
                found.setdefault((label, answer.columns[place].heading), (value, answer.columns[place]))
    return found
