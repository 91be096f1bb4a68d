"""The beat_schedule of a Python file, read from its text: literals, and the few calls that say a time. Nothing of it is run."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tocsin.imports import celery_times
from tocsin.imports.found import Found, Untold, named_apart, one_line, seconds_of

_SCHEDULES = ("beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE")
_ZONES = ("timezone", "CELERY_TIMEZONE")
_UTC_SWITCHES = ("enable_utc", "CELERY_ENABLE_UTC")
_UNITS = {"weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 0.001}
_OPTIONS = {"queue", "expires"}


class Crontab(NamedTuple):
    """What crontab(...) was given by name."""

    parts: Mapping[str, Any]


class Every(NamedTuple):
    """An interval in seconds."""

    seconds: float


def read(text: str, timezone: str | None = None) -> list[Found]:
    """Every entry of the file's beat_schedule, in order. Raises SyntaxError for what is no Python."""
    tree = ast.parse(text)
    known = _constants(tree)
    return list(named_apart(_entries(tree, known, _zone(tree, known, timezone))))


def _zone(tree: ast.Module, known: Mapping[str, ast.expr], timezone: str | None) -> str | Untold:
    """The zone that crontabs fire in: the file's own, else that given, else Celery's UTC; or why it can't be said."""
    given = _given(tree)
    name = next((each for each in _ZONES if each in given), "")
    try:
        own = _value(known[name], known) if name else None
        is_utc = all(_value(known[each], known) for each in _UTC_SWITCHES if each in given)
    except (KeyError, Untold):
        return timezone or Untold(
            f"its {name or 'enable_utc'} would have to be run, and nothing of the file is: give --tz"
        )
    if isinstance(own, str):
        return own
    return timezone or ("UTC" if is_utc else Untold("enable_utc is off, so it fires in its machine's zone: give --tz"))


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What names and settings of the file are given, by their last word; one that is given twice is not known."""
    return {name: values[0] for name, values in _given(tree).items() if len(values) == 1}


def _given(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """All that names and settings of the file are given, by their last word."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node.value is not None:
            for target in node.targets:
                found.setdefault(_last_word(target), []).append(node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            found.setdefault(_last_word(node.target), []).append(node.value)
        elif isinstance(node, ast.Call) and _last_word(node.func) == "update":
            for keyword in node.keywords:
                found.setdefault(keyword.arg or "", []).append(keyword.value)
    return found


def _entries(tree: ast.Module, known: Mapping[str, ast.expr], timezone: str | Untold) -> Iterator[Found]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if _last_word(target) in _SCHEDULES:
                    yield from _all_of(node.value, known, timezone)
                elif isinstance(target, ast.Subscript) and _last_word(target.value) in _SCHEDULES:
                    yield _entry(target.slice, node.value, known, timezone)
        elif isinstance(node, ast.Call):
            yield from _of_call(node, known, timezone)


def _of_call(node: ast.Call, known: Mapping[str, ast.expr], timezone: str | Untold) -> Iterator[Found]:
    """What `app.conf.update(beat_schedule=…)` and `beat_schedule.update(…)` add."""
    if _last_word(node.func) == "add_periodic_task":
        why = "it is added by code that runs at start; write it into beat_schedule, or make its schedule by hand"
        yield Found(f"add_periodic_task at line {node.lineno}", f"line {node.lineno}", "", why_not=why)
    elif _last_word(node.func) == "update":
        given = [each.value for each in node.keywords if each.arg in _SCHEDULES]
        if isinstance(node.func, ast.Attribute) and _last_word(node.func.value) in _SCHEDULES:
            given += node.args
        for value in given:
            yield from _all_of(value, known, timezone)


def _all_of(node: ast.expr, known: Mapping[str, ast.expr], timezone: str | Untold) -> Iterator[Found]:
    node = known.get(node.id, node) if isinstance(node, ast.Name) else node
    if not isinstance(node, ast.Dict):
        place = f"line {node.lineno}"
        yield Found(f"beat_schedule at {place}", place, "", why_not=_computed(node))
        return
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            yield from _all_of(value, known, timezone)
        else:
            yield _entry(key, value, known, timezone)


def _entry(key: ast.expr, node: ast.expr, known: Mapping[str, ast.expr], timezone: str | Untold) -> Found:
    place = f"line {node.lineno}"
    name = one_line(key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ast.unparse(key))
    try:
        return _read(name, place, _value(node, known), timezone)
    except Untold as error:
        return Found(name, place, _task_of(node), why_not=str(error))


def _task_of(node: ast.expr) -> str:
    """The task that an entry names, as far as it can be read."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "task" and isinstance(value, ast.Constant):
                return str(value.value)
    return ""


def _read(name: str, place: str, entry: Any, timezone: str | Untold) -> Found:
    """The entry. Raises Untold."""
    if not isinstance(entry, dict) or not isinstance(entry.get("task"), str):
        raise Untold("it is no entry with a task")
    args, kwargs = tuple(entry.get("args") or ()), entry.get("kwargs") or {}
    options = entry.get("options") or {}
    if not isinstance(kwargs, dict) or not isinstance(options, dict):
        raise Untold("its kwargs or options are no dict")
    when = _when(entry.get("schedule"), timezone)
    notes = [f"its option {each} is not carried over" for each in sorted(set(options) - _OPTIONS)]
    if queue := options.get("queue"):
        notes.append(f"its queue {queue} is Celery's; http.call has the queue calls, a kind of yours its own")
    if entry.get("relative"):
        notes.append("relative: an interval here counts from when it is made")
    if (expires := options.get("expires")) is not None:
        seconds = expires.seconds if isinstance(expires, Every) else expires
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
            raise Untold("its expires is no number of seconds")
        when |= {"misfirePolicy": "skip", "misfireGraceSeconds": int(seconds)}
    told = {"task": entry["task"], "args": list(args), "kwargs": kwargs}
    return Found(name, place, entry["task"], when, told, args, kwargs, tuple(notes))


def _when(schedule: Any, timezone: str | Untold) -> dict[str, Any]:
    """The fields of the schedule's body. Raises Untold."""
    if isinstance(schedule, Crontab):
        if isinstance(timezone, Untold):
            raise timezone
        return celery_times.crontab(schedule.parts) | {"timezone": timezone}
    if isinstance(schedule, (int, float)) and not isinstance(schedule, bool):
        schedule = Every(schedule)
    if isinstance(schedule, Every):
        return {"intervalSeconds": seconds_of(schedule.seconds, f"every {schedule.seconds:g} s")}
    raise Untold("it has no schedule that can be read")


def _value(node: ast.expr, known: Mapping[str, ast.expr], depth: int = 0) -> Any:
    """What the expression says. Raises Untold where it would have to be run."""
    if depth > 50:
        raise Untold(_computed(node))

    def inner(each: ast.expr) -> Any:
        return _value(each, known, depth + 1)

    match node:
        case ast.Constant(value=str() | int() | float() | bool() | None):
            return node.value
        case ast.Dict() if None not in node.keys:
            return {str(inner(key)): inner(value) for key, value in zip(node.keys, node.values, strict=True) if key}
        case ast.List() | ast.Tuple() | ast.Set():
            return [inner(each) for each in node.elts]
        case ast.UnaryOp(op=ast.USub()):
            return -_number(node, inner(node.operand))
        case ast.BinOp(op=ast.Mult() | ast.Add()):
            left, right = _number(node, inner(node.left)), _number(node, inner(node.right))
            return left * right if isinstance(node.op, ast.Mult) else left + right
        case ast.Name() if node.id in known:
            return inner(known[node.id])
        case ast.Call():
            return _called(node, [inner(each) for each in node.args], _named(node, inner))
        case _:
            raise Untold(_computed(node))


def _named(node: ast.Call, inner: Any) -> dict[str, Any]:
    if any(each.arg is None for each in node.keywords):
        raise Untold(_computed(node))
    return {str(each.arg): inner(each.value) for each in node.keywords}


def _called(node: ast.Call, args: list[Any], named: dict[str, Any]) -> Any:
    """What one of the calls that say a time says. Raises Untold."""
    match _last_word(node.func):
        case "dict" if not args:
            return named
        case "crontab" if len(args) <= 2 and set(named) <= set(celery_times.PARTS):
            return Crontab(dict(zip(celery_times.PARTS, args, strict=False)) | named)
        case "crontab":
            raise Untold(
                "releases of Celery differ in what crontab's third place is, or it has an argument of your own"
            )
        case "timedelta" if len(args) <= 2:
            given = dict(zip(("days", "seconds"), args, strict=False)) | named
            if set(given) <= set(_UNITS):
                return Every(sum(_UNITS[unit] * _number(node, count) for unit, count in given.items()))
        case "schedule" if len(args) <= 1 and set(named) <= {"run_every", "relative"}:
            every = named.get("run_every", args[0] if args else None)
            return Every(_number(node, every.seconds if isinstance(every, Every) else every))
        case "solar":
            raise Untold(
                "the sun's times are none of a schedule here; take a fixed time, or a kind that waits for the sun"
            )
    raise Untold(_computed(node))


def _number(node: ast.expr, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e12:
        raise Untold(_computed(node))
    return value


def _computed(node: ast.expr) -> str:
    return f"line {node.lineno}: {one_line(ast.unparse(node))[:60]} would have to be run, and nothing of the file is"


def _last_word(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
