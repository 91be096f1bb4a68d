"""A turn in the words of /v1/chat/completions, as OpenAI and whoever is compatible with it speak it."""

import json
from collections.abc import Iterator
from typing import Any

import openai

from workers.chat.endpoint import Endpoint
from workers.chat.transport import Carrier, client
from workers.chat.trouble import Half, TooLong
from workers.chat.turns import LARGEST_TURN, Call, Request, Stop, Turn, User, arguments_of

_STOPS: dict[str, Stop] = {"stop": "end", "tool_calls": "calls", "length": "length", "content_filter": "filtered"}
_OPENAI = "https://api.openai.com"


def turn(endpoint: Endpoint, request: Request, carrier: Carrier) -> Turn:
    """Return the model's whole turn. Raises what the library and the guarded client raise, Half and TooLong."""
    with client(carrier) as http:
        api = openai.OpenAI(
            # Without one it would look for a key in the environment; servers of one's own take any.
            api_key=endpoint.key or "none",
            base_url=endpoint.url,
            max_retries=0,
            timeout=None,
            http_client=http,
            default_headers={"Idempotency-Key": request.key},
        )
        answer = api.chat.completions.with_raw_response.create(stream=True, **_body(endpoint, request))
        if "text/event-stream" in answer.headers.get("Content-Type", "text/event-stream"):
            return _read(answer.parse())
        return _whole(json.loads(answer.http_response.read()))


def _body(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    # OpenAI's newer models take the one name alone, most others know only the older one.
    most = "max_completion_tokens" if endpoint.origin == _OPENAI else "max_tokens"
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [{"role": "system", "content": request.system}, *_messages(request)],
        "stream_options": {"include_usage": True},
        most: request.most_tokens,
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            }
            for tool in request.tools
        ]
        body["tool_choice"] = "auto" if request.may_call else "none"
    return body


def _messages(request: Request) -> Iterator[dict[str, Any]]:
    for said in request.said:
        if isinstance(said, User):
            yield {"role": "user", "content": said.text}
        elif isinstance(said, Turn):
            calls = [
                {
                    "id": call.id,
                    "type": "function",
                    # What is no JSON would be refused when it is sent back.
                    "function": {
                        "name": call.name,
                        "arguments": call.arguments if arguments_of(call) is not None else "{}",
                    },
                }
                for call in said.calls
            ]
            yield {"role": "assistant", "content": said.text or None, **({"tool_calls": calls} if calls else {})}
        else:
            for one in said.results:
                yield {"role": "tool", "tool_call_id": one.call_id, "content": one.content}


def _read(chunks: Any) -> Turn:
    """The turn that the pieces make up; half a one has no reason why it ended."""
    texts: list[str] = []
    refusals: list[str] = []
    calls: dict[int, list[str]] = {}
    stop, model, usage, size = "", "", None, 0
    for chunk in chunks:
        model = chunk.model or model
        usage = getattr(chunk, "usage", None) or usage
        for choice in chunk.choices or ():
            texts.append(choice.delta.content or "")
            refusals.append(choice.delta.refusal or "")
            size += len(texts[-1]) + len(refusals[-1])
            for piece in choice.delta.tool_calls or ():
                call = calls.setdefault(piece.index, ["", "", ""])
                function = piece.function
                call[0] = piece.id or call[0]
                call[1] += (function and function.name) or ""
                call[2] += (function and function.arguments) or ""
                size += len((function and function.arguments) or "")
            stop = choice.finish_reason or stop
        if size > LARGEST_TURN:
            raise TooLong
    if not stop:
        raise Half("its answer broke off")
    tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    return _turn(texts, refusals, list(calls.values()), stop, model, tokens)


def _whole(body: dict[str, Any]) -> Turn:
    """The turn of an endpoint that sends no pieces."""
    choice = body["choices"][0]
    message = choice["message"]
    calls = [
        [call.get("id") or "", call["function"]["name"], call["function"].get("arguments") or ""]
        for call in message.get("tool_calls") or ()
    ]
    content, refusal = message.get("content") or "", message.get("refusal") or ""
    if len(content) + sum(len(call[2]) for call in calls) > LARGEST_TURN:
        raise TooLong
    if not choice.get("finish_reason"):
        raise Half("its answer does not say why it ended")
    usage = body.get("usage") or {}
    tokens = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    return _turn([content], [refusal], calls, choice["finish_reason"], body.get("model") or "", tokens)


def _turn(
    texts: list[str], refusals: list[str], calls: list[list[str]], stop: str, model: str, tokens: tuple[Any, Any]
) -> Turn:
    refusal = "".join(refusals)
    ended: Stop = "filtered" if refusal else _STOPS.get(stop, "end")
    if ended == "end" and calls:
        ended = "calls"  # some servers say `stop` all the same
    made = tuple(Call(id or f"call_{place}", name, text) for place, (id, name, text) in enumerate(calls))
    return Turn("".join(texts) or refusal, made, ended, model, *tokens)
