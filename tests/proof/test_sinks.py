"""What the sinks witness is what happened, and it is on disk before anybody is answered."""

import hashlib
import json
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from local.mail import MailSink
from proof.records import SinkEvent, Start
from proof.sinks import CallSink, read_sink, read_starts

MAIL = b"Message-ID: <run.0@example.com>\r\nSubject: Employment\r\n\r\nMessage-ID: <no@example.com>\r\n.a dot\r\n"
MAIL_SHA = hashlib.sha256(MAIL.rstrip(b"\r\n")).hexdigest()
START = {"run": "r1", "slot": 1_700_000_000_000, "schedule": "s1", "attempt": 1, "pid": 42}


def wait_for(folder: Path, count: int) -> list[SinkEvent]:
    """The events, once there are as many: what follows an answer is written after it."""
    until = time.monotonic() + 10
    while len(found := read_sink(folder)) < count:
        assert time.monotonic() < until, found
        time.sleep(0.01)
    return found


def told(events: list[SinkEvent]) -> list[tuple[str, str, str, bool]]:
    return [(each.phase, each.key, each.recipient, bool(each.sha)) for each in events]


@pytest.fixture
def witness() -> Iterator[MailSink]:
    with MailSink(events=True, files=False) as sink:
        yield sink


@pytest.fixture
def calls() -> Iterator[CallSink]:
    with CallSink() as sink:
        yield sink


@pytest.fixture
def post(calls: CallSink) -> Iterator[Callable[..., httpx.Response]]:
    with httpx.Client(base_url=calls.url) as client:
        yield lambda path, body, key="": client.post(
            path, content=body, headers={"Idempotency-Key": key} if key else {}
        )


def send(sink: MailSink, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=5) as client:
        client.sendmail("tocsin@example.com", recipients, MAIL)


def test_a_mail_is_begun_kept_and_replied_for_each_of_its_recipients(witness: MailSink) -> None:
    before = time.time()
    send(witness, "ann@example.com", "bob@example.com")
    events = wait_for(witness.folder, 6)
    both = ["ann@example.com", "bob@example.com"]
    key = "<run.0@example.com>"
    assert told(events) == [
        (phase, key, recipient, phase != "begin") for phase in ("begin", "kept", "replied") for recipient in both
    ]
    assert {each.sha for each in events if each.sha} == {MAIL_SHA}
    assert {each.sink for each in events} == {"smtp"}
    times = [before, *(each.at for each in events), time.time()]
    assert times == sorted(times)


def test_without_files_only_the_events_are_kept(witness: MailSink) -> None:
    send(witness, "ann@example.com")
    assert [file.name for file in witness.folder.iterdir()] == ["events.jsonl"]
    assert witness.mails() == []


def test_with_files_both_are_kept_and_agree(tmp_path: Path) -> None:
    with MailSink(tmp_path, events=True) as sink:
        send(sink, "ann@example.com")
        (mail,) = sink.mails()
        kept = wait_for(tmp_path, 3)[1]
    assert kept.phase == "kept"
    assert hashlib.sha256(mail.content.rstrip(b"\r\n")).hexdigest() == kept.sha
    assert mail.message["Message-ID"] == kept.key


def test_events_are_off_unless_asked_for(mail: MailSink) -> None:
    send(mail, "ann@example.com")
    assert not (mail.folder / "events.jsonl").exists()


def test_a_mail_that_would_be_kept_nowhere_is_refused_at_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.mail_server", "--folder", str(tmp_path), "--no-files"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert "--no-files needs --events" in ended.stderr


def test_a_mail_is_kept_when_its_250_arrives_even_if_the_sink_is_killed_then(tmp_path: Path) -> None:
    with MailSink(tmp_path, events=True, files=False) as sink:
        for _ in range(5):
            with smtplib.SMTP("127.0.0.1", sink.port, timeout=5) as client:
                client.sendmail("tocsin@example.com", "ann@example.com", MAIL)
                sink.stop()
            sink.start()
    assert sum(each.phase == "kept" for each in read_sink(tmp_path)) == 5


@pytest.mark.parametrize(
    ("behaviour", "phases"),
    [
        ("554-after-dot", ["begin", "replied"]),
        ("drop-after-dot", ["begin", "kept", "cut"]),
    ],
)
def test_a_refused_mail_is_not_kept_and_a_dropped_one_is_cut(
    witness: MailSink, behaviour: str, phases: list[str]
) -> None:
    with pytest.raises(smtplib.SMTPException):
        send(witness, f"{behaviour}@example.com")
    assert [each.phase for each in wait_for(witness.folder, len(phases))] == phases


def test_a_mail_cut_off_within_its_body_is_begun_and_cut_by_its_name(witness: MailSink) -> None:
    with socket.create_connection(("127.0.0.1", witness.port), timeout=5) as client, client.makefile("rb") as answers:
        for line in (b"EHLO x", b"MAIL FROM:<a@example.com>", b"RCPT TO:<ann@example.com>", b"DATA"):
            client.sendall(line + b"\r\n")
        while not answers.readline().startswith(b"354"):
            pass
        # In two pieces, the name cut in the middle.
        client.sendall(MAIL[:20])
        time.sleep(0.05)
        client.sendall(MAIL[20:60])
        wait_for(witness.folder, 1)
    key = "<run.0@example.com>"
    assert told(wait_for(witness.folder, 2)) == [
        ("begin", key, "ann@example.com", False),
        ("cut", key, "ann@example.com", False),
    ]


def test_a_client_that_dies_in_the_delay_leaves_a_mail_that_is_kept_and_cut() -> None:
    with MailSink(events=True, files=False, delay_ms=10_000) as sink:
        client = smtplib.SMTP("127.0.0.1", sink.port, timeout=5)
        client.ehlo()
        client.mail("tocsin@example.com")
        client.rcpt("ann@example.com")
        client.putcmd("data")
        client.getreply()
        client.send(MAIL + b".\r\n")
        wait_for(sink.folder, 2)
        client.close()
        assert [each.phase for each in wait_for(sink.folder, 3)] == ["begin", "kept", "cut"]


def test_the_delay_lies_between_kept_and_replied() -> None:
    with MailSink(events=True, files=False, delay_ms=200) as sink:
        send(sink, "ann@example.com")
        _, kept, replied = wait_for(sink.folder, 3)
    assert 0.19 <= replied.at - kept.at < 2


def test_hundreds_at_a_time_are_each_kept_once(witness: MailSink) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: send(witness, f"r{n}@example.com"), range(200)))
    events = wait_for(witness.folder, 600)
    for phase in ("begin", "kept", "replied"):
        assert sorted(each.recipient for each in events if each.phase == phase) == sorted(
            f"r{n}@example.com" for n in range(200)
        )


def test_a_last_line_without_its_end_is_not_read_and_dropped_by_the_next_process(tmp_path: Path) -> None:
    with MailSink(tmp_path, events=True, files=False) as sink:
        send(sink, "ann@example.com")
        whole = wait_for(tmp_path, 3)
        sink.stop()
        with (tmp_path / "events.jsonl").open("a") as out:
            out.write('{"at": 1.0, "si')
        assert read_sink(tmp_path) == whole
        sink.start()
        send(sink, "ann@example.com")
        assert wait_for(tmp_path, 6)[:3] == whole


def test_nothing_is_read_where_nothing_was_kept(tmp_path: Path) -> None:
    assert read_sink(tmp_path) == []
    assert read_starts(tmp_path) == []


def test_a_call_is_begun_kept_and_replied(calls: CallSink, post: Callable[..., httpx.Response]) -> None:
    assert post("/effect/alert", b"body", "k1").json() == {"id": "1"}
    assert told(wait_for(calls.folder, 3)) == [
        ("begin", "k1", "/effect/alert", False),
        ("kept", "k1", "/effect/alert", True),
        ("replied", "k1", "/effect/alert", True),
    ]
    assert read_sink(calls.folder)[1].sha == hashlib.sha256(b"body").hexdigest()


def test_a_known_key_gets_the_stored_answer_and_is_not_kept_again(
    calls: CallSink, post: Callable[..., httpx.Response]
) -> None:
    first, other, again = (post("/effect/a", b"body", key) for key in ("k1", "k2", "k1"))
    assert (again.status_code, again.content) == (200, first.content)
    assert other.content != first.content
    events = wait_for(calls.folder, 8)
    assert [each.phase for each in events if each.key == "k1"] == ["begin", "kept", "replied", "begin", "replied"]


def test_a_known_key_with_another_body_is_a_conflict_and_not_kept(
    calls: CallSink, post: Callable[..., httpx.Response]
) -> None:
    post("/effect/a", b"body", "k1")
    assert post("/effect/a", b"changed", "k1").status_code == 409
    assert [each.phase for each in wait_for(calls.folder, 5)][3:] == ["begin", "replied"]


def test_keys_are_known_after_a_restart(tmp_path: Path) -> None:
    with CallSink(tmp_path) as sink:
        answers = []
        for _ in range(2):
            answers.append(httpx.post(f"{sink.url}/effect/a", content=b"body", headers={"Idempotency-Key": "k1"}).text)
            sink.stop()
            sink.start()
    assert answers[0] == answers[1]
    assert sum(each.phase == "kept" for each in read_sink(tmp_path)) == 1


def test_the_same_key_many_times_at_once_is_kept_once(calls: CallSink, post: Callable[..., httpx.Response]) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post("/effect/a", b"body", "k1").content, range(40)))
    assert len(set(answers)) == 1
    assert sum(each.phase == "kept" for each in wait_for(calls.folder, 81)) == 1


def test_calls_without_a_key_are_each_kept(calls: CallSink, post: Callable[..., httpx.Response]) -> None:
    assert [post("/effect/a", b"body").json()["id"] for _ in range(2)] == ["1", "2"]
    assert sum(each.phase == "kept" for each in wait_for(calls.folder, 6)) == 2


@pytest.mark.parametrize(("sent", "phases"), [(b"hal", ["begin", "cut"]), (b"whole", ["begin", "kept", "cut"])])
def test_a_client_that_leaves_early_is_cut_and_a_half_body_is_not_kept(sent: bytes, phases: list[str]) -> None:
    with CallSink(delay_ms=300) as sink:
        with socket.create_connection(("127.0.0.1", sink.port), timeout=5) as client:
            head = b"POST /effect/a HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k1\r\nContent-Length: 5\r\n\r\n"
            client.sendall(head + sent)
            wait_for(sink.folder, len(phases) - 1)
        assert [each.phase for each in wait_for(sink.folder, len(phases))] == phases


def test_starts_are_kept_one_or_many_with_the_time_at_which_they_arrived(
    calls: CallSink, post: Callable[..., httpx.Response]
) -> None:
    before = time.time()
    assert post("/start", json.dumps(START)).status_code == 204
    assert post("/start", json.dumps([START | {"run": "r2"}, START | {"run": "r3"}])).status_code == 204
    starts = read_starts(calls.folder)
    assert [each._replace(at=0) for each in starts] == [
        Start(0, run, START["slot"], "s1", 1, 42)  # type: ignore[arg-type]
        for run in ("r1", "r2", "r3")
    ]
    assert all(before <= each.at <= time.time() for each in starts)


@pytest.mark.parametrize("body", ["", "[1]", json.dumps(START | {"slot": "x"}), json.dumps([START, {}])])
def test_what_is_no_start_is_refused_whole(calls: CallSink, post: Callable[..., httpx.Response], body: str) -> None:
    assert post("/start", body).status_code == 400
    assert read_starts(calls.folder) == []


def test_other_paths_are_not_here(calls: CallSink, post: Callable[..., httpx.Response]) -> None:
    assert post("/elsewhere", b"").status_code == 404
    assert httpx.get(calls.url).status_code == 404
    assert httpx.post(f"{calls.url}/effect/a", content=iter([b"of no length"])).status_code == 411
    assert read_sink(calls.folder) == []


def test_a_sink_that_cannot_listen_says_so(calls: CallSink, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=f"did not start on port {calls.port}"):
        CallSink(tmp_path, port=calls.port).start()
