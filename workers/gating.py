"""Gates of scheduled alerts: whether a report goes out, by conditions on its graphs or a CEL expression; pure.

An expression knows `value` (the first graph's), `rows` (of all graphs), `changed` (since it was last sent), each graph's
value under its name in small letters (`revenue`), and `graphs["Revenue"]` with value, before, change, percentChange, rows.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from workers import cel
from workers.alerting.conditions import CONDITIONS, RANGES
from workers.alerting.fields import ConditionName, Number
from workers.alerting.words import exact, limit
from workers.formats.numbers import number

LONGEST = 2000
OWN = frozenset({"value", "rows", "changed", "graphs"})
# CEL's own words, which no variable may have.
TAKEN = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
        "bool",
        "bytes",
        "double",
        "duration",
        "dyn",
        "int",
        "list",
        "map",
        "string",
        "timestamp",
        "type",
        "uint",
    ]
)


class Figures(NamedTuple):
    """What a gate knows of a graph: its newest figure, the one before, and how many rows it has."""

    name: str
    value: Decimal | None
    before: Decimal | None
    rows: int


class Undecided(Exception):
    """The gate can't be decided: a graph has no figure, or an expression goes wrong. Its text says why."""


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Clause(_Shape):
    """One comparison of one graph."""

    graph: str | None = Field(None, max_length=200, description="by its name; the first graph if left out")
    of: Literal["value", "change", "percentChange", "rows"] = "value"
    condition: ConditionName
    threshold_value: Number
    threshold_high: Number | None = None

    @model_validator(mode="after")
    def _has_its_range(self) -> Self:
        is_range = self.condition in RANGES
        if is_range and (self.threshold_high is None or self.threshold_high < self.threshold_value):
            raise ValueError(f"{self.condition} takes a thresholdHigh that is not below thresholdValue")
        if not is_range and self.threshold_high is not None:
            raise ValueError(f"thresholdHigh goes with {' and '.join(RANGES)} alone")
        return self


class Gate(_Shape):
    """Goes out only if all or any of the conditions hold, the expression is true, and it changed since last sent."""

    match: Literal["all", "any"] = "all"
    conditions: Annotated[list[Clause], Field(max_length=20)] = Field(default_factory=list)
    expression: Annotated[str, Field(min_length=1, max_length=LONGEST)] | None = Field(
        None, description="CEL, such as `revenue > 10000 && rows > 0`"
    )
    only_if_changed: Annotated[bool, Field(description="only if the figures are others than when it was last sent")] = (
        False
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.conditions and self.expression is None and not self.only_if_changed:
            raise ValueError("takes conditions, an expression or onlyIfChanged")
        return self


def problem_of(gate: Gate, names: Sequence[str]) -> str | None:
    """Return what is wrong with a gate on graphs of these names; None where nothing is."""
    for clause in gate.conditions:
        if clause.graph is not None and clause.graph not in names:
            return f"there is no graph {clause.graph!r}; there are {', '.join(names)}"
    if gate.expression is None:
        return None
    try:
        _compiled(gate.expression, tuple(variables(names)))
    except cel.Wrong as error:
        return str(error)
    return None


def passes(gate: Gate, figures: Sequence[Figures], *, has_changed: bool) -> tuple[bool, str]:
    """Return whether the gate lets the report go out, and why in a sentence. Raises Undecided."""
    if gate.only_if_changed and not has_changed:
        return False, "the figures are those that were last sent"
    holds, said = _joined(gate, figures)
    if holds is False:
        return False, said
    if gate.expression is not None and not _true(gate.expression, figures, has_changed=has_changed):
        return False, f"`{gate.expression}` is false"
    if holds is None:
        raise Undecided(said)
    return True, "the gate is open"


def variables(names: Sequence[str]) -> dict[str, str]:
    """Return the names that graphs have in expressions, each with its graph's; a name that two would have is neither's."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name in names:
        word = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        if not word or word[0].isdigit() or word in OWN or word in TAKEN:
            continue
        (twice.add(word) if word in found else found.update({word: name}))
    return {word: name for word, name in found.items() if word not in twice}


def _joined(gate: Gate, figures: Sequence[Figures]) -> tuple[bool | None, str]:
    """Return whether the conditions hold, None if that hangs on one that can't be decided; what decides alone decides."""
    found = [_clause(clause, figures) for clause in gate.conditions]
    decisive = gate.match == "any"
    if not found or any(one is decisive for one, _ in found):
        holds: bool | None = decisive or not found
    else:
        holds = None if any(one is None for one, _ in found) else not decisive
    return holds, "; ".join(said for one, said in found if one is holds)


def _clause(clause: Clause, figures: Sequence[Figures]) -> tuple[bool | None, str]:
    """Return whether one condition holds, None if its graph has no figure, and a sentence."""
    graph = next((each for each in figures if clause.graph in (None, each.name)), None)
    if graph is None:
        return None, f"there is no graph {clause.graph!r}"
    measured = _measures(graph)[clause.of]
    if measured is None:
        return None, f"{graph.name} has no {clause.of}"
    high = clause.threshold_value if clause.threshold_high is None else clause.threshold_high
    holds = CONDITIONS[clause.condition](measured, clause.threshold_value, high)
    said = limit(clause.condition, exact(clause.threshold_value), exact(high))
    return holds, f"{graph.name}: {clause.of} {number(measured)} is {'' if holds else 'not '}{said}"


def _measures(graph: Figures) -> dict[str, Decimal | None]:
    value, before = graph.value, graph.before
    change = value - before if value is not None and before is not None else None
    percent = change / abs(before) * 100 if change is not None and before else None
    return {
        "value": value,
        "before": before,
        "change": change,
        "percentChange": percent,
        "rows": Decimal(graph.rows),
    }


def _true(expression: str, figures: Sequence[Figures], *, has_changed: bool) -> bool:
    names = variables([each.name for each in figures])
    by_name = {each.name: _floats(_measures(each)) for each in figures}
    data: dict[str, Any] = {
        "value": by_name[figures[0].name]["value"] if figures else None,
        "rows": sum(each.rows for each in figures),
        "changed": has_changed,
        "graphs": by_name,
        **{word: by_name[name]["value"] for word, name in names.items()},
    }
    try:
        return cel.is_true(_compiled(expression, tuple(names)), data)
    except cel.Wrong as error:
        raise Undecided(f"`{expression}`: {error}") from None


def _floats(measures: Mapping[str, Decimal | None]) -> dict[str, float | None]:
    return {name: None if value is None else float(value) for name, value in measures.items()}


@lru_cache(maxsize=256)
def _compiled(expression: str, words: tuple[str, ...]) -> Any:
    known = {"value": cel.DYN, "rows": cel.INT, "changed": cel.BOOL}
    known["graphs"] = cel.Map(cel.STRING, cel.Map(cel.STRING, cel.DYN))
    return cel.compiled(expression, known | dict.fromkeys(words, cel.DYN))
