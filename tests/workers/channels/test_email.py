import email
import email.policy
from datetime import UTC, datetime
from uuid import UUID

import pytest

from workers.channels.email import base_name, compose, mailbox, message_id, one_line, sender_of
from workers.outcome import Attachment, Message

RUN = UUID("0192f0c1-0000-7000-8000-000000000001")
ID = message_id(RUN, 0, "example.com")
DATE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FULL = Message(
    to=("a@example.com", "b@example.com"),
    cc=("c@example.com",),
    bcc=("hidden@example.com",),
    subject="Ünsold seats 🎟 — Größe",
    text="Ligne un\n.\nFrom here\n" + "x" * 2000,
    html="<p>Grüße</p>",
    attachments=(Attachment("bericht-März.csv", "text/csv", b"a;b\r\n1;2\r\n"),),
)


def _composed(message: Message = FULL) -> email.message.EmailMessage:
    content = compose(message, sender="Tocsin <alerts@example.com>", message_id=ID, date=DATE)
    return email.message_from_bytes(content, policy=email.policy.default)


def test_equal_arguments_make_equal_bytes() -> None:
    first, second = (compose(FULL, sender="alerts@example.com", message_id=ID, date=DATE) for _ in range(2))
    assert first == second
    assert first != compose(FULL, sender="alerts@example.com", message_id=message_id(RUN, 1, "example.com"), date=DATE)


def test_the_bytes_are_lines_of_seven_bits_with_crlf() -> None:
    content = compose(FULL, sender="alerts@example.com", message_id=ID, date=DATE)
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_every_part_arrives_as_it_was_given() -> None:
    mail = _composed()
    assert mail["Subject"] == FULL.subject
    assert mail["From"] == "Tocsin <alerts@example.com>"
    assert mail["To"] == "a@example.com, b@example.com"
    assert mail["Cc"] == "c@example.com"
    assert mail["Message-ID"] == f"<{RUN}.0@example.com>"
    assert mail["Date"].datetime == DATE
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/mixed"
    body = mail.get_body(("plain",))
    page = mail.get_body(("html",))
    assert body is not None
    assert page is not None
    assert body.get_content().replace("\r\n", "\n").rstrip("\n") == FULL.text
    assert page.get_content().rstrip("\r\n") == FULL.html
    [attachment] = mail.iter_attachments()
    assert attachment.get_filename() == "bericht-März.csv"
    assert attachment.get_payload(decode=True) == b"a;b\r\n1;2\r\n"


def test_a_bcc_recipient_stands_nowhere_in_the_mail() -> None:
    assert b"hidden" not in compose(FULL, sender="alerts@example.com", message_id=ID, date=DATE)
    alone = compose(Message(bcc=("hidden@example.com",)), sender="alerts@example.com", message_id=ID, date=DATE)
    assert b"hidden" not in alone
    assert b"undisclosed-recipients" in alone


def test_a_long_message_id_stays_as_it_is() -> None:
    domain = "a" * 60 + "." + "b" * 60 + ".example.com"
    content = compose(FULL, sender="alerts@example.com", message_id=message_id(RUN, 3, domain), date=DATE)
    assert content.startswith(f"Message-ID: <{RUN}.3@{domain}>\r\n".encode())


@pytest.mark.parametrize(
    "subject",
    [
        "x\r\nBcc: victim@example.com",
        "x\nBcc: victim@example.com",
        "x\rBcc: victim@example.com",
        "x\u2028Bcc: victim@example.com",
        "x\u2029Bcc: victim@example.com",
        "x\x85Bcc: victim@example.com",
        "x\x0bBcc: victim@example.com",
        "x\x1cBcc: victim@example.com",
        "x\0Bcc: victim@example.com",
        "x\ud800Bcc: victim@example.com",
        "é" * 300 + "\r\nBcc: victim@example.com",
    ],
)
def test_a_subject_can_not_begin_a_header_of_its_own(subject: str) -> None:
    mail = _composed(Message(to=("a@example.com",), subject=subject, text="t"))
    assert mail["Bcc"] is None
    assert len(mail["Subject"]) <= 250
    assert str(mail["Subject"]).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@example.com",
        "a@",
        "a@b@c",
        "victim@example.com, attacker@example.com",
        "victim@example.com,attacker@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com\n",
        " a@example.com",
        "a @example.com",
        "A <a@example.com>",
        '"quoted"@example.com',
        "a(comment)@example.com",
        "a@[127.0.0.1]",
        ".a@example.com",
        "a..b@example.com",
        "a.@example.com",
        "a@-example.com",
        "a@example-.com",
        "a@example..com",
        "a@example.com.",
        "é@example.com",
        "a@exämple.com",
        "a;b@example.com",
        "a@example.com\0",
        "x" * 65 + "@example.com",
        "a@" + "x" * 64 + ".com",
        "a@" + ".".join(["x" * 60] * 5),
    ],
)
def test_what_is_not_one_plain_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one plain e-mail address"):
        mailbox(text)


def test_an_address_keeps_its_local_part_and_lowers_its_domain() -> None:
    assert mailbox("First.Last+tag@Example.COM") == "First.Last+tag@example.com"
    assert mailbox("root@localhost") == "root@localhost"


@pytest.mark.parametrize("text", ["", "Tocsin", "Tocsin <>", "Tocsin <a@b@c>", "a@example.com, b@example.com"])
def test_a_malformed_sender_is_named_as_the_setting(text: str) -> None:
    with pytest.raises(ValueError, match="MAIL_FROM takes"):
        sender_of(text)


@pytest.mark.parametrize(
    ("filename", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\reports\\q3.xlsx", "q3.xlsx"),
        ("a\r\nX-Injected: 1.pdf", "aX-Injected: 1.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("", "attachment"),
        ("..", "attachment"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("x" * 300, "x" * 150),
    ],
)
def test_an_attachment_keeps_its_base_name_alone(filename: str, kept: str) -> None:
    assert base_name(filename) == kept
    mail = _composed(Message(to=("a@example.com",), attachments=(Attachment(filename, "application/pdf", b"%PDF"),)))
    assert [part.get_filename() for part in mail.iter_attachments()] == [kept]


def test_a_file_of_text_says_in_which_charset_it_is() -> None:
    file = Attachment("a.csv", "text/csv; charset=utf-8", "größe\r\n1\r\n".encode())
    [part] = _composed(Message(to=("a@example.com",), attachments=(file,))).iter_attachments()
    assert (part.get_content_type(), part.get_content_charset()) == ("text/csv", "utf-8")
    assert part.get_payload(decode=True) == file.content


@pytest.mark.parametrize(
    "content_type", ["", "text", "text/html\r\nX: 1", "multipart/mixed", "message/rfc822", "text/csv; name=x"]
)
def test_a_content_type_that_is_no_files_is_refused(content_type: str) -> None:
    message = Message(to=("a@example.com",), attachments=(Attachment("a", content_type, b""),))
    with pytest.raises(ValueError, match="no content type"):
        compose(message, sender="alerts@example.com", message_id=ID, date=DATE)


@pytest.mark.parametrize("malformed", ["", "no-brackets@example.com", "<a b@c>", "<a@b>\r\nBcc: x@y", "<é@b>"])
def test_a_malformed_message_id_is_refused(malformed: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        compose(FULL, sender="alerts@example.com", message_id=malformed, date=DATE)


def test_one_line_is_one_line() -> None:
    assert one_line("  a\t b\r\nc ", 4) == "a b"
