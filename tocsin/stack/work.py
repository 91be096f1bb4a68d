"""Applies a stack: what is there is read and locked, the plan is made of it, and all steps are done in one transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from api import audit, people, tenants
from api.refusals import BadDefinition, Busy, Problem, refuse
from config.zones import BadZone
from scheduler import schedules
from scheduler.refusals import BadSpan, NameTaken, NotFound, WrongState
from scheduler.slots import BadRecurrence
from tocsin.complaints import Complaint
from tocsin.stack.document import SECTIONS, STACK, Item, Stack
from tocsin.stack.names import Fields, references, with_ids
from tocsin.stack.plan import Drift, Kept, Key, Plan, Step, make_plan
from tocsin.stack.sections import MASK, Have, Means
from tocsin.stack.told import Told, moved, told
from tocsin.terminal import counted

_REFUSALS = (BadDefinition, Busy, BadZone, BadSpan, NameTaken, NotFound, WrongState, BadRecurrence, ValidationError)
STALE = "what is there was changed meanwhile, and nothing was applied; look at the plan again"


class Result(NamedTuple):
    """What was done or, taken back, would be: who starts and stops to be told, or is elsewhere; when each row comes next, before and after."""

    stack: str
    plan: Plan
    starts: tuple[Told, ...]
    stops: tuple[Told, ...]
    moved: tuple[Told, ...]
    times: Mapping[Key, tuple[datetime | None, datetime | None]]


class _Ready(NamedTuple):
    """A plan with what it was made of."""

    plan: Plan
    wanted: Mapping[Key, Fields]
    have: dict[Key, Have]
    kept: Kept


def survey(means: Means) -> dict[Key, Have]:
    """All that is there, by section and name."""
    found: dict[Key, Have] = {}
    names: dict[tuple[str, str], str] = {}
    for word, section in SECTIONS.items():
        for name, have in section.present(means, lambda of, each: names.get((of, str(each)), each)).items():
            found[word, name] = have
            names[word, str(have.row.id)] = name
    return found


def ready(means: Means, stack: Stack, *, prunes: bool) -> _Ready:
    """The plan as things are. Raises Complaint that names each file, line and field at fault."""
    have = survey(means)
    there = {*have, *((item.section.word, item.name) for item in stack.items)}
    wanted: dict[Key, Fields] = {}
    problems: list[str] = []
    for item in stack.items:
        key = (item.section.word, item.name)
        try:
            _check_references(item, there, have.get(key))
            wanted[key] = item.section.wanted(means, item.resolved, have.get(key))
            _check_fixed(item, wanted[key], have.get(key))
        except _REFUSALS as error:
            problems += item.refused(error)
    if problems:
        raise Complaint("; ".join(problems))
    kept = _kept(means, stack.name, have)
    return _Ready(make_plan(stack.items, wanted, have, kept, prunes=prunes), wanted, have, kept)


def check(means: Means, stack: Stack, plan: Plan) -> set[Key]:
    """The rows of the plan that were looked at for longer than a transaction may wait. Raises Complaint."""
    items = {(item.section.word, item.name): item for item in stack.items}

    def said(word: str, name: str) -> Fields | None:
        item = items.get((word, name))
        return None if item is None else item.resolved

    checked: set[Key] = set()
    problems: list[str] = []
    for step in plan.steps:
        key = (step.section, step.name)
        section = SECTIONS[step.section]
        if step.verb == "delete" or section.check is None:
            continue
        try:
            section.check(means, with_ids(section.word, items[key].resolved, lambda *_: UUID(int=0)), said)
            checked.add(key)
        except _REFUSALS as error:
            problems += items[key].refused(error)
    if problems:
        raise Complaint("; ".join(problems))
    return checked


def apply(
    means: Means, slug: str, stack: Stack, *, prunes: bool, checked: set[Key], expected: Plan | None = None
) -> Result:
    """What was done, within the caller's transaction; `expected` is the plan that somebody agreed to.

    Raises Complaint: then the caller's transaction is to be taken back as a whole.
    """
    tenants.locked(means.conn, slug)
    first = ready(means, stack, prunes=prunes)
    if expected is not None and first.plan.steps != expected.steps:
        raise Complaint(STALE)
    found = first
    if first.plan.steps:
        _lock(means, first)
        found = ready(means, stack, prunes=prunes)
        unchecked = {
            (step.section, step.name)
            for step in found.plan.steps
            if step.verb != "delete" and SECTIONS[step.section].check is not None
        } - checked
        if found.plan.steps != first.plan.steps or unchecked:
            raise Complaint(STALE)
    entries = _walk(means, stack, found)
    after = survey(means) if found.plan.steps else found.have
    entries += _entry_of_stack(stack, found, after)
    for action, subject, before, shape in entries:
        audit.record(means.conn, means.tenant, audit.Author(means.who), action, subject, before, shape)
    past, present = _told(found.have), _told(after)
    times = {key: (_next(found.have.get(key)), _next(after.get(key))) for key in {*found.have, *after}}
    who = (present - past, past - present, moved(found.plan.steps, present & past))
    starts, stops, elsewhere = (tuple(sorted(each)) for each in who)
    return Result(stack.name, found.plan, starts, stops, elsewhere, times)


def _check_references(item: Item, there: set[Key], have: Have | None) -> None:
    """Passes references to what is there, or to what is gone and was referred to before. Raises BadDefinition."""
    before = set() if have is None else set(references(item.section.word, have.says))
    problems: list[Problem] = []
    for path, word, name in references(item.section.word, item.resolved):
        if (word, name) not in there and (path, word, name) not in before:
            pointer = ".".join(str(part) for part in path)
            problems.append(
                Problem(pointer, f"there is no {SECTIONS[word].one} {name!r}, in the files or in the database")
            )
    if problems:
        raise BadDefinition(problems)


def _check_fixed(item: Item, wanted: Fields, have: Have | None) -> None:
    for name in item.section.fixed if have is not None else ():
        if have is not None and wanted[name] != have.says[name]:
            raise refuse(name, f"is {have.says[name]} and does not change; give the new one another name")


def _kept(means: Means, stack: str, have: Mapping[Key, Have]) -> Kept:
    """What the audit log knows of the stacks' last times, and of who changed what since."""
    owners: dict[Key, str] = {}
    ids: dict[str, Key] = {str(each.row.id): key for key, each in have.items()}
    gone: dict[Key, str] = {}
    number: int | None = None
    for entry in audit.LIST_STACKS.all(means.conn, tenant_id=means.tenant):
        for word, rows in entry.after["rows"].items():
            for row_id, name in rows.items():
                owners[ids.get(row_id, (word, name))] = entry.stack
                gone[word, name] = row_id
        if entry.stack == stack:
            number = entry.number
    mine = {key for key, owner in owners.items() if owner == stack}
    drift = {} if number is None else _drift(means, number, {key: gone.get(key) for key in mine}, have)
    return Kept(mine, {key: owner for key, owner in owners.items() if owner != stack and key in have}, drift)


def _drift(means: Means, number: int, mine: Mapping[Key, str | None], have: Mapping[Key, Have]) -> dict[Key, Drift]:
    since = {
        (each.subject_type, each.subject_id): each
        for each in audit.LIST_TOUCHED.all(means.conn, tenant_id=means.tenant, number=number)
    }
    names = people.named(means.conn, means.tenant, [each.who for each in since.values()])
    found = {}
    for key, gone in mine.items():
        section = SECTIONS[key[0]]
        row = have[key].row if key in have else None
        subjects = [(section.one, str(row.id) if row is not None else gone)]
        if row is not None and (schedule_id := section.schedule_of(row)) is not None:
            subjects.append(("schedule", str(schedule_id)))
        entries = [since[subject] for subject in subjects if subject in since]
        if entries:
            last = max(entries, key=lambda entry: entry.number)
            found[key] = Drift(last.who, names.get(last.who, last.who), last.at, last.action)
    return found


def _lock(means: Means, found: _Ready) -> None:
    """Holds what the plan changes: calendars, then schedules by their ids, then the rest in the order of the sections."""
    rows = [
        (SECTIONS[step.section], found.have[step.section, step.name].row)
        for step in found.plan.steps
        if step.verb != "create"
    ]
    for section, row in sorted(rows, key=lambda each: str(each[1].id)):
        if section.word == "calendars":
            section.lock(means, row.id)
    for schedule_id in sorted(filter(None, (section.schedule_of(row) for section, row in rows))):
        schedules.locked(means.conn, means.tenant, schedule_id)
    order = list(SECTIONS)
    for section, row in sorted(rows, key=lambda each: (order.index(each[0].word), str(each[1].id))):
        section.lock(means, row.id)


_Entry = tuple[str, tuple[str, object], Fields | None, Fields | None]


def _walk(means: Means, stack: Stack, found: _Ready) -> list[_Entry]:
    """Does the steps, and returns what the audit log is to keep of them."""
    items = {(item.section.word, item.name): item for item in stack.items}
    ids = {key: have.row.id for key, have in found.have.items()}
    entries: list[_Entry] = []
    for step in counted(found.plan.steps, "steps"):
        key = (step.section, step.name)
        with _telling(items.get(key), step):
            if step.verb == "create":
                entry, ids[key] = _create(means, items[key], ids)
            elif step.verb == "change":
                entry = _change(means, items[key], step, found, ids)
            else:
                entry = _delete(means, step, found.have[key])
            entries.append(entry)
    return entries


@contextmanager
def _telling(item: Item | None, step: Step) -> Iterator[None]:
    try:
        yield
    except _REFUSALS as error:
        if item is None:
            raise Complaint(f"{step.section} {step.name!r}: {error}") from None
        raise Complaint("; ".join(item.refused(error))) from None


def _create(means: Means, item: Item, ids: Mapping[Key, UUID]) -> tuple[_Entry, UUID]:
    section = item.section
    body = with_ids(
        section.word, section.without_null(item.resolved), lambda word, name: str(ids.get((word, name), name))
    )
    made = section.create(means, body)
    return (f"{section.one}.created", (section.one, made.id), None, section.shown(made)), made.id


def _change(means: Means, item: Item, step: Step, found: _Ready, ids: Mapping[Key, UUID]) -> _Entry:
    section, key = item.section, (step.section, step.name)
    whole = with_ids(
        section.word, section.without_null(item.resolved), lambda word, name: str(ids.get((word, name), name))
    )
    wanted = with_ids(section.word, found.wanted[key], lambda word, name: str(ids.get((word, name), name)))
    names = {each.path[0] for each in step.differences}
    fields = with_ids(section.word, dict.fromkeys(names), lambda *_: None)
    changes: dict[str, Any] = {
        name: whole.get(name) if name in section.secrets else wanted.get(name) for name in fields
    }
    row = found.have[key].row
    after = section.change(means, row, changes, whole)
    noted = section.shown(after) | {name: MASK for name in section.secrets if name in changes}
    # What only its schedule knows is not shown with the row.
    beside = [name for name in changes if name not in noted and name not in section.secrets]
    before = section.shown(row) | {name: found.have[key].says.get(name) for name in beside}
    noted |= {name: changes[name] for name in beside}
    return f"{section.one}.edited", (section.one, row.id), before, noted


def _delete(means: Means, step: Step, have: Have) -> _Entry:
    section = SECTIONS[step.section]
    section.delete(means, have.row)
    verb = "cancelled" if section.word == "schedules" else "deleted"
    return f"{section.one}.{verb}", (section.one, have.row.id), section.shown(have.row), None


def _entry_of_stack(stack: Stack, found: _Ready, after: Mapping[Key, Have]) -> list[_Entry]:
    """The entry that says which rows the stack has now; none where nothing came of it."""
    named = {(item.section.word, item.name) for item in stack.items}
    has = {key for key in named | found.kept.mine if key in after}
    if not found.plan.steps and has == found.kept.mine:
        return []
    rows: dict[str, dict[str, str]] = {}
    for word, name in sorted(has):
        rows.setdefault(word, {})[str(after[word, name].row.id)] = name
    counts = {verb: sum(step.verb == verb for step in found.plan.steps) for verb in ("create", "change", "delete")}
    return [(f"{STACK}.applied", (STACK, stack.name), None, {"rows": rows, "steps": counts})]


def _told(have: Mapping[Key, Have]) -> set[Told]:
    roles: dict[str, list[str]] = {}
    says = {}
    for key, each in have.items():
        if key[0] == "members" and each.row.disabled_at is None:
            roles.setdefault(each.row.role, []).append(each.row.email)
        elif getattr(each.row, "status", "active") == "active":
            says[key] = each.says
    return told(says, roles)


def _next(have: Have | None) -> datetime | None:
    return getattr(have.row, "next_fire_at", None) if have is not None else None
