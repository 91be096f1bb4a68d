"""The JSON Schema of a stack's file, for editors: composed of the bodies that the API takes, with names in place of ids."""

from typing import Any

from tocsin.stack.document import SECTIONS, STACK
from tocsin.stack.names import BY_ID
from tocsin.stack.sections import Section

_PREFIX = "#/$defs/"


def schema() -> dict[str, Any]:
    """The schema."""
    shared: dict[str, Any] = {}
    sections: dict[str, Any] = {STACK: {"type": "string", "description": "whose rows these are; main if left out"}}
    for word, section in SECTIONS.items():
        sections[word] = {"type": ["array", "null"], "items": _row(section, shared)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What a tenant of Tocsin keeps in files",
        "type": "object",
        "additionalProperties": False,
        "properties": sections,
        "$defs": shared,
    }


def _row(section: Section, shared: dict[str, Any]) -> dict[str, Any]:
    """The schema of a row; what it shares with others goes into `shared`, under the section's own name."""
    prefix = f"{_PREFIX}{section.word}."
    found = section.body.model_json_schema(by_alias=True, ref_template=f"{prefix}{{model}}")
    for name, definition in found.pop("$defs", {}).items():
        shared[f"{section.word}.{name}"] = _named(definition)
    properties = {
        _by_name(name): _of_name(each) if name in BY_ID else each
        for name, each in found["properties"].items()
        if name not in section.without
    }
    kept = {*section.secrets, *section.without}
    required = [_by_name(name) for name in found.get("required", []) if name not in kept]
    whole = {**found, "properties": properties, "required": sorted({*required, section.key})}
    return _with_variables(whole)  # type: ignore[no-any-return]  # an object stays one


def _named(definition: Any) -> Any:
    """A part, its ids by name: a recipient that is a column of a graph."""
    if isinstance(definition, dict) and "graphId" in definition.get("properties", {}):
        properties = {_by_name(name): each for name, each in definition["properties"].items()}
        properties["graph"] = {"type": "string", "description": "its name"}
        required = [_by_name(name) for name in definition.get("required", [])]
        definition = {**definition, "properties": properties, "required": required}
    return _with_variables(definition)


def _of_name(each: dict[str, Any]) -> dict[str, Any]:
    """The schema of a reference: a name, or a list of them, where the API takes ids."""
    is_list = "array" in str(each)
    one: dict[str, Any] = {"type": "string", "description": "its name"}
    value = {"type": "array", "items": one} if is_list else one
    return {"anyOf": [value, {"type": "null"}]} if "null" in str(each) else value


def _with_variables(part: Any) -> Any:
    """The part, whose patterns let a ${env:NAME} pass."""
    if isinstance(part, list):
        return [_with_variables(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {name: _with_variables(each) for name, each in part.items()}
    if isinstance(found.get("pattern"), str):
        found["pattern"] = rf"{found['pattern']}|\$\{{env:"
    return found


def _by_name(name: str) -> str:
    """What a file calls a field of the API."""
    return BY_ID[name][0] if name in BY_ID else name
