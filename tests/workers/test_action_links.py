"""Links of a recipient's own in a mail that is stored once: what leaves is what would have been composed for them."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any, cast, get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.seal import Seal
from workers import action_links
from workers.channels.email import compose, message_id
from workers.outcome import Action, Attachment, Message

NEW, OLD = (Seal((key,)).derived(action_links.PURPOSE)[0] for key in ("bmV3" * 10 + "bmU=", "b2xk" * 10 + "b2w="))
ACTIONS: tuple[Action, ...] = get_args(Action)
ID = message_id(UUID(int=7), 0, "example.com")
SLOT = datetime(2026, 11, 21, 8, tzinfo=UTC)
TENANT = UUID(int=1)


def mailed(message: Message, links: Any) -> bytes:
    return compose(message, sender="a@example.com", message_id=ID, date=SLOT, links=links)


def tokens(delivery: UUID, recipient: str, key: bytes = NEW) -> dict[Action, str]:
    return {each: action_links.token(key, TENANT, delivery, recipient, each, SLOT) for each in ACTIONS}


def filled(content: bytes, delivery: UUID, recipient: str, keys: tuple[bytes, ...] = (NEW,)) -> bytes:
    return action_links.filled(
        content, keys, ID, lambda key, action: action_links.token(key, TENANT, delivery, recipient, action, SLOT)
    )


@settings(max_examples=60, deadline=None)
@given(before=st.text(max_size=90), between=st.text(max_size=40), delivery=st.uuids())
def test_a_filled_mail_is_the_one_that_would_have_been_composed(before: str, between: str, delivery: UUID) -> None:
    message = Message(
        to=("a@example.com",),
        subject="s",
        text=f"{before}tocsin-action:snooze{between}",
        html=f"<p>{before.replace('<', '')}</p><a href='tocsin-action:acknowledge'>ack</a>{between}",
        attachments=(Attachment("x.png", "image/png", b"\x89PNG", content_id="x"),),
        actions=ACTIONS,
        why="You watch this.",
    )
    base = "https://tocsin.example.com/under/a"
    stored = mailed(message, action_links.places(NEW, base, ID, ACTIONS))
    own = {action: f"{base}/a/{token}" for action, token in tokens(delivery, "a@example.com").items()}

    assert filled(stored, delivery, "a@example.com") == mailed(message, own)


def test_each_recipients_links_are_their_own_and_both_halves_and_the_head_carry_them() -> None:
    message = Message(
        to=("a@example.com",), text="t", html="<body><p>p</p></body>", actions=("unsubscribe",), why="It is yours."
    )
    stored = mailed(message, action_links.places(NEW, "https://t.example", ID, message.actions))
    one, two = (filled(stored, uuid4(), "a@example.com") for _ in range(2))
    mail = message_from_bytes(one, policy=policy.default)
    link = str(mail["List-Unsubscribe"]).strip("<>")

    assert one != two
    assert len(one) == len(two) == len(stored)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, page = (str(cast(Any, mail.get_body((kind,))).get_content()) for kind in ("plain", "html"))
    for found in (text, page):
        assert link in found
        assert "It is yours." in found
    assert page.rstrip().endswith("</body>")


def test_without_links_nothing_is_offered_and_the_reason_stays() -> None:
    content = mailed(Message(text="t tocsin-action:snooze", actions=ACTIONS, why="Why."), {})
    assert b"/a/" not in content
    assert b"tocsin-action" not in content
    assert b"List-Unsubscribe" not in content
    assert b"Why." in content


def test_after_a_rotation_a_retry_still_sends_the_same_bytes() -> None:
    message, delivery = Message(text="t", actions=ACTIONS), uuid4()
    stored = mailed(message, action_links.places(OLD, "https://t.example", ID, ACTIONS))

    assert (
        filled(stored, delivery, "a@x.example", (OLD,)) == filled(stored, delivery, "a@x.example", (NEW, OLD)) != stored
    )


@pytest.mark.parametrize("action", ACTIONS)
def test_a_token_opens_what_it_was_signed_for_and_nothing_else(action: Action) -> None:
    delivery = uuid4()
    text = tokens(delivery, "Ann@Example.com")[action]
    claim = action_links.read(text)

    assert claim is not None
    assert (claim.delivery_id, claim.action, claim.expires_at) == (delivery, action, SLOT + action_links.LASTS)
    assert action_links.is_signed(claim, (OLD, NEW), TENANT, "ann@example.com")
    assert not action_links.is_signed(claim, (OLD,), TENANT, "ann@example.com")
    assert not action_links.is_signed(claim, (), TENANT, "ann@example.com")
    assert not action_links.is_signed(claim, (NEW,), UUID(int=2), "ann@example.com")
    assert not action_links.is_signed(claim, (NEW,), TENANT, "bob@example.com")


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, 71), letter=st.sampled_from("AQgwz-_09"))
def test_a_token_of_which_one_letter_differs_is_none(place: int, letter: str) -> None:
    text = tokens(UUID(int=5), "a@example.com")["unsubscribe"]
    other = text[:place] + letter + text[place + 1 :]
    claim = action_links.read(other)
    assert other == text or claim is None or not action_links.is_signed(claim, (NEW,), TENANT, "a@example.com")


@pytest.mark.parametrize("text", ["", "x", "=" * 72, "A" * 71, "A" * 73, "Ä" * 72, "/" * 72, "_" * 72, "A" * 71 + "\n"])
def test_what_is_no_token_is_read_as_none(text: str) -> None:
    assert action_links.read(text) is None


def test_a_placeholder_cannot_be_guessed_from_another_mails() -> None:
    found = {
        action_links.placeholder(key, mail, each) for key in (NEW, OLD) for mail in (ID, "<b@c>") for each in ACTIONS
    }
    assert len(found) == 16
    assert timedelta(days=30) <= action_links.LASTS


def test_messages_of_one_thread_refer_to_one_root() -> None:
    mails = [message_from_bytes(mailed(Message(text="t", thread=thread), {})) for thread in ("a", "a", "b")]
    assert mails[0]["References"] == mails[0]["In-Reply-To"] == mails[1]["References"] != mails[2]["References"]
