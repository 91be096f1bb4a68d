"""A turn in the words of Anthropic's /v1/messages."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic

from workers.chat.endpoint import Endpoint
from workers.chat.transport import Carrier, client
from workers.chat.trouble import Half, TooLong
from workers.chat.turns import LARGEST_TURN, Call, Request, Stop, Turn, User, arguments_of

_STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "filtered",
}


def turn(endpoint: Endpoint, request: Request, carrier: Carrier) -> Turn:
    """Return the model's whole turn. Raises what the library and the guarded client raise, Half and TooLong."""
    with client(carrier) as http:
        api = anthropic.Anthropic(
            api_key=endpoint.key,
            base_url=endpoint.url,
            max_retries=0,
            timeout=None,
            http_client=http,
            default_headers={"Idempotency-Key": request.key},
        )
        answer = api.messages.with_raw_response.create(stream=True, **_body(endpoint, request))
        if "text/event-stream" in answer.headers.get("Content-Type", "text/event-stream"):
            return _read(answer.parse())
        return _whole(json.loads(answer.http_response.read()))


def _body(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": endpoint.model,
        "system": request.system,
        "messages": list(_messages(request)),
        "max_tokens": request.most_tokens,
    }
    if request.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
            for tool in request.tools
        ]
        body["tool_choice"] = {"type": "auto" if request.may_call else "none"}
    return body


def _messages(request: Request) -> Iterator[dict[str, Any]]:
    for said in request.said:
        if isinstance(said, User):
            yield {"role": "user", "content": said.text}
        elif isinstance(said, Turn):
            text = [{"type": "text", "text": said.text}] if said.text.strip() else []
            calls = [
                {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_of(call) or {}}
                for call in said.calls
            ]
            yield {"role": "assistant", "content": [*text, *calls]}
        else:
            results = [
                {"type": "tool_result", "tool_use_id": one.call_id, "content": one.content, "is_error": one.is_error}
                for one in said.results
            ]
            yield {"role": "user", "content": results}


def _read(events: Any) -> Turn:
    """The turn that the pieces make up; one without its last event is half."""
    texts: list[str] = []
    calls: dict[int, list[str]] = {}
    stop, model, tokens_in, tokens_out, size, is_whole = "", "", None, None, 0, False
    for event in events:
        match event.type:
            case "message_start":
                model = event.message.model
                tokens_in = _tokens_in(event.message.usage.model_dump())
            case "content_block_start" if event.content_block.type == "tool_use":
                calls[event.index] = [event.content_block.id, event.content_block.name, ""]
            case "content_block_delta" if event.delta.type == "text_delta":
                texts.append(event.delta.text)
                size += len(event.delta.text)
            case "content_block_delta" if event.delta.type == "input_json_delta":
                calls[event.index][2] += event.delta.partial_json
                size += len(event.delta.partial_json)
            case "message_delta":
                stop = event.delta.stop_reason or stop
                tokens_out = event.usage.output_tokens
            case "message_stop":
                is_whole = True
        if size > LARGEST_TURN:
            raise TooLong
    if not (is_whole and stop):
        raise Half("its answer broke off")
    return _turn(texts, list(calls.values()), stop, model, (tokens_in, tokens_out))


def _whole(body: dict[str, Any]) -> Turn:
    """The turn of an endpoint that sends no pieces."""
    blocks = body["content"]
    texts = [block["text"] for block in blocks if block["type"] == "text"]
    calls = [
        [block["id"], block["name"], json.dumps(block.get("input") or {})]
        for block in blocks
        if block["type"] == "tool_use"
    ]
    if sum(map(len, texts)) + sum(len(call[2]) for call in calls) > LARGEST_TURN:
        raise TooLong
    if not body.get("stop_reason"):
        raise Half("its answer does not say why it ended")
    usage = body.get("usage") or {}
    tokens = (_tokens_in(usage), usage.get("output_tokens"))
    return _turn(texts, calls, body["stop_reason"], body.get("model") or "", tokens)


def _tokens_in(usage: dict[str, Any]) -> int | None:
    """What was sent, with what the endpoint wrote into or read from its cache."""
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return None if usage.get("input_tokens") is None else sum(usage.get(name) or 0 for name in names)


def _turn(
    texts: list[str], calls: list[list[str]], stop: str, model: str, tokens: tuple[int | None, int | None]
) -> Turn:
    made = tuple(Call(id, name, text) for id, name, text in calls)
    return Turn("".join(texts), made, _STOPS.get(stop, "end"), model, *tokens)
