"""A conversation in no protocol's words: what is said by whom, and what one turn of a model is asked and brings."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Stop = Literal["end", "calls", "length", "filtered"]
# Of letters; and of bytes as a step keeps it, which holds 256 KiB with what was asked.
LARGEST_TURN = 100_000
LARGEST_KEPT = 200_000
# What no jsonb can hold.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


class Call(NamedTuple):
    """A tool that the model calls; `arguments` is JSON, or what it took for JSON."""

    id: str
    name: str
    arguments: str


class User(NamedTuple):
    """What the model is asked."""

    text: str


class Turn(NamedTuple):
    """One whole turn of the model. Tokens are None where the endpoint told none; `requests` is how many it took."""

    text: str
    calls: tuple[Call, ...]
    stop: Stop
    model: str
    tokens_in: int | None
    tokens_out: int | None
    requests: int = 1

    def as_json(self) -> dict[str, Any]:
        """Return it as a step keeps it."""
        return {**self._asdict(), "calls": [call._asdict() for call in self.calls]}

    def storable(self) -> "Turn":
        """Return it without what can't be kept."""
        calls = tuple(Call(*(_UNSTORABLE.sub("", part) for part in call)) for call in self.calls)
        return self._replace(
            text=_UNSTORABLE.sub("", self.text), model=_UNSTORABLE.sub("", self.model)[:200], calls=calls
        )

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Turn":
        """Return the turn that a step kept."""
        return cls(**{**kept, "calls": tuple(Call(**call) for call in kept["calls"])})


class Result(NamedTuple):
    """What a tool answered to a call."""

    call_id: str
    content: str
    is_error: bool = False


class Results(NamedTuple):
    """The answers to all calls of the turn before."""

    results: tuple[Result, ...]


Said = User | Turn | Results


class Tool(NamedTuple):
    """A tool as the model is told of it: `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What one turn is asked for. `key` is the same however often it is sent; without `may_call` an answer is due."""

    system: str
    said: Sequence[Said]
    tools: Sequence[Tool]
    may_call: bool
    most_tokens: int
    key: str

    def estimated_tokens(self) -> int:
        """Return about how many tokens it holds, rather too many for English: one for three bytes."""
        words = [self.system, *(tool.description + json.dumps(tool.parameters) for tool in self.tools)]
        words += [text for each in self.said for text in _texts(each)]
        return sum(len(word.encode()) for word in words) // 3 + 1


def arguments_of(call: Call) -> dict[str, Any] | None:
    """Return what a tool is called with; None where that is no JSON object."""
    try:
        found = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def as_messages(said: Sequence[Said]) -> tuple[dict[str, Any], ...]:
    """Return what was said as JSON for a run's record."""
    found: list[dict[str, Any]] = []
    for each in said:
        match each:
            case User():
                found.append({"role": "user", "content": each.text})
            case Turn():
                calls = [{"id": call.id, "tool": call.name, "arguments": call.arguments} for call in each.calls]
                found.append({"role": "assistant", "content": each.text, **({"calls": calls} if calls else {})})
            case Results():
                found += [
                    {"role": "tool", "callId": one.call_id, "content": one.content, "isError": one.is_error}
                    for one in each.results
                ]
    return tuple(found)


def _texts(said: Said) -> list[str]:
    match said:
        case User():
            return [said.text]
        case Turn():
            return [said.text, *(call.name + call.arguments for call in said.calls)]
        case Results():
            return [one.content for one in said.results]
