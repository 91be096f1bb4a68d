"""What a model says, in the words of the two protocols: pieces of a stream, or a whole answer."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

NAME = "demo-model-1"

# An event's name, empty where the protocol has none, and its data.
Event = tuple[str, dict[str, Any]]


class Said(NamedTuple):
    """What the model says in one turn: a text, tools called with arguments, and why it stops."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    stop: str = "end"


class Words:
    """The words of one answer: to a request with this body, in this protocol."""

    def __init__(self, body: dict[str, Any], *, is_anthropic: bool, tells_usage: bool) -> None:
        self.is_anthropic = is_anthropic
        self._body = body
        self._tells_usage = tells_usage

    def results(self) -> list[tuple[str, str]]:
        """What tools answered since the last question: the tool's name, and its text."""
        names: dict[str, str] = {}
        found: list[tuple[str, str]] = []
        for message in self._body["messages"]:
            content = message.get("content")
            blocks = content if isinstance(content, list) else []
            if message["role"] == "user" and not blocks:
                found = []
            for call in message.get("tool_calls") or ():
                names[call["id"]] = call["function"]["name"]
            names |= {block["id"]: block["name"] for block in blocks if block["type"] == "tool_use"}
            if message["role"] == "tool":
                found.append((names[message["tool_call_id"]], content))
            found += [
                (names[block["tool_use_id"]], block["content"]) for block in blocks if block["type"] == "tool_result"
            ]
        return found

    def begin(self) -> Iterator[Event]:
        """What comes before all text."""
        if self.is_anthropic:
            usage = {"input_tokens": self._tokens()[0], "output_tokens": 1}
            message = {"id": "msg_1", "type": "message", "role": "assistant", "model": NAME, "content": []}
            yield "message_start", {"message": {**message, "usage": usage, "stop_reason": None}}
            yield "content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}
        else:
            yield "", {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}

    def piece(self, text: str) -> Iterator[Event]:
        """A piece of text."""
        if self.is_anthropic:
            yield "content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}}
        else:
            yield "", {"choices": [{"index": 0, "delta": {"content": text}}]}

    def end(self, said: Said) -> Iterator[Event]:
        """The calls, why it stops, and what it cost."""
        calls = list(enumerate(zip(self._ids(said), said.calls, strict=True)))
        tokens_out = self._tokens(said)[1]
        if self.is_anthropic:
            yield "content_block_stop", {"index": 0}
            for place, (id, (name, arguments)) in calls:
                block = {"type": "tool_use", "id": id, "name": name, "input": {}}
                yield "content_block_start", {"index": place + 1, "content_block": block}
                for part in (arguments[:5], arguments[5:]):
                    delta = {"type": "input_json_delta", "partial_json": part}
                    yield "content_block_delta", {"index": place + 1, "delta": delta}
                yield "content_block_stop", {"index": place + 1}
            yield "message_delta", {"delta": {"stop_reason": self._stop(said)}, "usage": {"output_tokens": tokens_out}}
            yield "message_stop", {}
            return
        for place, (id, (name, arguments)) in calls:
            for head, part in (({"id": id, "type": "function"}, arguments[:5]), ({}, arguments[5:])):
                function = {"arguments": part, **({"name": name} if head else {})}
                piece = {"index": place, **head, "function": function}
                yield "", {"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
        yield "", {"choices": [{"index": 0, "delta": {}, "finish_reason": self._stop(said)}]}
        if self._tells_usage:
            yield "", {"choices": [], "usage": self._usage(said)}

    def whole(self, said: Said) -> dict[str, Any]:
        """The answer of an endpoint that sends no pieces."""
        named = list(zip(self._ids(said), said.calls, strict=True))
        if self.is_anthropic:
            blocks = [{"type": "text", "text": said.text}] if said.text else []
            blocks += [_tool_use(id, name, arguments) for id, (name, arguments) in named]
            usage = dict(zip(("input_tokens", "output_tokens"), self._tokens(said), strict=True))
            body = {"id": "msg_1", "type": "message", "role": "assistant", "model": NAME, "content": blocks}
            return {**body, "stop_reason": self._stop(said), "usage": usage}
        calls = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, (name, arguments) in named
        ]
        message = {"role": "assistant", "content": said.text or None, "tool_calls": calls or None}
        choice = {"index": 0, "message": message, "finish_reason": self._stop(said)}
        return {
            "id": "chat-1",
            "object": "chat.completion",
            "model": NAME,
            "choices": [choice],
            "usage": self._usage(said),
        }

    def _stop(self, said: Said) -> str:
        if self.is_anthropic:
            return {"end": "end_turn", "calls": "tool_use", "length": "max_tokens", "filtered": "refusal"}[said.stop]
        return {"end": "stop", "calls": "tool_calls", "length": "length", "filtered": "content_filter"}[said.stop]

    def _ids(self, said: Said) -> list[str]:
        """An id for each call, another in each turn."""
        return [f"call_{len(self._body['messages'])}_{place}" for place in range(len(said.calls))]

    def _tokens(self, said: Said | None = None) -> tuple[int, int]:
        """What this answer costs, counted by a rule that any reader can repeat: a token for four bytes."""
        words = "" if said is None else said.text + "".join(name + arguments for name, arguments in said.calls)
        return len(json.dumps(self._body["messages"])) // 4, len(words.encode()) // 4 + 1

    def _usage(self, said: Said) -> dict[str, int]:
        into, out = self._tokens(said)
        return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}


def _tool_use(id: str, name: str, arguments: str) -> dict[str, Any]:
    try:
        found = json.loads(arguments)
    except ValueError:
        found = {}
    return {"type": "tool_use", "id": id, "name": name, "input": found}
