"""The API's reference as people read it, made of the OpenAPI document alone: operations by their nouns, and a curl line for each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from api.reference_fields import Field, Schemas, field_of, fields_of, type_of

PROBLEM: Final = "application/problem+json"
WHEN: Final = {
    400: "the request can't be read, or an operator of many tenants named none",
    401: "no token, or one that is wrong, expired or revoked",
    403: "the token's role does not suffice",
    404: "there is nothing of that id; for an operator, no such tenant",
    409: "its state does not allow this, or something else still needs it",
    410: "the file is no more in the store",
    412: "it was changed since the version that `If-Match` names",
    413: "the body is too large",
    415: "the body is of a kind that it does not read",
    422: "a field is at fault: `errors` says which, and what it takes",
    429: "too many requests; `Retry-After` says when to come again",
    503: "what it needs is away for now; `Retry-After` says when to come again",
}
"""When a problem is answered."""
ROLE: Final = "x-tocsin-role"
"""Where the document says the least role of an operation."""
_SCOPES: Final = {"viewer": "read", "editor": "write", "admin": "admin", "operator": "operator"}
_LINE: Final = 72
_BEARERS: Final = {"HTTPBearer": "TOCSIN_TOKEN", "MetricsToken": "METRICS_TOKEN"}


class Body(NamedTuple):
    """What an operation takes. `example` is one that it takes, as it is sent; in the `other_media` it may come too."""

    media: str
    other_media: list[str]
    meaning: str
    is_required: bool
    fields: list[Field]
    example: str


class Answer(NamedTuple):
    """What an operation answers when it did what was asked, or could not by its own account."""

    status: int
    phrase: str
    type: str
    meaning: str
    fields: list[Field]


class Trouble(NamedTuple):
    """A problem that an operation may answer."""

    status: int
    phrase: str
    when: str


@dataclass(frozen=True)
class Operation:
    """One operation. `role` is the least that may call it, None where no role opens it; `opened_by` is what does."""

    id: str
    title: str
    method: str
    path: str
    noun: str
    does: str
    role: str | None
    opened_by: str
    parameters: dict[str, list[Field]]
    body: Body | None
    answers: list[Answer]
    problems: list[Trouble]
    curl: str
    words: str

    @property
    def scope(self) -> str:
        """The scope of a token that opens it."""
        return _SCOPES.get(self.role or "", "")


Reference = Mapping[str, Operation]


def read(document: Mapping[str, Any]) -> dict[str, Operation]:
    """The operations by their ids, in the document's order."""
    schemas = document["components"]["schemas"]
    found = [
        _operation(method.upper(), path, told, schemas)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    ]
    return {each.id: each for each in found}


def by_noun(operations: Reference, search: str = "") -> dict[str, list[Operation]]:
    """Those that have all words of the search in their path, their words or their fields, by noun."""
    wanted = search.lower().split()
    found: dict[str, list[Operation]] = {}
    for each in operations.values():
        if all(word in each.words for word in wanted):
            found.setdefault(each.noun, []).append(each)
    return found


def _operation(method: str, path: str, told: Mapping[str, Any], schemas: Schemas) -> Operation:
    parameters = _parameters(told, schemas)
    body = _body(told.get("requestBody"), schemas)
    answers, problems = _answers(told["responses"], schemas)
    bearer = _bearer(told)
    role = told.get(ROLE)
    names = [each.name for fields in (*parameters.values(), body.fields if body else []) for each in fields]
    title, noun = _said(told["operationId"].replace("_", " ")), _said(told["tags"][0])
    return Operation(
        id=told["operationId"],
        title=title[:1].upper() + title[1:],
        method=method,
        path=path,
        noun=noun,
        does=told["description"],
        role=role,
        opened_by=role or bearer or "anybody",
        parameters=parameters,
        body=body,
        answers=answers,
        problems=problems,
        curl=curl_of(method, path, bearer, body, is_file=any(each.type == "bytes" for each in answers)),
        words=" ".join([method, path, title, noun, told["operationId"], told["description"], *names]).lower(),
    )


def _parameters(told: Mapping[str, Any], schemas: Schemas) -> dict[str, list[Field]]:
    """The parameters by where they stand: path, query, header."""
    found: dict[str, list[Field]] = {}
    for each in told.get("parameters", ()):
        # A header's own spelling is its title alone.
        name = each["schema"].get("title", each["name"]) if each["in"] == "header" else each["name"]
        schema = {"description": each.get("description", ""), **each["schema"]}
        # What is left out is not told as null in an address.
        schema["anyOf"] = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"] or [each["schema"]]
        field = field_of(name, schema, schemas, is_required=each.get("required", False))
        found.setdefault(each["in"], []).append(field)
    return found


def _body(told: Mapping[str, Any] | None, schemas: Schemas) -> Body | None:
    if told is None:
        return None
    media, *others = told["content"]
    schema = told["content"][media]["schema"]
    alternatives = schema.get("anyOf", [schema])
    whole = next((schemas[each["$ref"].rpartition("/")[2]] for each in alternatives if "$ref" in each), schema)
    example = _written(whole["examples"][0]) if "examples" in whole else schema["example"]
    meaning = whole.get("description", "")
    return Body(media, others, meaning, told.get("required", False), fields_of(whole, schemas), example)


def _written(example: Any) -> str:
    """An example as JSON: on one line where it has room there."""
    line = json.dumps(example, ensure_ascii=False)
    return line if len(line) <= _LINE else json.dumps(example, ensure_ascii=False, indent=2)


def _answers(told: Mapping[str, Any], schemas: Schemas) -> tuple[list[Answer], list[Trouble]]:
    answers, problems = [], []
    for status, each in sorted(told.items()):
        code, phrase = int(status), HTTPStatus(int(status)).phrase
        [(media, content)] = each.get("content", {"": {}}).items()
        if media == PROBLEM:
            problems.append(Trouble(code, phrase, WHEN.get(code, "")))
            continue
        schema = content.get("schema")
        kind = type_of(schema, schemas) if schema is not None else "no body"
        said = each["description"]
        # FastAPI's own word for every answer says nothing.
        meaning = "" if said in ("Successful Response", phrase) else said
        answers.append(Answer(code, phrase, kind, meaning, fields_of(schema, schemas) if schema else []))
    return answers, problems


def _said(words: str) -> str:
    """A name as people write it."""
    return words.replace("kpi", "KPI")


def _bearer(told: Mapping[str, Any]) -> str:
    """The variable whose value is shown; empty for what anybody may ask."""
    schemes = [name for each in told.get("security", ()) for name in each]
    return _BEARERS[schemes[0]] if schemes else ""


def curl_of(method: str, path: str, bearer: str, body: Body | None, *, is_file: bool = False) -> str:
    """The line that calls it: what is one's own stands in variables."""
    parts = ["curl -sS" if method == "GET" else f"curl -sS -X {method}"]
    parts[0] += f' "$TOCSIN_URL{_with_variables(path)}"'
    if bearer:
        parts.append(f'-H "Authorization: Bearer ${bearer}"')
    if body is not None:
        parts.append(f'-H "Content-Type: {body.media}"')
        parts.append(f"{'-d' if body.media == 'application/json' else '--data-binary'} {_quoted(body.example)}")
    if is_file:
        parts.append("-o file")
    return " \\\n  ".join(parts)


def _with_variables(path: str) -> str:
    """The path with a variable for each name in it; one that says too little by itself is told of its noun."""
    steps = path.split("/")
    for place, step in enumerate(steps):
        if step.startswith("{"):
            name = step[1:-1]
            whole = name if name.endswith("_id") else f"{steps[place - 1].removesuffix('s')}_{name}"
            steps[place] = f"${whole.upper()}"
    return "/".join(steps)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
