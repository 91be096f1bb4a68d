"""Names in place of ids: what a file calls what the API calls by an id, and plain values in place of a row's."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from db.jsonb import rfc3339

SOURCE = "source:"
REFERENCES = {
    "source": ("sourceId", "sources"),
    "graph": ("graphId", "graphs"),
    "dashboard": ("dashboardId", "dashboards"),
    "template": ("templateId", "templates"),
    "calendar": ("calendarId", "calendars"),
    "graphs": ("graphIds", "graphs"),
}
"""What a file calls a reference, what the API does, and the section of what is referred to."""
BY_ID = {by_id: (name, word) for name, (by_id, word) in REFERENCES.items()}
"""The same the other way round."""

Fields = dict[str, Any]
Find = Callable[[str, str], Any]
"""Of a section and a name the id, or the other way round."""


def with_ids(word: str, fields: Mapping[str, Any], find: Find) -> Fields:
    """The fields as the API takes them: ids in place of names."""
    found: Fields = {}
    for name, value in fields.items():
        if name in REFERENCES and _is_reference(word, name):
            by_id, of = REFERENCES[name]
            found[by_id] = [find(of, str(each)) for each in value] if isinstance(value, list) else value
            if isinstance(value, str):
                found[by_id] = find(of, value)
        else:
            found[name] = value
    if isinstance(found.get("recipients"), list):
        found["recipients"] = [_rule(each, "graph", "graphId", find) for each in found["recipients"]]
    if word == "limits":
        found["name"] = _limit(found.get("name"), find)
    return found


def with_names(word: str, fields: Mapping[str, Any], find: Find) -> Fields:
    """The fields as a file has them: names in place of ids."""
    found: Fields = {}
    for name, value in fields.items():
        if name in BY_ID:
            by_name, of = BY_ID[name]
            found[by_name] = [find(of, each) for each in value] if isinstance(value, list) else value
            if isinstance(value, str):
                found[by_name] = find(of, value)
        else:
            found[name] = value
    if isinstance(found.get("recipients"), list):
        found["recipients"] = [_rule(each, "graphId", "graph", find) for each in found["recipients"]]
    if word in ("kpiAlerts", "pulses") and isinstance(found.get("channels"), list):
        found["channels"] = [find("channels", each) for each in found["channels"]]
    if word == "limits":
        found["name"] = _limit(found.get("name"), find)
    return found


def references(word: str, fields: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What the fields refer to: the path of the field, the section and the name."""
    for name, value in fields.items():
        if name in REFERENCES and _is_reference(word, name):
            of = REFERENCES[name][1]
            if isinstance(value, list):
                yield from (((name, place), of, str(each)) for place, each in enumerate(value))
            elif isinstance(value, str):
                yield (name,), of, value
        elif name == "recipients" and isinstance(value, list):
            for place, each in enumerate(value):
                if isinstance(each, dict) and "graph" in each:
                    yield (name, place, "graph"), "graphs", str(each["graph"])
        elif name == "channels" and isinstance(value, list):
            yield from (((name, place), "channels", str(each)) for place, each in enumerate(value))
    name_of_limit = fields.get("name")
    if word == "limits" and isinstance(name_of_limit, str) and name_of_limit.startswith(SOURCE):
        yield ("name",), "sources", name_of_limit.removeprefix(SOURCE)


def _is_reference(word: str, name: str) -> bool:
    """Whether it is one there: a schedule's params and the like have names of their own."""
    return word not in ("sources", "channels", "calendars", "templates", "webhooks", "members") and (
        word != "schedules" or name == "calendar"
    )


def _limit(name: Any, find: Find) -> Any:
    """The name of a limit, with another name of the source that it may be of."""
    if isinstance(name, str) and name.startswith(SOURCE):
        return SOURCE + str(find("sources", name.removeprefix(SOURCE)))
    return name


def _rule(each: Any, before: str, after: str, find: Find) -> Any:
    if not isinstance(each, dict) or before not in each:
        return each
    rest = {name: value for name, value in each.items() if name != before}
    return {after: find("graphs", str(each[before])), **rest}


def plain(value: Any) -> Any:
    """The value as a file has it: numbers as numbers, instants and ids as text."""
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _number(value: Decimal) -> int | float | str:
    if value == value.to_integral_value() and abs(value) < 2**53:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)
