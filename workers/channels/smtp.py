"""Mail by SMTP: one envelope to one recipient, with the hand-over written out so that each doubt has its place.

Up to the final dot nothing is accepted, so whatever breaks is `pending`. From the dot until the reply it may be
accepted, so what breaks there is `unknown`. Codes: 4xx later; 5xx at RCPT and after DATA refuse this recipient for
good; 5xx that speak about us (greeting, TLS, login, sender) are `pending`, for the operator mends those.
"""

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from config.faults import faultpoint
from workers.channels.email import mailbox, sender_of
from workers.channels.receipt import Guard, Receipt

STEP_SECONDS = 30.0
SEND_SECONDS = 120.0
_QUEUED_AS = re.compile(r"queued as <?([!-;=?-~]{1,200})", re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
_TOO_LARGE = 552


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int
    has_tls_at_once: bool
    user: str
    password: str = field(repr=False)


class Smtp:
    """Sends through the server that `url` names, from `sender`; any thread may use it, each send is a connection.

    `step_seconds` bounds each wait for the server, `send_seconds` the whole conversation. `ssl_context` replaces the
    system's trust, for a private authority.
    """

    is_keyed = False

    def __init__(
        self,
        url: str,
        sender: str,
        *,
        step_seconds: float = STEP_SECONDS,
        send_seconds: float = SEND_SECONDS,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = _parse(url)
        self._sender = sender_of(sender)
        self._step_seconds = step_seconds
        self._send_seconds = send_seconds
        self._ssl_context = ssl_context or ssl.create_default_context()

    def send(self, recipient: str, content: bytes, guard: Guard, key: str = "") -> Receipt:  # noqa: ARG002  for those who take one
        """Return what became of the hand-over of these bytes to this recipient. Raises LeaseLost when the guard does."""
        try:
            address = mailbox(recipient)
        except ValueError as error:
            return Receipt("failed", error=f"the recipient {error}")
        guard.before_connect()
        handover = _Handover()
        try:
            with contextlib.closing(self._connect()) as smtp, _ended_after(smtp, self._send_seconds):
                refusal = self._secure(smtp)
                return refusal or handover.run(smtp, self._sender.addr_spec, address, content, guard)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            state: Literal["unknown", "pending"] = "unknown" if handover.is_dotted else "pending"
            if isinstance(error, smtplib.SMTPResponseException):
                is_ours = isinstance(error, smtplib.SMTPAuthenticationError)
                return replace(_receipt(state, error.smtp_code, _shown(error)), is_ours=is_ours)
            return Receipt(state, error=self._explain(error))

    def _connect(self) -> smtplib.SMTP:
        """Return a session whose server has greeted us with 220."""
        server = self._server
        # A name of our own: the library's default asks the name servers, for seconds where they are away.
        our_name = self._sender.domain
        if server.has_tls_at_once:
            return smtplib.SMTP_SSL(
                server.host, server.port, our_name, timeout=self._step_seconds, context=self._ssl_context
            )
        return smtplib.SMTP(server.host, server.port, our_name, timeout=self._step_seconds)

    def _secure(self, smtp: smtplib.SMTP) -> Receipt | None:
        """Introduce us, begin TLS and log in, as far as the URL asks for it. Returns the refusal when that can't be done."""
        server = self._server
        if smtp.sock is not None:
            # The dot is a write of its own: without this it waits 40 ms for the receiver's delayed acknowledgement.
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        smtp.ehlo_or_helo_if_needed()
        if not server.has_tls_at_once:
            if smtp.has_extn("starttls"):
                smtp.starttls(context=self._ssl_context if server.user else _unverified())
                smtp.ehlo_or_helo_if_needed()
            elif server.user:
                # Fail closed: someone between us may have struck the offer out of the greeting.
                return Receipt(
                    "pending", error="the server offers no STARTTLS: neither the password nor the mail was sent"
                )
        if server.user:
            smtp.login(server.user, server.password)
        return None

    def _explain(self, error: Exception) -> str:
        """Return one line for the operator, without our password wherever a server may have echoed it."""
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            return "the server did not answer in time"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the server's certificate is refused: {error.verify_message}"
        text = " ".join(str(error).split())[:300] or type(error).__name__
        return text.replace(self._server.password, "***") if self._server.password else text


class _Handover:
    """The mail transaction itself; `is_dotted` turns true when the last byte was written."""

    def __init__(self) -> None:
        self.is_dotted = False

    def run(self, smtp: smtplib.SMTP, sender: str, recipient: str, content: bytes, guard: Guard) -> Receipt:
        """Hand the content over. Raises OSError and SMTPException when the connection breaks, LeaseLost as the guard does."""
        body = _LEADING_DOT.sub(b"..", _LINE_END.sub(b"\r\n", content))
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        code, text = smtp.mail(sender, [f"size={len(body)}"] if smtp.has_extn("size") else [])
        if code // 100 != 2:
            return _receipt("failed" if code == _TOO_LARGE else "pending", code, text)
        code, text = smtp.rcpt(recipient)
        if code // 100 != 2:
            return _refused(code, text)
        guard.before_data()
        code, text = smtp.docmd("DATA")
        if code != 354:
            return _refused(code, text)
        smtp.send(body)
        guard.before_dot()
        smtp.send(b".\r\n")
        self.is_dotted = True
        faultpoint("after_dot")
        code, text = smtp.getreply()
        if code // 100 == 2:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.putcmd("QUIT")  # said, not waited for: the acceptance has to be recorded now
            return Receipt("sent", _queue_id(text), code=code)
        return _refused(code, text) if code // 100 in (4, 5) else _receipt("unknown", code, text)


@contextlib.contextmanager
def _ended_after(smtp: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """Cut the connection when the block takes longer: a server that drips a byte a second never meets a socket's timeout."""

    def cut() -> None:
        if smtp.sock is not None:
            with contextlib.suppress(OSError):
                # The plain socket's own shutdown, for the TLS one takes its state away under the reading thread.
                socket.socket.shutdown(smtp.sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _parse(url: str) -> _Server:
    """Return what smtp:// or smtps:// names. Raises ValueError with what it takes, never with the URL."""
    takes = "MAIL_URL takes smtp://user:password@host:587 or smtps://user:password@host:465"
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{takes}; this one can't be read") from None
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{takes}; this one has no host, or more than a host")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError(f"{takes}; this one has a user without a password, or the reverse")
    has_tls_at_once = parts.scheme == "smtps"
    usual = 465 if has_tls_at_once else 587 if user else 25
    return _Server(parts.hostname, port or usual, has_tls_at_once, user, password)


def _unverified() -> ssl.SSLContext:
    """Return a context for STARTTLS without a password: the alternative is plain text, so any certificate is better."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _refused(code: int, text: bytes) -> Receipt:
    """Return the receipt of a recipient or a content that is not accepted: for good with 5xx, for now with all else."""
    return _receipt("failed" if code // 100 == 5 else "pending", code, text)


def _receipt(state: Literal["pending", "failed", "unknown"], code: int, text: bytes) -> Receipt:
    said = " ".join(text.decode("ascii", "replace").split())[:300]
    return Receipt(state, error=f"{code} {said}".strip(), code=code)


def _shown(error: smtplib.SMTPResponseException) -> bytes:
    """Return what the server said; nothing of it at the login, for a server may echo what it was sent."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return b"the server refuses our login"
    return error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()


def _queue_id(text: bytes) -> str:
    found = _QUEUED_AS.search(text.decode("ascii", "replace"))
    return found[1].rstrip(".") if found else ""
