"""The fields of a form for what a kind takes, made of the JSON Schema of its params. Pure.

Text, numbers, yes or no, choices and lists of text get fields of their own; what is richer is typed as JSON.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from api.pages import look
from api.pages.forms import Values

PREFIX: Final = "jobPayload"
_LONG = 200


class ParamField(NamedTuple):
    """A field: its `name` with the type that the form reads it by, and how it is shown; `choices` is None for what is typed."""

    name: str
    label: str
    look: str
    hint: str
    is_required: bool
    placeholder: str
    choices: list[tuple[str, str]] | None

    @property
    def plain(self) -> str:
        """The name without its type."""
        return self.name.partition(":")[0]


def fields_of(schema: Mapping[str, Any]) -> list[ParamField]:
    """The fields of what a kind takes, in the order of its schema."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or any(not name.isidentifier() for name in properties):
        return [
            ParamField(
                f"{PREFIX}:json", "Params", "json", "A JSON object.", is_required=False, placeholder="{}", choices=None
            )
        ]
    required = set(schema.get("required", ()))
    return [_field(name, _resolved(told, schema), name in required) for name, told in properties.items()]


def texts_of(payload: Mapping[str, Any], fields: Sequence[ParamField]) -> Values:
    """What stands in the fields for these params."""
    found = Values()
    for field in fields:
        name = field.plain
        value = payload if name == PREFIX else payload.get(name.partition(".")[2])
        found[name] = _text(value, field.look)
    return found


def _field(name: str, told: Mapping[str, Any], is_required: bool) -> ParamField:  # noqa: FBT001  one of its facts
    kind, shown, choices = _looks(told, is_required)
    label = " ".join(_words(name)).capitalize()
    hint = str(told.get("description", ""))
    default = told.get("default")
    placeholder = "" if default is None or default in ({}, []) or told.get("writeOnly") else _text(default, shown)
    suffix = f":{kind}" if kind else ""
    return ParamField(f"{PREFIX}.{name}{suffix}", label, shown, hint, is_required, placeholder, choices)


def _looks(told: Mapping[str, Any], is_required: bool) -> tuple[str, str, list[tuple[str, str]] | None]:  # noqa: FBT001
    """By which type the form reads the field, how it is shown, and its choices."""
    blank = [] if is_required else [("", f"default{_told_default(told)}")]
    values = told.get("enum", [told["const"]] if "const" in told else None)
    if values is not None and all(isinstance(each, str) for each in values):
        return "", "choice", blank + [(each, each) for each in values]
    match told.get("type"):
        case "boolean":
            return "json", "choice", [*blank, ("true", "yes"), ("false", "no")]
        case "integer" | "number":
            return "number", "number", None
        case "string":
            return "", "long" if told.get("maxLength", 0) > _LONG else "text", None
        case "array" if (items := told.get("items", {})).get("type") == "string" and "enum" not in items:
            return "lines", "lines", None
    return "json", "json", None


def _told_default(told: Mapping[str, Any]) -> str:
    default = told.get("default")
    if default is None:
        return ""
    return f" ({'yes' if default is True else 'no' if default is False else default})"


def _resolved(told: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The property with what it refers to in its place; of what may be null, what it is else."""
    parts = [each for each in told.get("anyOf", ()) if each.get("type") != "null"]
    if len(parts) == 1:
        told = {**_resolved(parts[0], schema), **{name: value for name, value in told.items() if name != "anyOf"}}
    reference = told.get("$ref")
    if isinstance(reference, str):
        found = schema.get("$defs", {}).get(reference.rpartition("/")[2], {})
        told = {**found, **{name: value for name, value in told.items() if name != "$ref"}}
    return told


def _text(value: Any, shown: str) -> str:
    if value is None:
        return ""
    if shown == "lines":
        return "\n".join(map(str, value))
    if shown == "json":
        return look.pretty(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _words(name: str) -> list[str]:
    """`maxUsersPerRun` as words."""
    words = [""]
    for letter in name.replace("_", " "):
        if letter.isupper() or letter == " ":
            words.append("")
        words[-1] += letter.lower().strip()
    return [word for word in words if word]
