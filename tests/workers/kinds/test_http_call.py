import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.workers.kinds.contexts import RUN, SCHEDULE, SLOT, context
from tests.workers.wire import LOOPBACK, http_server, raw_server
from workers.http import Client, Response
from workers.kinds import http_call
from workers.kinds.http_call import KIND, Params, body_bytes, outcome_of, retry_after, run, signature_headers
from workers.outcome import Done, Later, Rejected

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_" + base64.b64encode(b"an older key of 24 bytes").decode()


@pytest.fixture
def client() -> Iterator[Client]:
    with closing(Client(allowed=LOOPBACK)) as one:
        yield one


def _params(url: str = "https://example.com/hook", **fields: Any) -> Params:
    return Params.model_validate({"url": url, **fields})


def test_the_signature_is_the_one_of_the_specifications_vector() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signature_headers(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), OLDER.rstrip("=")])
def test_a_call_verifies_with_the_reference_library(client: Client, secret: str) -> None:
    with http_server() as server:
        now = datetime.now(UTC)
        params = _params(f"{server.url}/hook", body={"ü": [1, 2.5, None], "a": "b"}, secret=secret)
        assert isinstance(run(context(params, http=client, started_at=now)), Done)
    [seen] = server.seen
    assert Webhook(secret + "=" * (-len(secret.removeprefix("whsec_")) % 4)).verify(seen.body, seen.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(seen.body + b" ", seen.headers)


def test_while_a_secret_is_rotated_both_keys_verify(client: Client) -> None:
    with http_server() as server:
        params = _params(server.url, body={"a": 1}, secret=f"{SECRET} {OLDER}")
        run(context(params, http=client, started_at=datetime.now(UTC)))
    [seen] = server.seen
    for secret in (SECRET, OLDER):
        assert Webhook(secret).verify(seen.body, seen.headers) == {"a": 1}


def test_a_sealed_secret_is_opened_for_the_call(client: Client) -> None:
    with http_server() as server:
        params = _params(server.url, body={}, secret=f"sealed:k:{SECRET}")
        run(context(params, http=client, started_at=datetime.now(UTC)))
    assert Webhook(SECRET).verify(server.seen[0].body, server.seen[0].headers) == {}


def test_every_call_says_which_run_it_is(client: Client) -> None:
    with http_server() as server:
        run(context(_params(server.url, body={"a": 1}, headers={"X-Mine": "yes"}), http=client, attempt=3))
        run(context(_params(server.url, method="GET"), http=client, schedule_id=None))
    first, second = (seen.headers for seen in server.seen)
    assert first["idempotency-key"] == first["tocsin-run-id"] == str(RUN)
    assert first["tocsin-schedule-id"] == str(SCHEDULE)
    assert first["tocsin-slot"] == "2026-11-21T08:30:00Z"
    assert first["tocsin-attempt"] == "3"
    assert (first["x-mine"], first["content-type"]) == ("yes", "application/json")
    assert "webhook-signature" not in first
    assert "tocsin-schedule-id" not in second
    assert "content-type" not in second


def test_a_retry_has_the_same_id_and_body_and_a_new_timestamp_and_signature(client: Client) -> None:
    with http_server(503) as server:
        for attempt in (1, 2):
            params = _params(server.url, body={"b": 1, "a": {"d": 1, "c": 2}}, secret=SECRET)
            outcome = run(context(params, http=client, attempt=attempt, started_at=SLOT + timedelta(minutes=attempt)))
            assert isinstance(outcome, Later)
    one, two = server.seen
    assert one.body == two.body == b'{"a":{"c":2,"d":1},"b":1}'
    assert one.headers["webhook-id"] == two.headers["webhook-id"]
    assert one.headers["webhook-timestamp"] != two.headers["webhook-timestamp"]
    assert one.headers["webhook-signature"] != two.headers["webhook-signature"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_the_body_is_the_same_after_a_trip_through_storage(body: Any) -> None:
    try:
        first = body_bytes(body)
    except UnicodeEncodeError:
        return
    assert body_bytes(json.loads(json.dumps(body))) == first


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([200, 201, 202, 204, 299], Done),
        ([301, 302, 304, 307, 308, 400, 401, 404, 410, 422, 451], Rejected),
        ([408, 425, 429, 500, 502, 503, 599], Later),
    ],
)
def test_each_status_has_its_outcome(statuses: list[int], expected: type) -> None:
    for status in statuses:
        assert isinstance(outcome_of(Response(status, {}, b""), SLOT), expected)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("120", 120.0),
        ("0", 1.0),
        ("-5", 1.0),
        ("1000000000", 86_400.0),
        ("Sat, 21 Nov 2026 08:32:00 GMT", 120.0),
        ("Sat, 21 Nov 2020 08:32:00 GMT", 1.0),
        ("Sat, 21 Nov 2099 08:32:00 GMT", 86_400.0),
        ("", None),
        ("soon", None),
        ("1e9", None),
        ("٣", None),
        ("9" * 400, 86_400.0),
        ("Sat, 99 Nov 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_kept_between_a_second_and_a_day(asked: str, wait: float | None) -> None:
    assert retry_after({"Retry-After": asked}, SLOT) == wait


def test_a_retry_date_is_measured_on_the_receivers_own_clock() -> None:
    headers = {"Retry-After": "Wed, 01 Jan 2025 00:05:00 GMT", "Date": "Wed, 01 Jan 2025 00:00:00 GMT"}
    assert retry_after(headers, SLOT) == 300.0


def test_a_429_waits_as_long_as_it_asks(client: Client) -> None:
    with http_server(429, b"", {"Retry-After": "7"}) as server:
        assert run(context(_params(server.url), http=client)) == Later(7.0, "the receiver answered 429")


def test_the_answer_is_kept_up_to_four_kilobytes_and_fits_into_json(client: Client) -> None:
    with http_server(200, b"\xff\0" + b"x" * 10_000) as server:
        outcome = run(context(_params(server.url), http=client))
    assert isinstance(outcome, Done)
    assert outcome.result["status"] == 200
    assert outcome.result["bodyBytes"] == 10_002
    assert len(outcome.result["body"]) == 4096
    assert "\0" not in outcome.result["body"]


def test_an_answer_that_is_too_large_still_counts_by_its_status(client: Client) -> None:
    with http_server(200, b"x" * 1_200_000) as server:
        assert isinstance(run(context(_params(server.url), http=client)), Done)


def test_in_dry_mode_nobody_is_called(client: Client) -> None:
    with http_server() as server:
        assert run(context(_params(server.url), http=client, mode="dry")) == Done({"suppressed": True})
    assert server.seen == []


def test_a_closed_address_is_rejected_and_an_absent_server_is_later(client: Client) -> None:
    with closing(Client()) as closed:
        assert isinstance(run(context(_params("http://127.0.0.1:8080"), http=closed)), Rejected)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcome = run(context(_params(f"http://127.0.0.1:{port}/hush"), http=client))
    assert isinstance(outcome, Later)
    assert outcome.delay_seconds is None
    assert "hush" not in outcome.why


def test_a_slow_receiver_is_later_after_the_params_time_out(client: Client) -> None:
    is_over = threading.Event()

    def sit_there(_: socket.socket) -> None:
        is_over.wait(10)

    with raw_server(sit_there) as port:
        params = _params(f"http://127.0.0.1:{port}", timeoutSeconds=0.2)
        assert isinstance(run(context(params, http=client)), Later)
        is_over.set()


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://example.com"},
        {"url": "http://user:pw@example.com"},
        {"headers": {"Host": "x"}},
        {"headers": {"CONTENT-LENGTH": "1"}},
        {"headers": {"Webhook-Signature": "v1,x"}},
        {"headers": {"Tocsin-Run-Id": "x"}},
        {"headers": {"Idempotency-Key": "x"}},
        {"headers": {"X-A": "1\r\nX-B: 2"}},
        {"headers": {"X-A": "1\n"}},
        {"headers": {"X-A\r\nX-B": "1"}},
        {"headers": {"X A": "1"}},
        {"headers": {"": "1"}},
        {"headers": {"X-A": "é"}},
        {"headers": {"X-A": "1", "x-a": "2"}},
        {"headers": {f"X-{n}": "1" for n in range(51)}},
        {"method": "TRACE"},
        {"method": "POST\r\n"},
        {"method": "GET", "body": {}},
        {"timeoutSeconds": 0},
        {"timeoutSeconds": 1e9},
        {"body": float("nan")},
        {"body": {"a": "x" * 1_000_001}},
        {"body": {"a": object()}},
        {"secret": ""},
        {"secret": "whsec_"},
        {"secret": "whsec_not base64!"},
        {"unknown": 1},
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_saved(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        _params(**fields)
    assert "not base64" not in str(caught.value)


def test_params_are_accepted_in_both_spellings_and_come_back_as_saved() -> None:
    for fields in ({"timeoutSeconds": 5}, {"timeout_seconds": 5}):
        params = Params.model_validate({"url": "https://example.com", **fields})
        assert Params.model_validate_json(params.model_dump_json(by_alias=True)) == params
    assert KIND.name == "http.call"
    assert set(KIND.secret_fields) == {"secret", "headers"}
    assert Params.model_json_schema()["properties"]["secret"]["writeOnly"] is True
    assert http_call.KIND.Params is Params
