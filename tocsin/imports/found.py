"""What an import finds: when it fired and what it did there, in the words of a schedule here; or why that can't be said."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

LONGEST_NAME = 200


class Untold(Exception):
    """Something that has no equal here; the text says why, and where there is one what to write instead."""


@dataclass(frozen=True, slots=True)
class Found:
    """One entry. `task` is what it ran there, by which it is mapped; `place` is where it stands.

    `when` has fields of a schedule's body, and is empty where `why_not` says what stands against it. `told` is what a
    receiver is told of it, `args` and `params` what a kind of one's own takes; `notes` say what means something else here.
    """

    name: str
    place: str
    task: str
    when: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    args: tuple[Any, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    why_not: str = ""
    is_paused: bool = False


def one_line(text: str) -> str:
    """The text on one line of printable characters, no longer than a name may be."""
    return "".join(each for each in " ".join(text.split()) if each.isprintable())[:LONGEST_NAME].strip()


def named_apart(entries: Iterable[Found]) -> Iterator[Found]:
    """The entries, the second of one name with a 2 behind it and so on: the same ones at each reading."""
    taken: set[str] = set()
    for entry in entries:
        name, number = one_line(entry.name) or entry.place, 1
        while name in taken:
            number += 1
            name = f"{one_line(entry.name)[: LONGEST_NAME - 5] or entry.place} {number}"
        taken.add(name)
        yield replace(entry, name=name)


def seconds_of(seconds: float, said: str) -> int:
    """Whole seconds of an interval. Raises Untold."""
    if seconds < 1 or seconds != int(seconds):
        raise Untold(f"{said}: an interval here is of whole seconds, at least one")
    return int(seconds)
