"""A delivery's page shows the message as it was sent: a mail's page in its frame, its text, its files, a channel's words."""

from datetime import UTC, datetime
from html import unescape
from uuid import UUID

import pytest

from tests import make
from tests.api.conftest import Api
from tests.api.tenanted import ROWS
from tests.pages.test_rooms import EVIL
from workers.channels.email import compose
from workers.channels.post import written
from workers.outcome import Attachment, ChannelMessage, Message

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAGE = f'<body><p>Twelve orders {EVIL}</p><img src="cid:plot"></body>'


@pytest.fixture
def sent(api: Api, conn: make.Connection) -> UUID:
    """A delivery of a mail with a page, a picture in it, and a file."""
    files = (Attachment("plot.png", "image/png", b"\x89PNG", "plot"), Attachment("rows.csv", "text/csv", b"a,b\n"))
    mail = Message(to=("a@example.com",), subject=f"Orders {EVIL}", text="Twelve orders", html=PAGE, attachments=files)
    content = compose(mail, sender="Tocsin <alerts@example.com>", message_id="<x@example.com>", date=NOON)
    return UUID(ROWS["delivery_id"](conn, api.tenant, "own", state="sent", content=content))


def test_a_mail_is_shown_with_its_subject_its_text_and_its_files(api: Api, sent: UUID) -> None:
    page = api("GET", f"/deliveries/{sent}").text
    assert EVIL not in page
    for part in (f"Orders {EVIL}", "Tocsin <alerts@example.com>", "Twelve orders", "rows.csv", "4 B"):
        assert part in unescape(page)
    assert f'<iframe class="mail" src="/deliveries/{sent}/message"' in page
    assert "plot.png" not in page


def test_its_page_is_framed_with_its_own_pictures_and_may_do_nothing(api: Api, sent: UUID) -> None:
    framed = api("GET", f"/deliveries/{sent}/message")
    assert f"Twelve orders {EVIL}" in framed.text
    assert 'src="data:image/png;base64,iVBORw=="' in framed.text
    assert "sandbox" in framed.headers["content-security-policy"]


def test_a_mail_without_a_page_is_framed_as_its_text(api: Api, conn: make.Connection) -> None:
    mail = Message(to=("a@example.com",), subject="Orders", text=f"Twelve {EVIL}")
    content = compose(mail, sender="alerts@example.com", message_id="<x@example.com>", date=NOON)
    delivery_id = ROWS["delivery_id"](conn, api.tenant, "own", content=content)
    assert f"<pre>Twelve {EVIL}" in unescape(api("GET", f"/deliveries/{delivery_id}/message").text)


def test_what_is_said_on_a_channel_is_shown_as_it_is_kept(api: Api, conn: make.Connection) -> None:
    content = written(ChannelMessage(to=(), title="Orders are low", subject="Orders"), NOON, "")
    delivery_id = ROWS["delivery_id"](conn, api.tenant, "own", channel="slack", content=content)
    assert "<strong>Orders are low</strong>" in api("GET", f"/deliveries/{delivery_id}").text


@pytest.mark.parametrize("channel", ["email", "slack"])
def test_what_can_not_be_read_is_said(api: Api, conn: make.Connection, channel: str) -> None:
    delivery_id = ROWS["delivery_id"](conn, api.tenant, "own", channel=channel, content=b"\xff")
    assert "not in a form that can be read" in api("GET", f"/deliveries/{delivery_id}").text
    assert api("GET", f"/deliveries/{delivery_id}/message").status_code == 200
