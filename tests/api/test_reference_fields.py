"""Fields in words: what a schema says is said, and a schema that holds itself has an end."""

from typing import Any

from api.pages.look import coded
from api.reference import curl_of, read
from api.reference_fields import Field, fields_of, type_of

WORDS: list[tuple[dict[str, Any], str]] = [
    ({}, "anything"),
    ({"type": "string", "format": "uuid"}, "id"),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "whole number, or null"),
    ({"enum": ["a", "b"], "type": "string"}, "one of `a`, `b`"),
    ({"type": "array", "items": {"type": "array", "items": {"type": "string"}}}, "list of lists of texts"),
    ({"type": "object", "additionalProperties": {"type": "string"}}, "object of texts"),
    ({"type": "object", "additionalProperties": True}, "object"),
]


def test_a_type_is_told_in_words() -> None:
    assert [type_of(schema, {}) for schema, _ in WORDS] == [words for _, words in WORDS]


def fields(properties: dict[str, Any], **schemas: Any) -> dict[str, Field]:
    """The fields of an object of these properties, by name."""
    found = fields_of({"type": "object", "title": "It", "properties": properties, "required": ["first"]}, schemas)
    return {each.name: each for each in found}


def test_a_field_has_its_limits_its_default_and_whether_it_must_be_there() -> None:
    found = fields(
        {
            "first": {"type": "string", "minLength": 1, "maxLength": 1000},
            "count": {"type": "integer", "minimum": 1.0, "maximum": 4.6e18, "default": 5},
            "many": {"type": "array", "maxItems": 1, "items": {"type": "string", "maxLength": 20}, "default": []},
            "word": {"type": "string", "pattern": "^a$", "writeOnly": True, "default": "a"},
        }
    )
    assert {name: (each.limits, each.default, each.is_required) for name, each in found.items()} == {
        "first": ("1 to 1\u202f000 characters", "", True),
        "count": ("at least 1", "5", False),
        "many": ("at most 1 element, each at most 20 characters", "", False),
        "word": ("fits `^a$`, never shown", "a", False),
    }


def test_objects_within_stand_under_dotted_names_and_variants_under_their_own() -> None:
    one = {"type": "object", "title": "One", "properties": {"a": {"type": "string"}}}
    other = {"type": "object", "title": "Other", "properties": {"b": {"$ref": "#/x/One"}}}
    several = [{"type": "string"}, {"$ref": "#/x/One"}, {"$ref": "#/x/Other"}]
    found = fields({"first": {"type": "array", "items": {"anyOf": several}}}, One=one, Other=other)
    assert found["first"].type == "list, each text or One or Other"
    assert {name: each.variant for name, each in found.items()} == {
        "first": "",
        "first[].a": "One",
        "first[].b": "Other",
        "first[].b.a": "Other",
    }


def test_what_holds_itself_is_told_once() -> None:
    tree = {"type": "object", "title": "Tree", "properties": {"left": {"$ref": "#/x/Tree"}}}
    assert list(fields({"first": {"$ref": "#/x/Tree"}}, Tree=tree)) == ["first", "first.left"]


def test_a_quote_in_an_example_does_not_end_the_line() -> None:
    told = {
        "operationId": "do_it",
        "tags": ["things"],
        "description": "Does it.",
        "requestBody": {"content": {"text/plain": {"schema": {"type": "string", "example": "it's; rm -rf /"}}}},
        "responses": {"204": {"description": "No Content"}},
    }
    found = read({"paths": {"/do/{uid}": {"post": told}}, "components": {"schemas": {}}})["do_it"]
    assert found.curl.endswith("--data-binary 'it'\\''s; rm -rf /'")
    assert '"$TOCSIN_URL/do/$DO_UID"' in curl_of("GET", "/do/{uid}", "", None)


def test_names_between_backticks_are_code_and_markup_is_text() -> None:
    assert coded("<b>`<i>`</b> `") == "&lt;b&gt;<code>&lt;i&gt;</code>&lt;/b&gt; `"
