"""The parameters that a query may name: `$slot`, `$start`, `$end`, `$timezone`, `$context_name`, `$param_name`; pure.

They are values and never text: in SQL each becomes a parameter of the protocol, in a URL a percent-encoded value.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

from workers.sources.table import Question, SourceRefused, Value

_CONTEXT, _PARAM = "context_", "param_"
_NAMES = "$slot, $start, $end, $timezone, $context_NAME and $param_NAME"
# What SQL holds besides code, then a word (`a$b` is one word), then a parameter. A dollar quote comes before it.
_SQL = re.compile(
    r"""
      (?P<skipped> '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]*
        | \$(?P<tag>[A-Za-z_\u0080-\U0010ffff][\w]*)?\$ .*? \$(?(tag)(?P=tag))\$ )
    | (?P<escaped> [eE]'(?:[^'\\]|\\.|'')*' )
    | (?P<comment> /\* )
    | (?P<word> [A-Za-z_\u0080-\U0010ffff][\w$]* )
    | \$ (?P<number> \d+ )
    | \$ (?P<name> [A-Za-z_]\w* )
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"\$([A-Za-z_]\w*)")


def value_of(name: str, question: Question) -> Value:
    """Return the value of a parameter. Raises SourceRefused, by its name, for one that there is not."""
    if name == "slot":
        return question.slot_at
    if name in ("start", "end"):
        found = question.start if name == "start" else question.end
        if found is None:
            raise SourceRefused(
                f"${name} is part of a window, and none is given here; give start and end, or write $slot"
            )
        return found
    if name == "timezone":
        return question.timezone
    if name.startswith(_CONTEXT):
        if (key := name.removeprefix(_CONTEXT)) not in question.context:
            raise SourceRefused(f"${name} is not given here: the security context holds no {key!r}")
        return question.context[key]
    if name.startswith(_PARAM):
        if (key := name.removeprefix(_PARAM)) not in question.parameters:
            raise SourceRefused(f"${name} is not given here: there is no parameter {key!r}")
        return question.parameters[key]
    raise SourceRefused(f"${name} is no parameter; there are {_NAMES}")


def in_sql(sql: str, question: Question, place: Callable[[str, int], str]) -> tuple[str, dict[str, Value]]:
    """Return the SQL with `place(name, number)` for each parameter, and the values of those used, in order of number.

    What stands in quotes and comments is left alone. Raises SourceRefused for a parameter that there is not.
    """
    values: dict[str, Value] = {}
    parts: list[str] = []
    at = 0
    while (found := _SQL.search(sql, at)) is not None:
        parts.append(sql[at : found.start()])
        at = found.end()
        if found["comment"]:
            at = _end_of_comment(sql, at)
        if found["number"]:
            raise SourceRefused(f"${found['number']} is no parameter; there are {_NAMES}")
        if (name := found["name"]) is None:
            parts.append(sql[found.start() : at])
            continue
        if name not in values:
            values[name] = value_of(name, question)
        parts.append(place(name, list(values).index(name) + 1))
    return "".join([*parts, sql[at:]]), values


def in_url(url: str, question: Question) -> str:
    """Return the URL with the parameters in its query filled in and percent-encoded; path and host are never touched."""
    path, mark, asked = url.partition("?")
    return path + mark + _NAME.sub(lambda found: quote(as_text(value_of(found[1], question)), safe=""), asked)


def in_json(value: object, question: Question, named: str = "") -> object:
    """Return the JSON value with each text that is a parameter as a whole replaced by its value, as text.

    Only names that begin with `named` are taken for parameters.
    """
    if isinstance(value, dict):
        return {name: in_json(each, question, named) for name, each in value.items()}
    if isinstance(value, list):
        return [in_json(each, question, named) for each in value]
    if isinstance(value, str) and (found := _NAME.fullmatch(value)) and found[1].startswith(named):
        return as_text(value_of(found[1], question))
    return value


def as_text(value: Value) -> str:
    """Return an instant in RFC 3339 with Z, whole seconds without a fraction; a text as it is; other values as JSON has them."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def named_in(query: str) -> set[str]:
    """Return the names of the `$param_NAME` that a query holds, wherever they stand."""
    return {found[1].removeprefix(_PARAM) for found in _NAME.finditer(query) if found[1].startswith(_PARAM)}


def _end_of_comment(sql: str, at: int) -> int:
    """Return where a block comment ends that began before `at`; they may stand in one another."""
    depth = 1
    for found in re.finditer(r"/\*|\*/", sql[at:]):
        depth += 1 if found[0] == "/*" else -1
        if not depth:
            return at + found.end()
    return len(sql)
