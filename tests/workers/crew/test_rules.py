"""Rules of crews: what they find in an answer, what they say when they can't, and that none takes long."""

import time
from typing import Any

import pytest
from pydantic import ValidationError

from workers.crew.rules import judge
from workers.kinds.crew_call import Params

ANSWER: Any = {"risk": {"level": "high", "score": 0.9}, "steps": ["call", "write"], "none": None}


def rule(language: str, expression: str) -> dict[str, str]:
    return {"language": language, "expression": expression}


@pytest.mark.parametrize(
    ("language", "expression", "found"),
    [
        ("jmespath", "risk.level == 'high'", "true"),
        ("jmespath", "risk.score", "0.9"),
        ("jmespath", "steps[?@ == 'call']", '["call"]'),
        ("jmespath", "steps[?@ == 'sing']", None),
        ("jmespath", "none", None),
        ("jmespath", "missing.at.all", None),
        ("cel", "answer.risk.level == 'high' && answer.risk.score > 0.5", "true"),
        ("cel", "answer.steps.exists(each, each == 'sing')", None),
        ("cel", "has(answer.missing)", None),
    ],
)
def test_a_rule_finds_what_is_there(language: str, expression: str, found: str | None) -> None:
    assert judge(rule(language, expression), ANSWER) == (found, None)


@pytest.mark.parametrize(
    ("language", "expression", "error"),
    [
        ("jmespath", "length(risk.score)", "JMESPathTypeError: In function length()"),
        ("cel", "answer.missing > 3", 'Key not found in map : "missing"'),
        ("cel", "answer.risk.score", "comes to a float and no bool"),
        ("cel", "answer.steps > 3", "No matching overloads"),
    ],
)
def test_a_rule_that_fails_on_an_answer_says_why_and_finds_nothing(language: str, expression: str, error: str) -> None:
    judged = judge(rule(language, expression), ANSWER)
    assert judged.found is None
    assert judged.error is not None
    assert error in judged.error


@pytest.mark.parametrize(
    ("language", "expression", "answer"),
    [
        ("jmespath", "|".join(["[@,@][]"] * 200), [1, 2]),
        ("jmespath", "|".join(["join('',[@,@])"] * 120), "ab" * 100),
        ("jmespath", f"[{','.join('@' * 900)}][]", list(range(100_000))),
        ("cel", "answer.all(x, answer.all(y, answer.all(z, x + y + z >= 0)))", list(range(1000))),
    ],
    ids=["lists doubled", "texts doubled", "a list nine hundred times", "every three"],
)
def test_a_short_rule_that_would_take_for_ever_is_cut(language: str, expression: str, answer: Any) -> None:
    began = time.process_time()
    judged = judge(rule(language, expression), answer)
    assert judged.found is None
    assert judged.error in ("it takes more than 200,000 steps on this answer", "Iteration budget exceeded")
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("given", "place", "says"),
    [
        (rule("jmespath", "risk["), ("rule", "expression"), "is no JMESPath that can be read"),
        (rule("jmespath", "(" * 1900), ("rule", "expression"), "is no JMESPath that can be read"),
        (rule("cel", "answer."), ("rule", "expression"), "is no CEL that can be read"),
        (rule("cel", "1 + 1"), ("rule", "expression"), "is int and no bool"),
        (rule("cel", "reply.risk"), ("rule", "expression"), "undeclared reference to 'reply"),
        (rule("sql", "risk"), ("rule", "language"), "'jmespath' or 'cel'"),
        (rule("cel", "true") | {"notify": {}}, ("rule", "notify"), "takes recipients, channels or both"),
        (rule("cel", "true") | {"notify": {"recipients": ["ann"]}}, ("rule", "notify", "recipients", 0), "address"),
    ],
)
def test_a_bad_rule_is_refused_at_save_by_the_name_of_its_field(
    given: dict[str, Any], place: tuple[str | int, ...], says: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Params.model_validate({"rule": given})
    [error] = refused.value.errors()
    assert error["loc"] == place
    assert says in error["msg"]
