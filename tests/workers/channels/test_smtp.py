import base64
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from local.mail import MailSink
from tests.workers.channels.guards import Holding
from tests.workers.wire import certificate, raw_server
from workers.channels import LeaseLost, open_mail
from workers.channels.email import compose, message_id
from workers.channels.smtp import Smtp
from workers.outcome import Message

CONTENT = compose(
    Message(to=("a@example.com",), subject="An alert", text="line\n.\n..two\nend", html="<p>page</p>"),
    sender="alerts@example.com",
    message_id=message_id(UUID(int=1), 0, "example.com"),
    date=datetime(2026, 11, 21, tzinfo=UTC),
)


def _smtp(port: int, **options: float) -> Smtp:
    return Smtp(f"smtp://127.0.0.1:{port}", "Tocsin <alerts@example.com>", **options)  # type: ignore[arg-type]


class Scripted:
    """An SMTP server that answers each command from a table and notes what it was told; b'' closes without an answer."""

    def __init__(
        self,
        answers: dict[str, bytes] | None = None,
        *,
        banner: bytes = b"220 mail.example.com",
        offers: Iterable[bytes] = (),
        tls: ssl.SSLContext | None = None,
        is_tls_at_once: bool = False,
    ) -> None:
        self.said: list[str] = []
        self.mails: list[bytes] = []
        self.cut: list[bytes] = []
        self.is_over = threading.Event()
        self._answers = answers or {}
        self._banner = banner
        self._offers = list(offers)
        self._tls = tls
        self._is_tls_at_once = is_tls_at_once

    def __call__(self, connection: socket.socket) -> None:
        with ExitStack() as stack:
            stack.callback(self.is_over.set)
            if self._tls is not None and self._is_tls_at_once:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
            self._talk(connection, stack)

    def _talk(self, connection: socket.socket, stack: ExitStack) -> None:
        lines = connection.makefile("rb")
        connection.sendall(self._banner + b"\r\n")
        while line := lines.readline():
            text = line.decode().strip()
            verb = text.split(" ")[0].upper()
            self.said.append(" ".join([verb, *text.split(" ")[1:]]))
            if verb == "EHLO":
                offered = [b"mail.example.com", *self._offers]
                connection.sendall(b"".join(b"250-" + one + b"\r\n" for one in offered[:-1]))
                connection.sendall(b"250 " + offered[-1] + b"\r\n")
                continue
            answer = self._answers.get(verb, {"DATA": b"354 go on", "STARTTLS": b"220 go on"}.get(verb, b"250 ok"))
            if not answer:
                return
            connection.sendall(answer + b"\r\n")
            if verb == "STARTTLS" and self._tls is not None:
                connection = stack.enter_context(self._tls.wrap_socket(connection, server_side=True))
                lines = connection.makefile("rb")
            if verb == "DATA" and answer.startswith(b"354") and not self._take(lines, connection):
                return
            if verb == "QUIT":
                return

    def _take(self, lines: Iterable[bytes], connection: socket.socket) -> bool:
        got = b""
        for line in lines:
            if line == b".\r\n":
                self.mails.append(got)
                answer = self._answers.get(".", b"250 2.0.0 Ok: queued as ABC123")
                if answer == b"hang":
                    connection.settimeout(10)
                    connection.recv(1)
                    return False
                if answer:
                    connection.sendall(answer + b"\r\n")
                return bool(answer)
            got += line[1:] if line.startswith(b".") else line
        self.cut.append(got)
        return False


def test_a_mail_arrives_byte_for_byte_in_an_envelope_of_one(mail: MailSink) -> None:
    guard = Holding()
    receipt = open_mail(mail.url, "Tocsin <alerts@example.com>").send("b@example.com", CONTENT, guard)
    assert receipt.state == "sent"
    assert receipt.code == 250
    assert guard.asked == ["connect", "data", "dot"]
    [got] = mail.wait_for(1)
    assert (got.envelope_from, got.recipients) == ("alerts@example.com", ("b@example.com",))
    assert got.content == CONTENT


def test_the_receipt_keeps_the_servers_own_id_of_the_mail() -> None:
    server = Scripted()
    with raw_server(server) as port:
        assert _smtp(port).send("a@example.com", CONTENT, Holding()).provider_message_id == "ABC123"


@pytest.mark.parametrize(
    ("local", "state", "code"),
    [
        ("451", "pending", 451),
        ("421", "pending", 421),
        ("550", "failed", 550),
        ("552", "failed", 552),
        ("550-after-dot", "failed", 550),
        ("451-after-dot", "pending", 451),
        ("drop-before-dot", "pending", None),
        ("drop-after-dot", "unknown", None),
        ("slow-250", "sent", 250),
    ],
)
def test_each_misbehaviour_has_its_class(mail: MailSink, local: str, state: str, code: int | None) -> None:
    mailer = open_mail(mail.url, "alerts@example.com")
    receipt = mailer.send(f"{local}@example.com", CONTENT, Holding())
    assert (receipt.state, receipt.code) == (state, code)
    assert (receipt.error == "") == (state == "sent")
    assert mailer.send("good@example.com", CONTENT, Holding()).state == "sent"


def test_a_greylisted_recipient_is_taken_the_second_time(mail: MailSink) -> None:
    mailer = open_mail(mail.url, "alerts@example.com")
    assert mailer.send("451-once+smtp@example.com", CONTENT, Holding()).state == "pending"
    assert mailer.send("451-once+smtp@example.com", CONTENT, Holding()).state == "sent"


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"MAIL": b"450 later"}, "pending"),
        ({"MAIL": b"550 we do not know you"}, "pending"),
        ({"MAIL": b"552 too large"}, "failed"),
        ({"RCPT": b"450 later"}, "pending"),
        ({"RCPT": b"550 nobody here"}, "failed"),
        ({"RCPT": b"251 forwarded"}, "sent"),
        ({"RCPT": b"junk"}, "pending"),
        ({"RCPT": b""}, "pending"),
        ({"DATA": b"451 later"}, "pending"),
        ({"DATA": b"554 no"}, "failed"),
        ({"DATA": b""}, "pending"),
        ({".": b"452 disk full"}, "pending"),
        ({".": b"554 spam"}, "failed"),
        ({".": b"250-one\r\n250-two\r\n250 three"}, "sent"),
        ({".": b"junk junk junk"}, "unknown"),
        ({".": b"250-one\r\n"}, "unknown"),
        ({".": b"x" * 10_000}, "unknown"),
        ({".": b""}, "unknown"),
    ],
)
def test_each_answer_has_its_class(answers: dict[str, bytes], state: str) -> None:
    with raw_server(Scripted(answers)) as port:
        assert _smtp(port, step_seconds=0.5).send("a@example.com", CONTENT, Holding()).state == state


@pytest.mark.parametrize("banner", [b"421 too busy", b"554 go away", b"", b"junk", b"HTTP/1.1 400 Bad Request"])
def test_a_server_that_does_not_welcome_us_is_pending(banner: bytes) -> None:
    server = Scripted(banner=banner)
    with raw_server(server) as port:
        assert _smtp(port, step_seconds=0.5).send("a@example.com", CONTENT, Holding()).state == "pending"
    assert server.mails == []


def test_a_server_that_is_away_is_pending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    receipt = _smtp(port).send("a@example.com", CONTENT, Holding())
    assert receipt.state == "pending"
    assert "refused" in receipt.error


def test_no_answer_after_the_dot_is_unknown_within_the_step() -> None:
    server = Scripted({".": b"hang"})
    started = time.monotonic()
    with raw_server(server) as port:
        receipt = _smtp(port, step_seconds=0.3).send("a@example.com", CONTENT, Holding())
    assert (receipt.state, receipt.error) == ("unknown", "the server did not answer in time")
    assert time.monotonic() - started < 5
    assert server.mails == [CONTENT]


def test_a_server_that_drips_after_the_dot_is_cut_at_the_total_time() -> None:
    is_over = threading.Event()

    def drip(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        connection.sendall(b"220 mail\r\n")
        for line in lines:
            if line == b".\r\n":
                break
            if line.upper().startswith((b"EHLO", b"MAIL", b"RCPT")):
                connection.sendall(b"250 ok\r\n")
            if line.upper().startswith(b"DATA"):
                connection.sendall(b"354 go\r\n")
        while not is_over.wait(0.02):
            connection.sendall(b"250-more\r\n")

    started = time.monotonic()
    with raw_server(drip) as port:
        receipt = _smtp(port, step_seconds=2, send_seconds=0.4).send("a@example.com", CONTENT, Holding())
        is_over.set()
    assert receipt.state == "unknown"
    assert time.monotonic() - started < 2


def test_a_lease_lost_before_the_call_calls_nobody() -> None:
    server = Scripted()
    with raw_server(server) as port, pytest.raises(LeaseLost):
        _smtp(port).send("a@example.com", CONTENT, Holding("connect"))
    assert server.said == []


def test_a_lease_lost_before_data_offers_no_content() -> None:
    server = Scripted()
    with raw_server(server) as port:
        with pytest.raises(LeaseLost):
            _smtp(port).send("a@example.com", CONTENT, Holding("data"))
        assert server.is_over.wait(5)
    assert [text.split()[0] for text in server.said] == ["EHLO", "MAIL", "RCPT"]
    assert server.mails == []


def test_a_lease_lost_before_the_dot_leaves_a_mail_that_no_server_takes() -> None:
    server = Scripted()
    with raw_server(server) as port:
        with pytest.raises(LeaseLost):
            _smtp(port).send("a@example.com", CONTENT, Holding("dot"))
        assert server.is_over.wait(5)
    assert server.mails == []
    assert server.cut == [CONTENT]


def test_a_lease_lost_before_the_dot_stores_nothing_on_a_real_server(mail: MailSink) -> None:
    mailer = open_mail(mail.url, "alerts@example.com")
    with pytest.raises(LeaseLost):
        mailer.send("a@example.com", CONTENT, Holding("dot"))
    assert mailer.send("after@example.com", CONTENT, Holding()).state == "sent"
    assert [one.recipients for one in mail.wait_for(1)] == [("after@example.com",)]


def test_a_server_that_leaves_before_the_dot_is_pending() -> None:
    connections: list[socket.socket] = []
    server = Scripted()

    def script(connection: socket.socket) -> None:
        connections.append(connection)
        server(connection)

    def leave() -> None:
        connections[0].shutdown(socket.SHUT_RDWR)

    with raw_server(script) as port:
        receipt = _smtp(port).send("a@example.com", CONTENT, Holding(data=leave))
    assert receipt.state == "pending"
    assert server.mails == []


def _with_login(port: int, made: Callable[..., Smtp] = Smtp, scheme: str = "smtp", **options: object) -> Smtp:
    return made(f"{scheme}://robot:hu%3Ash@127.0.0.1:{port}", "alerts@example.com", **options)


def test_no_password_and_no_mail_goes_out_when_starttls_was_struck_out() -> None:
    server = Scripted(offers=[b"AUTH PLAIN LOGIN"])
    with raw_server(server) as port:
        receipt = _with_login(port).send("a@example.com", CONTENT, Holding())
    assert receipt.state == "pending"
    assert "STARTTLS" in receipt.error
    assert [text.split()[0] for text in server.said] == ["EHLO"]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_login_goes_over_verified_tls(tmp_path: Path, scheme: str) -> None:
    made = certificate(tmp_path)
    server = Scripted(
        {"AUTH": b"235 welcome"}, offers=[b"STARTTLS", b"AUTH PLAIN"], tls=made.server, is_tls_at_once=scheme == "smtps"
    )
    with raw_server(server) as port:
        mailer = _with_login(port, scheme=scheme, ssl_context=made.client)
        assert mailer.send("a@example.com", CONTENT, Holding()).state == "sent"
        [login] = [text for text in server.said if text.startswith("AUTH")]
        assert base64.b64decode(login.split()[2]) == b"\0robot\0hu:sh"
        assert server.mails == [CONTENT]
        server.said.clear()
        receipt = _with_login(port, scheme=scheme).send("a@example.com", CONTENT, Holding())
        assert receipt.state == "pending"
        assert "certificate" in receipt.error
        assert not [text for text in server.said if text.startswith("AUTH")]


@pytest.mark.parametrize("code", [b"535", b"454", b"530"])
def test_a_refused_login_is_pending_and_shows_nothing_of_it(tmp_path: Path, code: bytes) -> None:
    made = certificate(tmp_path)
    server = Scripted(
        {"AUTH": code + b" bad login hu:sh"}, offers=[b"AUTH PLAIN"], tls=made.server, is_tls_at_once=True
    )
    with raw_server(server) as port:
        receipt = _with_login(port, scheme="smtps", ssl_context=made.client).send("a@example.com", CONTENT, Holding())
    assert (receipt.state, receipt.code, receipt.is_ours) == ("pending", int(code), True)
    assert "hu:sh" not in receipt.error


def test_without_a_password_starttls_is_used_where_it_is_offered(tmp_path: Path) -> None:
    server = Scripted(offers=[b"STARTTLS"], tls=certificate(tmp_path).server)
    with raw_server(server) as port:
        assert _smtp(port).send("a@example.com", CONTENT, Holding()).state == "sent"
    assert "STARTTLS" in server.said


@pytest.mark.parametrize(
    "text", [b"a\r\n.\r\nb\r\n", b"a\n.\nb", b"a\r.\rb", b"a\n.\r\nMAIL FROM:<x@y>\r\n", b"a\r\n.\nb", b".", b""]
)
def test_content_can_not_end_the_mail_early(text: bytes) -> None:
    server = Scripted()
    with raw_server(server) as port:
        assert _smtp(port).send("a@example.com", b"Subject: x\r\n\r\n" + text, Holding()).state == "sent"
    assert len(server.mails) == 1
    assert [one.split()[0] for one in server.said if one.split()[0] == "MAIL"] == ["MAIL"]


@pytest.mark.parametrize(
    "recipient", ["a@example.com>\r\nRCPT TO:<b@example.com", "a@example.com,b@example.com", "", "a"]
)
def test_a_malformed_recipient_fails_without_a_call(recipient: str) -> None:
    guard = Holding()
    assert _smtp(9).send(recipient, CONTENT, guard).state == "failed"
    assert guard.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "ses://",
        "",
        "smtp://",
        "smtp://host:port",
        "smtp://host/path",
        "smtp://host?x=1",
        "smtp://user@host",
        "smtp://user:hush@[::1",
        "https://user:hush@host",
        "file://host/folder",
        "file:///",
        "file:",
    ],
)
def test_a_mail_url_that_makes_no_sense_is_refused_by_its_name(url: str) -> None:
    with pytest.raises(ValueError, match="MAIL_URL takes") as caught:
        open_mail(url, "alerts@example.com")
    assert "hush" not in str(caught.value)


def test_the_port_follows_from_the_scheme_and_the_login() -> None:
    ports = [
        open_mail(url, "alerts@example.com")._server.port  # type: ignore[attr-defined]
        for url in ("smtp://h", "smtp://u:p@h", "smtps://u:p@h", "smtp://h:2525")
    ]
    assert ports == [25, 587, 465, 2525]
