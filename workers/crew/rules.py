"""Result rules: what is looked for in an answer, in JMESPath or in CEL; pure, and bounded in what they take.

JMESPath tells what it found; CEL, over `answer`, whether it is true. Both run on the event loop that all calls share, so
neither may take long: CEL counts its own steps, and JMESPath's are counted here.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import jmespath
from jmespath.visitor import TreeInterpreter

from db.jsonb import dumps
from workers import cel

Language = Literal["jmespath", "cel"]
LONGEST = 2000
# A fifth of a second or so.
_MOST_STEPS = 200_000
_NOTHING: tuple[object, ...] = (None, False, "", [], {})


class Judged(NamedTuple):
    """What a rule found in an answer, as JSON, or why it could not judge it; neither where it found nothing."""

    found: str | None = None
    error: str | None = None


def problem_of(language: Language, expression: str) -> str | None:
    """Why an expression can't be a rule; None where it can."""
    try:
        _compiled(language, expression)
    except cel.Wrong as error:
        return f"is no CEL that can be read: {error}"
    except (jmespath.exceptions.JMESPathError, ValueError, RecursionError) as error:
        return f"is no JMESPath that can be read: {str(error)[:200]}"
    return None


def judge(rule: Mapping[str, Any], answer: object) -> Judged:
    """What a rule finds in an answer; one that goes wrong says so and finds nothing."""
    try:
        language, expression = rule.get("language", "jmespath"), rule["expression"]
        found = _found(language, _compiled(language, expression), answer)
        return Judged() if found in _NOTHING else Judged(dumps(found))
    except (cel.Wrong, _TooMuch) as error:
        return Judged(error=str(error))
    # What jmespath's functions are given wrongly they raise as they like.
    except (
        jmespath.exceptions.JMESPathError,
        ArithmeticError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as e:
        return Judged(error=f"{type(e).__name__}: {str(e)[:300]}")


def _found(language: Language, compiled: Any, answer: object) -> Any:
    if language == "cel":
        return cel.is_true(compiled, {"answer": answer})
    return _Counted().visit(compiled.parsed, answer)


@lru_cache(maxsize=256)
def _compiled(language: Language, expression: str) -> Any:
    if language == "cel":
        return cel.compiled(expression, {"answer": cel.DYN})
    return jmespath.compile(expression)


class _TooMuch(ValueError):
    """The expression takes too many steps on the answer."""


class _Counted(TreeInterpreter):  # type: ignore[misc]  # jmespath has no types
    """JMESPath that counts its steps, and what each hands on: a short expression can double a list a hundred times."""

    def __init__(self) -> None:
        super().__init__()
        self._left = _MOST_STEPS

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """What a part of the expression comes to. Raises _TooMuch."""
        found = super().visit(node, *args, **kwargs)
        self._left -= 1
        if isinstance(found, str | list | dict):
            self._left -= len(found) // (100 if isinstance(found, str) else 10)
        if self._left < 0:
            raise _TooMuch(f"it takes more than {_MOST_STEPS:,} steps on this answer")
        return found
