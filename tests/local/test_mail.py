import smtplib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.mail import MailSink

CONTENT = b"Subject: Employment\r\nFrom: a@example.com\r\n\r\n.dots and \xc3\xa9\r\n"


@pytest.fixture
def client(mail: MailSink) -> Iterator[smtplib.SMTP]:
    client = smtplib.SMTP("127.0.0.1", mail.port, timeout=5)
    yield client
    client.close()


def test_a_mail_is_kept_byte_for_byte_before_it_is_acknowledged(mail: MailSink, client: smtplib.SMTP) -> None:
    assert client.sendmail("tocsin@example.com", ["ann@example.com", "bob@example.com"], CONTENT) == {}
    (kept,) = mail.mails()
    assert kept.envelope_from == "tocsin@example.com"
    assert kept.recipients == ("ann@example.com", "bob@example.com")
    assert kept.content == CONTENT
    assert kept.message["Subject"] == "Employment"
    assert kept.file.read_bytes() == CONTENT


def test_forgotten_mails_are_not_seen_again(mail: MailSink, client: smtplib.SMTP) -> None:
    client.sendmail("tocsin@example.com", "ann@example.com", CONTENT)
    mail.forget()
    assert mail.mails() == []
    client.sendmail("tocsin@example.com", "bob@example.com", CONTENT)
    assert [kept.recipients for kept in mail.wait_for(1)] == [("bob@example.com",)]


def test_waiting_for_a_mail_that_never_comes_says_what_is_there(mail: MailSink, client: smtplib.SMTP) -> None:
    client.sendmail("tocsin@example.com", "ann@example.com", CONTENT)
    with pytest.raises(TimeoutError, match=r"1 of 2 mails .* ann@example\.com"):
        mail.wait_for(2, timeout=0.05)


@pytest.mark.parametrize("code", [450, 451, 550, 553])
def test_one_recipient_is_refused_and_the_others_get_the_mail(mail: MailSink, client: smtplib.SMTP, code: int) -> None:
    refused = client.sendmail("tocsin@example.com", [f"{code}+ann@example.com", "bob@example.com"], CONTENT)
    assert [answer[0] for answer in refused.values()] == [code]
    assert [kept.recipients for kept in mail.mails()] == [("bob@example.com",)]


def test_421_closes_the_connection(mail: MailSink, client: smtplib.SMTP) -> None:
    client.ehlo()
    client.mail("tocsin@example.com")
    assert client.rcpt("421@example.com")[0] == 421
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    assert mail.mails() == []


def test_once_refuses_the_first_time_only(mail: MailSink, client: smtplib.SMTP) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("tocsin@example.com", "451-once+dan@example.com", CONTENT)
    client.sendmail("tocsin@example.com", "451-once+dan@example.com", CONTENT)
    assert len(mail.mails()) == 1


def test_a_mail_refused_after_the_dot_is_not_kept(mail: MailSink, client: smtplib.SMTP) -> None:
    with pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("tocsin@example.com", "554-after-dot@example.com", CONTENT)
    assert refused.value.smtp_code == 554
    assert mail.mails() == []


@pytest.mark.parametrize(("behaviour", "kept"), [("drop-before-dot", 0), ("drop-after-dot", 1)])
def test_a_dropped_connection_keeps_the_mail_only_after_the_dot(
    mail: MailSink, client: smtplib.SMTP, behaviour: str, kept: int
) -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.sendmail("tocsin@example.com", f"{behaviour}@example.com", CONTENT)
    assert len(mail.mails()) == kept


def test_a_hanging_server_has_kept_the_mail_and_serves_others(mail: MailSink, client: smtplib.SMTP) -> None:
    assert client.sock
    client.sock.settimeout(0.2)
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        client.sendmail("tocsin@example.com", "hang-after-dot@example.com", CONTENT)
    with smtplib.SMTP("127.0.0.1", mail.port, timeout=5) as other:
        other.sendmail("tocsin@example.com", "ann@example.com", CONTENT)
    assert len(mail.mails()) == 2


def test_a_slow_answer_comes_late(mail: MailSink, client: smtplib.SMTP) -> None:
    before = time.monotonic()
    client.sendmail("tocsin@example.com", "slow-150@example.com", CONTENT)
    assert time.monotonic() - before >= 0.15
    assert len(mail.mails()) == 1


def test_mails_and_port_outlive_a_restart(tmp_path: Path) -> None:
    with MailSink(tmp_path) as sink:
        port = sink.port
        for _ in range(2):
            with smtplib.SMTP("127.0.0.1", sink.port, timeout=5) as client:
                client.sendmail("tocsin@example.com", "ann@example.com", CONTENT)
            sink.stop()
            sink.start()
        assert sink.port == port
        assert [mail.file.name for mail in sink.mails()] == ["0001.eml", "0002.eml"]
