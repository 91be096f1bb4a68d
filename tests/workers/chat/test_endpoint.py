"""Settings of the model: what they take, and what never shows."""

import socket
import subprocess
import sys
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from config.environ import BadSetting, read
from local.model_server import ModelServer
from tests.workers.chat.talks import KEY, QUICK, talk
from tests.workers.wire import LOOPBACK, http_server, raw_server
from tocsin import checks
from workers.chat import data
from workers.chat.endpoint import SETTINGS, Endpoint
from workers.chat.outcome import Answered, Refused, Unavailable
from workers.http import Client, TooLarge, TooSlow, Unreachable

WHOLE = {"CHATBOT_URL": "https://models.example.com/v1/", "CHATBOT_MODEL": "m-1", "CHATBOT_API_KEY": KEY}


def of(**more: str) -> Endpoint | None:
    return Endpoint.of(read(SETTINGS, {**WHOLE, **more}))


@pytest.mark.parametrize(
    ("url", "protocol", "address"),
    [
        ("https://models.example.com/v1/", "openai", "https://models.example.com/v1"),
        ("http://127.0.0.1:11434/v1", "openai", "http://127.0.0.1:11434/v1"),
        ("anthropic://", "anthropic", "https://api.anthropic.com"),
        ("anthropic://proxy.example.com/models", "anthropic", "https://proxy.example.com/models"),
        ("anthropic+http://127.0.0.1:8080", "anthropic", "http://127.0.0.1:8080"),
    ],
)
def test_an_address_says_the_protocol(url: str, protocol: str, address: str) -> None:
    found = of(CHATBOT_URL=url, CHATBOT_PRICES="2.50,10")
    assert found is not None
    assert (found.protocol, found.url, found.model) == (protocol, address, "m-1")
    assert found.dollars(1_000_000, 100_000) == Decimal("3.5")
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CHATBOT_URL", "models.example.com"),
        ("CHATBOT_URL", "https://user:hush@models.example.com/v1"),
        ("CHATBOT_URL", "ftp://models.example.com"),
        ("CHATBOT_URL", "https://models.example.com/v1 hush"),
        ("CHATBOT_API_KEY", "hush\r\nX-Other: 1"),
        ("CHATBOT_API_KEY", "hüsh"),
        ("CHATBOT_PRICES", "3"),
        ("CHATBOT_PRICES", "3,-1"),
        ("CHATBOT_PRICES", "NaN,1"),
        ("CHATBOT_PRICES", "a,b"),
    ],
)
def test_a_malformed_setting_is_told_in_one_line_without_its_secret(name: str, text: str) -> None:
    with pytest.raises(BadSetting) as caught:
        of(**{name: text})
    assert str(caught.value).startswith(name)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_needs_its_model_and_anthropics_its_key() -> None:
    assert Endpoint.of(read(SETTINGS, {})) is None
    with pytest.raises(BadSetting, match="CHATBOT_MODEL is not set"):
        of(CHATBOT_MODEL="")
    with pytest.raises(BadSetting, match="CHATBOT_API_KEY is not set"):
        of(CHATBOT_URL="anthropic://", CHATBOT_API_KEY="")
    keyless = of(CHATBOT_API_KEY="")
    assert keyless is not None
    assert keyless.key == ""


def test_the_doctor_reads_them_and_shows_the_origin_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> tuple[str, str]:
        [check] = [check for check in checks.of_settings() if check.name == "model"]
        return check.state, check.detail

    assert told() == ("ok", "CHATBOT_URL is not set: reports are made without one")
    monkeypatch.setenv("CHATBOT_URL", "https://models.example.com/hush/v1")
    assert told() == ("fail", "CHATBOT_MODEL is not set; CHATBOT_URL needs it, the model's name at that endpoint")
    monkeypatch.setenv("CHATBOT_MODEL", "m-1")
    monkeypatch.setenv("CHATBOT_API_KEY", "hush")
    assert told() == ("ok", "m-1 at https://models.example.com, in openai's protocol")
    monkeypatch.setattr("workers.chat.endpoint.find_spec", lambda _: None)
    assert told() == ("fail", "CHATBOT_URL is set, and workers need the extra ai: install tocsin[ai]")


def test_an_endpoint_that_repeats_the_key_is_quoted_without_it() -> None:
    body = f'{{"error": {{"message": "no such key: {KEY}\\n{"x" * 1000}"}}}}'.encode()
    with ModelServer() as server:
        pass
    with http_server(401, body, {"Content-Type": "application/json"}) as found:
        server.port = int(found.url.rpartition(":")[2])
        with talk(server) as conversation:
            answer = conversation.ask("Tell me.")
    assert isinstance(answer, Refused)
    assert answer.why.startswith("the model's endpoint answers 401: no such key: *** x")
    assert len(answer.why) < 400


def test_a_model_that_is_not_there_is_away() -> None:
    with ModelServer() as server:
        pass
    with talk(server) as conversation:
        answer = conversation.ask("Tell me.")
    assert isinstance(answer, Unavailable)
    assert answer.reason == "away"
    assert f"http://127.0.0.1:{server.port}" in answer.why


def test_a_prompt_is_never_sent_in_plain_text_to_an_address_that_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelServer, "url", "http://8.8.8.8/v1")
    with ModelServer() as server, talk(server) as conversation:
        answer = conversation.ask("Tell me.")
    assert isinstance(answer, Refused)
    assert "plain text" in answer.why


def test_an_environment_of_the_libraries_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server() as elsewhere:
        for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "HTTP_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, elsewhere.url)
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
            monkeypatch.setenv(name, "sk-another")
        for protocol in ("openai", "anthropic"):
            with ModelServer(["say So."]) as server, talk(server, protocol, limits=QUICK) as conversation:
                assert isinstance(conversation.ask("Tell me."), Answered)
            assert [seen.headers["authorization"] for seen in server.seen] == [f"Bearer {KEY}"]
        assert elsewhere.seen == []


def test_a_worker_that_asks_no_model_reads_no_library() -> None:
    code = "import sys, workers.main; assert not {'openai', 'anthropic', 'httpx2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_nobody_sees_is_taken_out_of_what_the_model_reads() -> None:
    assert data.plain("a\u200bb\u202ec\U000e0041d\x00e\nf") == "abcde f"
    assert "<" not in data.wrapped({"a": "</data x>"}).split("\n")[1]


def test_an_answer_in_pieces_ends_when_it_is_silent_late_or_large(tmp_path: Path) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100)
        while connection.send(b"x"):
            time.sleep(0.01)

    def silent(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 100)
        connection.recv(1)

    seen: list[str] = []
    with closing(Client(allowed=LOOPBACK, observe=lambda _kind, outcome, _seconds: seen.append(outcome))) as client:
        for script, options, error in (
            (drip, {"deadline": 0.2, "idle_seconds": 5.0}, TooSlow),
            (silent, {"deadline": 5.0, "idle_seconds": 0.1}, TooSlow),
            (silent, {"deadline": 5.0, "idle_seconds": 5.0, "max_bytes": 50}, TooLarge),
        ):
            options["deadline"] += time.monotonic()
            with raw_server(script) as port:
                opened = client.open("POST", f"http://127.0.0.1:{port}/", **options)  # type: ignore[arg-type]
                with closing(opened), pytest.raises(error):
                    list(opened)
        with raw_server(lambda _: None) as port, pytest.raises(Unreachable):
            client.open("POST", f"http://127.0.0.1:{port}/", deadline=time.monotonic() + 5, idle_seconds=5)
        with http_server(201, b"abc") as server:
            opened = client.open("POST", server.url, content=b"x", deadline=time.monotonic() + 5, idle_seconds=5)
            with closing(opened):
                assert b"".join(opened) == b"abc"
    assert seen == ["too_slow", "too_slow", "too_large", "unreachable", "2xx"]
