"""What somebody typed into a schedule's form, as the API's body; and a schedule as the texts of its form.

A schedule recurs one way, `how` says which; times go by the clock of the form's zone. An edit holds only what was changed,
since a change of timing plans anew.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from api.pages import look
from api.pages.forms import Form, Values
from api.pages.params_fields import PREFIX, ParamField, texts_of
from api.pages.times import local_of, with_offset
from api.refusals import refuse

# Which fields belong to a way, the one first without which there is none.
WAYS: Final = {
    "cron": ("cronExpression",),
    "interval": ("intervalSeconds", "intervalAnchor"),
    "once": ("scheduledAt",),
    "recurrence": ("recurrence",),
}
TIMES: Final = ("scheduledAt", "intervalAnchor", "startsAt", "endsAt")
# The fields that say when it fires, with the types by which the form reads them.
_TIMING: Final = {
    "how": "", "cronExpression": "", "intervalSeconds": "number", "intervalAnchor": "clear", "scheduledAt": "",
    "timezone": "", "dstGap": "", "dstFold": "", "startsAt": "clear", "endsAt": "clear", "maxRuns": "clear-number",
    "calendarId": "clear", "recurrence.every": "", "recurrence.interval": "number", "recurrence.from": "",
    "recurrence.hour": "number", "recurrence.minute": "number", "recurrence.days": "", "recurrence.month": "number",
    "recurrence.shift": "", "recurrence.weekends": "json",
}  # fmt: skip
# The form's own, which are nothing of the body's.
_OWN = frozenset({"how", "kind", "etag", "shown"})
_OF_WAYS = frozenset(name for names in WAYS.values() for name in names)
_PLAIN: Final = (
    "name", "cronExpression", "intervalSeconds", "timezone", "dstGap", "dstFold", "maxRuns", "misfirePolicy",
    "misfireGraceSeconds", "misfireLimit", "overlapPolicy", "jitterSeconds", "maxAttempts", "timeoutSeconds",
    "unknownDeliveryPolicy", "priority", "queue", "calendarId", "deliverWithinSeconds",
)  # fmt: skip
_RECURRENCE: Final = ("every", "interval", "from", "hour", "minute", "days", "month", "shift", "weekends")


def body_of(form: Form, timezone: str) -> dict[str, Any]:
    """The body as it was typed. Raises BadDefinition."""
    how = form["how"]
    if how not in WAYS:
        raise refuse("how", "takes one of cron, interval, once and recurrence")
    needed = "recurrence.every" if how == "recurrence" else WAYS[how][0]
    if not form[needed].strip():
        raise refuse(needed, "is required")
    zone = form["timezone"].strip() or timezone
    others = _OF_WAYS - set(WAYS[how])
    fields = [_told(name, value, zone) for name, value in form.fields if _group(name) not in _OWN | others]
    body = Form(fields).raw()
    payload = body.get(PREFIX)
    if isinstance(payload, dict):
        body[PREFIX] = {name: value for name, value in payload.items() if value != []}
    return body


def patch_of(form: Form, shown: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    """What was changed of what was shown; a part with several fields is given whole. Raises BadDefinition."""
    changed = changed_groups(form, shown)
    if changed & (_OF_WAYS | {"how"}):
        changed |= set(WAYS.get(form["how"], ()))
    return {name: value for name, value in body_of(form, timezone).items() if name in changed}


def timing_of(typed: Mapping[str, Any]) -> Form:
    """The part of a form that says when it fires."""
    return Form([(f"{name}:{kind}".rstrip(":"), str(typed.get(name, ""))) for name, kind in _TIMING.items()])


def changed_groups(form: Form, shown: Mapping[str, Any]) -> set[str]:
    """The parts of the body in which a field differs from what was shown."""
    typed = form.typed()
    return {_group(name) for name, text in typed.items() if name not in _OWN - {"how"} and _differs(text, shown, name)}


def _differs(text: str, shown: Mapping[str, Any], name: str) -> bool:
    was = str(shown.get(name, "")).strip()
    if name in TIMES and text.strip() and was:
        # A browser leaves out seconds that are none.
        return _moment(text) != _moment(was)
    return text.strip() != was


def _moment(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return text


def texts(shape: Mapping[str, Any], fields: Sequence[ParamField]) -> Values:
    """What stands in the form's fields for a schedule as the API shows it."""
    zone = shape["timezone"]
    found = Values({name: "" if shape[name] is None else str(shape[name]) for name in _PLAIN})
    found |= {name: local_of(shape[name], zone) for name in TIMES}
    found["how"] = next(how for how, names in WAYS.items() if shape[names[0]] is not None)
    found["tags"] = ", ".join(shape["tags"])
    found["metadata"] = look.pretty(shape["metadata"]) if shape["metadata"] else ""
    for name in ("baseSeconds", "maxSeconds"):
        found[f"backoff.{name}"] = str(shape["backoff"].get(name, ""))
    recurrence = shape["recurrence"] or {}
    for name in _RECURRENCE:
        found[f"recurrence.{name}"] = _recurrence_text(recurrence.get(name))
    # What a browser sends of it where nothing is chosen.
    found["recurrence.shift"] = found["recurrence.shift"] or "skip"
    return Values(found | texts_of(shape[PREFIX], fields))


def _recurrence_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _told(name: str, text: str, zone: str) -> tuple[str, str]:
    """A field as the form's types read it."""
    plain = name.partition(":")[0]
    if plain in TIMES and text.strip():
        return name, with_offset(text, zone)
    if plain == "tags":
        return "tags:json", json.dumps(_parts(text))
    if plain == "recurrence.days":
        days = [int(each) if each.lstrip("-").isdecimal() else each for each in _parts(text)]
        return "recurrence.days:json", json.dumps(days) if days else ""
    if plain == "metadata":
        return name, text.strip() or "{}"
    return name, text


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _group(name: str) -> str:
    return name.partition(":")[0].partition(".")[0]
