"""Fields of the OpenAPI document in words: nested ones under dotted names, each variant under its own."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]

# Four names with dots between them say where something is; more are read by nobody.
_DEEPEST: Final = 4
_COUNTABLE: Final = 2**53
_WORDS: Final = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_MANY: Final = {
    "text": "texts",
    "id": "ids",
    "instant": "instants",
    "date": "dates",
    "object": "objects",
    "whole number": "whole numbers",
    "number": "numbers",
}
_FORMS: Final = {
    "uuid": "id",
    "date-time": "instant",
    "date": "date",
    "time": "time of day",
    "password": "text",
    "binary": "bytes",
}


class Field(NamedTuple):
    """A field or a parameter as people read it. `variant`: of which of several objects that may stand there it is."""

    name: str
    type: str
    is_required: bool
    limits: str
    default: str
    meaning: str
    variant: str = ""


def fields_of(schema: Schema, schemas: Schemas) -> list[Field]:
    """The fields of what a body or an answer is, a list's elements' included."""
    return list(_within(schema, "", schemas, ()))


def field_of(name: str, schema: Schema, schemas: Schemas, *, is_required: bool, variant: str = "") -> Field:
    """One field alone."""
    limits = [*_limits(schema), *(["never shown"] if _is_hidden(schema) else [])]
    return Field(
        name,
        type_of(schema, schemas),
        is_required,
        ", ".join(limits),
        _default(schema.get("default")),
        schema.get("description", ""),
        variant,
    )


def _default(value: Any) -> str:
    """What stands for a field that is left out; an object's default is that of its fields, which are told below it."""
    if value in (None, "", []) or isinstance(value, Mapping):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def type_of(schema: Schema, schemas: Schemas) -> str:
    """What stands there, in words."""
    kinds = [_one_type(each, schemas) for each in _alternatives(schema)]
    told = " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
    return f"{told or 'anything'}{', or null' if 'null' in kinds else ''}"


def _one_type(schema: Schema, schemas: Schemas) -> str:
    if "$ref" in schema:
        return type_of(_resolved(schema, schemas), schemas)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{each}`" for each in schema["enum"])
    kind: str = schema.get("type", "")
    if kind == "array":
        return _list_of(schema.get("items", {}), schemas)
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"object of {_many(type_of(inner, schemas))}" if isinstance(inner, Mapping) else "object"
    return _FORMS.get(schema.get("format", ""), _WORDS.get(kind, kind))


def _list_of(items: Schema, schemas: Schemas) -> str:
    if not _objects(items, schemas) or len(_alternatives(items)) == 1:
        return f"list of {_many(type_of(items, schemas))}"
    return f"list, each {_with_variants(items, schemas)}"


def _with_variants(schema: Schema, schemas: Schemas) -> str:
    """Alternatives of which some are objects: those by their names."""
    return " or ".join(
        str(_resolved(each, schemas).get("title", "object")) if _objects(each, schemas) else type_of(each, schemas)
        for each in _alternatives(schema)
        if each.get("type") != "null"
    )


def _many(word: str) -> str:
    return word.replace("list of ", "lists of ", 1) if word.startswith("list of ") else _MANY.get(word, word)


def _within(schema: Schema, place: str, schemas: Schemas, seen: tuple[str, ...], variant: str = "") -> Iterator[Field]:
    """The fields of the objects that stand at a place, with a list's brackets behind its name."""
    objects = _objects(schema, schemas)
    is_one_of_several = len([each for each in _alternatives(_inmost(schema)) if each.get("type") != "null"]) > 1
    for brackets, found in objects:
        title = found.get("title", "")
        if title in seen or len(seen) >= _DEEPEST:
            continue
        inner = title if is_one_of_several else variant
        required = found.get("required", ())
        for name, each in found["properties"].items():
            dotted = f"{place}{brackets}.{name}".removeprefix(".")
            yield field_of(dotted, each, schemas, is_required=name in required, variant=inner)
            yield from _within(each, dotted, schemas, (*seen, title), inner)


def _objects(schema: Schema, schemas: Schemas) -> list[tuple[str, Schema]]:
    """The objects with fields of their own that may stand there, each with the brackets of the lists around it."""
    found: list[tuple[str, Schema]] = []
    for each in _alternatives(schema):
        whole = _resolved(each, schemas)
        if whole.get("type") == "array":
            found += [(f"[]{brackets}", inner) for brackets, inner in _objects(whole.get("items", {}), schemas)]
        elif "anyOf" in whole:
            found += _objects(whole, schemas)
        elif whole.get("properties"):
            found.append(("", whole))
    return found


def _inmost(schema: Schema) -> Schema:
    """What the list at a place is a list of; what is no list is itself."""
    for each in _alternatives(schema):
        if each.get("type") == "array":
            return _inmost(each.get("items", {}))
    return schema


def _limits(schema: Schema) -> Iterator[str]:
    """What a value has to keep to, a part each."""
    for each in _alternatives(schema):
        yield from _range(each.get("minLength"), each.get("maxLength"), "character")
        yield from _range(each.get("minItems"), each.get("maxItems"), "element")
        yield from _range(each.get("minProperties"), each.get("maxProperties"), "name")
        yield from _range(each.get("minimum"), each.get("maximum"), "")
        if "exclusiveMinimum" in each:
            yield f"more than {_number(each['exclusiveMinimum'])}"
        if "pattern" in each:
            yield f"fits `{each['pattern']}`"
        for inner in (each.get("items"), each.get("additionalProperties")):
            if isinstance(inner, Mapping) and "$ref" not in inner:
                yield from (f"each {part}" for part in _limits(inner))


def _range(least: float | None, most: float | None, what: str) -> Iterator[str]:
    # What no program counts to is no bound to anybody.
    most = None if most is not None and most > _COUNTABLE else most
    plural = "" if not what else f" {what}" if (most if most is not None else least) == 1 else f" {what}s"
    if least is not None and most is not None and not (what and least == 0):
        yield f"{_number(least)} to {_number(most)}{plural}"
    elif most is not None:
        yield f"at most {_number(most)}{plural}"
    elif least is not None:
        yield f"at least {_number(least)}{plural}"


def _number(value: float) -> str:
    return f"{int(value):,}".replace(",", "\u202f") if value == int(value) else str(value)


def _is_hidden(schema: Schema) -> bool:
    return any(each.get("writeOnly") for each in (schema, *_alternatives(schema)))


def _alternatives(schema: Schema) -> list[Schema]:
    return list(schema["anyOf"]) if "anyOf" in schema else [schema]


def _resolved(schema: Schema, schemas: Schemas) -> Schema:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema
