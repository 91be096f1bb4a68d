"""What somebody sent and cannot be saved: each problem names the field and what it takes, never what was sent in it."""

from collections.abc import Iterable
from typing import NamedTuple

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from scheduler.slots import BadRecurrence

_NAMES = {"cron": "cronExpression"}


class Problem(NamedTuple):
    """One field, by its path with dots, and what it takes."""

    pointer: str
    detail: str


class BadDefinition(ValueError):
    """A definition cannot be saved; its text is one line that names every field at fault."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.pointer}: {problem.detail}" for problem in self.problems))


class Busy(RuntimeError):
    """There is no room for it now; in a moment there is."""


class Stale(RuntimeError):
    """Somebody else changed it after it was read."""


def refuse(pointer: str, detail: str) -> BadDefinition:
    """The refusal of one field."""
    return BadDefinition([Problem(pointer, detail)])


def of_recurrence(error: BadRecurrence) -> BadDefinition:
    """The refusal of a recurrence, under the names of the body."""
    name, *within = error.field.split(".")
    return refuse(".".join([_NAMES.get(name, to_camel(name)), *within]), error.reason)


def of_model(error: ValidationError, prefix: str = "") -> BadDefinition:
    """The refusal of what a model found, each field under `prefix`."""
    problems = []
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        pointer = ".".join(str(part) for part in ([prefix] if prefix else []) + list(found["loc"]))
        problems.append(Problem(pointer or "body", detail_of(found["type"], found["msg"])))
    return BadDefinition(problems)


def detail_of(kind: str, message: str) -> str:
    """What pydantic says, in our words: what the field takes."""
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        return "is not a field of this"
    message = message.removeprefix("Value error, ").replace("Input should be ", "takes ", 1)
    return " ".join(message.split())
