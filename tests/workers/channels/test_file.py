from pathlib import Path

import pytest

from tests.workers.channels.guards import Holding
from workers.channels import LeaseLost, open_mail

CONTENT = b"Message-ID: <run.0@example.com>\r\nSubject: x\r\n\r\nbody\r\n"


def test_a_mail_is_one_file_however_often_it_is_sent(tmp_path: Path) -> None:
    mailer = open_mail(f"file://{tmp_path}/mail%20box", "alerts@example.com")
    guard = Holding()
    receipts = [mailer.send("a@example.com", CONTENT, guard) for _ in range(3)]
    [file] = (tmp_path / "mail box").iterdir()
    assert file.read_bytes() == CONTENT
    assert file.suffix == ".eml"
    assert {(receipt.state, receipt.provider_message_id) for receipt in receipts} == {("sent", file.name)}
    assert mailer.is_keyed
    assert guard.asked[:3] == ["connect", "data", "dot"]


def test_each_recipient_has_a_file_of_their_own(tmp_path: Path) -> None:
    mailer = open_mail(f"file://{tmp_path}", "alerts@example.com")
    for recipient in ("a@example.com", "b@example.com", "../../etc/passwd", "x" * 500):
        assert mailer.send(recipient, CONTENT, Holding()).state == "sent"
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("step", ["connect", "data", "dot"])
def test_a_lost_lease_leaves_no_file(tmp_path: Path, step: str) -> None:
    mailer = open_mail(f"file://{tmp_path}", "alerts@example.com")
    with pytest.raises(LeaseLost):
        mailer.send("a@example.com", CONTENT, Holding(step))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_made_is_pending(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    receipt = open_mail(f"file://{tmp_path}/taken", "alerts@example.com").send("a@example.com", CONTENT, Holding())
    assert receipt.state == "pending"
    assert receipt.error
