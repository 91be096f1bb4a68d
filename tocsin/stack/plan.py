"""What applying a stack would do: a list of steps, made of what its files say and what is there. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Literal, NamedTuple

from tocsin.stack.document import SECTIONS, Item
from tocsin.stack.names import Fields
from tocsin.stack.sections import ANOTHER, MASK, Have

Verb = Literal["create", "change", "delete"]
Key = tuple[str, str]
"""A section and a name in it."""


class Difference(NamedTuple):
    """A field that changes, by its path."""

    path: tuple[str, ...]
    old: Any
    new: Any

    @property
    def field(self) -> str:
        """The path with dots."""
        return ".".join(self.path)


class Drift(NamedTuple):
    """A row was changed by somebody else since the stack was last applied. `name`: as people call them."""

    who: str
    name: str
    at: datetime
    action: str


class Step(NamedTuple):
    """One row that is made, changed or deleted."""

    verb: Verb
    section: str
    name: str
    differences: tuple[Difference, ...] = ()
    drift: Drift | None = None


class Plan(NamedTuple):
    """The steps in their order; `left` are rows that the files no longer name, and `notes` what else is to be known."""

    steps: tuple[Step, ...]
    left: tuple[Key, ...]
    notes: tuple[str, ...]


class Kept(NamedTuple):
    """What is known of a stack's last time: the rows that it had, and whose the others are."""

    mine: AbstractSet[Key]
    others: Mapping[Key, str]
    drift: Mapping[Key, Drift]


def make_plan(
    items: Sequence[Item],
    wanted: Mapping[Key, Fields],
    have: Mapping[Key, Have],
    kept: Kept,
    *,
    prunes: bool,
) -> Plan:
    """What is to be done so that what is there says what is wanted; nothing is deleted unless it `prunes`.

    Only what the stack had before is ever deleted, in the order in which nothing is needed any more.
    """
    steps: list[Step] = []
    notes: list[str] = []
    for item in items:
        key = (item.section.word, item.name)
        there = have.get(key)
        drift = kept.drift.get(key)
        if there is None:
            shown = differences({}, item.section.named(wanted[key], item.resolved))
            steps.append(Step("create", *key, _as_written(item, shown), drift))
        elif changed := differences(there.says, wanted[key]):
            steps.append(Step("change", *key, _as_written(item, changed), drift))
        if there is not None and (why := item.section.over(there.row)) is not None:
            notes.append(f"{item.at()}: {why}")
    named = {(item.section.word, item.name) for item in items}
    for stack, count in sorted(Counter(kept.others[key] for key in named if key in kept.others).items()):
        notes.append(f"the stack {stack} had {count} of these, which are this one's from now on")
    gone = [key for key in kept.mine if key not in named and key in have and not _is_over(key, have[key])]
    order = list(SECTIONS)
    gone.sort(key=lambda key: (-order.index(key[0]), key[1]))
    if prunes:
        steps += [Step("delete", *key, (), kept.drift.get(key)) for key in gone]
    return Plan(tuple(steps), () if prunes else tuple(gone), tuple(notes))


def _is_over(key: Key, have: Have) -> bool:
    if SECTIONS[key[0]].word == "schedules":
        return have.row.status in ("cancelled", "completed")
    return getattr(have.row, "scheduled_at", None) is not None and have.row.status == "completed"


def differences(old: Any, new: Any, path: tuple[str, ...] = ()) -> list[Difference]:
    """The fields that differ, each by its path; lists are told as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for name in [*new, *(each for each in old if each not in new)]:
            found += differences(old.get(name), new.get(name), (*path, name))
        return found
    return [] if _is_same(old, new) else [Difference(path, old, new)]


def _is_same(old: Any, new: Any) -> bool:
    # In Python true is 1.
    return bool(old == new and isinstance(old, bool) is isinstance(new, bool))


def _as_written(item: Item, found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The differences with what the environment gave as the file has it: it may be a secret."""
    told = []
    for each in found:
        raw: Any = item.fields
        read: Any = item.resolved
        for part in each.path:
            raw, read = (of.get(part) if isinstance(of, dict) else None for of in (raw, read))
        told.append(each._replace(new=_written(each.new, raw, read)))
    return tuple(told)


def _written(new: Any, raw: Any, read: Any) -> Any:
    if raw == read or new in (MASK, ANOTHER):
        return new
    if isinstance(new, dict) and isinstance(raw, dict):
        return {name: _written(each, raw.get(name), read.get(name)) for name, each in new.items()}
    return raw
