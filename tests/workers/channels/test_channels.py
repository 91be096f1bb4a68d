"""Chats, pagers and receivers of alerts, each on loopback as it documents itself: what is sent, and what becomes of it."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.workers.channels.chats import BOT, SECRETS, Chat, chat
from tests.workers.channels.guards import Holding
from tests.workers.wire import LOOPBACK
from workers.channels import LeaseLost, Receipt, alertmanager, post
from workers.channels.adapter import Account
from workers.channels.poster import Poster
from workers.channels.types import TYPES
from workers.http import Client
from workers.outcome import ChannelMessage, Item

NAMES = ("slack", "slack bot", "teams", "discord", "telegram", "pagerduty", "opsgenie", "twilio", "alertmanager")
PAGERS = ("pagerduty", "opsgenie")
CLIENT = Client(allowed=LOOPBACK)
AT = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
BEGAN = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
FIRING = ChannelMessage(
    to=(),
    title="Alert: Orders is 4",
    subject="Orders",
    items=(
        Item("north", "Threshold crossed", "4 is below 5.", "4", since=BEGAN),
        Item("south", "Back to normal", "9 is not below 5.", "9", is_open=False, since=BEGAN, until=AT),
    ),
    state="firing",
    severity="critical",
    thread="0f0e0d0c-0000-4000-8000-000000000001",
    facts=(("Graph", "Orders by day"),),
)
OVER = replace(
    FIRING, title="Recovered: Orders", state="resolved", items=(Item("north", "Back to normal", is_open=False),)
)
# What a tenant's data may hold: mentions, markup and templates of all of them, and marks that turn the direction.
EVIL = (
    "<!channel> <!here> <@U0123> @everyone @here <at>all</at> @durov **b** _i_ `c` [x](https://evil.example) "
    "<https://evil.example|x> <b>b</b> <a href='https://evil.example'>x</a> & ${x} @{x} {{DATE(2026-01-01T00:00:00Z)}} "
    "\u202egnp.exe\r\nX-Header: 1"
)


@pytest.fixture(params=NAMES)
def played(request: pytest.FixtureRequest) -> Iterator[Chat]:
    with chat(request.param) as found:
        yield found


def send(played: Chat, message: ChannelMessage, *, root: str = "", seconds: float = 10.0, **guard: Any) -> Receipt:
    content = post.written(message, AT, "https://tocsin.example.com")
    adapter, poster = TYPES[played.type], Poster(CLIENT, send_seconds=seconds)
    held = guard.get("guard") or Holding()
    return poster.send(adapter, played.account(), content, held, key="d.0", root=root)


def texts(value: Any) -> list[str]:
    """All texts in a message."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


def test_a_message_is_handed_over_in_the_order_that_its_guard_asks(played: Chat) -> None:
    guard = Holding()
    receipt = send(played, FIRING, guard=guard)
    assert (receipt.state, guard.asked) == ("sent", ["connect", "data", "dot"]), receipt
    [said] = played.taken
    whole = html.unescape(" ".join(texts(said)).replace("\\", ""))
    assert "Orders is 4" in whole or played.name == "alertmanager"
    assert "north" in whole
    assert bool(receipt.provider_message_id) is (played.name not in ("slack", "teams", "alertmanager"))


def test_a_lost_lease_sends_nothing(played: Chat) -> None:
    for step in ("connect", "data", "dot"):
        with pytest.raises(LeaseLost):
            send(played, FIRING, guard=Holding(lost_at=step))
    assert played.taken == []


ANSWERS = [
    ("400", "failed", None),
    ("404", "failed", None),
    ("410", "failed", None),
    ("302", "failed", None),
    ("429", "pending", 7.0),
    ("500", "pending", None),
    ("503", "pending", None),
]


def test_each_answer_becomes_the_state_that_it_says(played: Chat) -> None:
    def told(word: str) -> Receipt:
        items = (replace(FIRING.items[0], name="", headline=word),)
        return send(played, replace(FIRING, title=f"{word} x", items=items), seconds=0.2)

    for word, state, wait in ANSWERS:
        receipt = told(word)
        assert (receipt.state, receipt.code, receipt.retry_after) == (state, int(word), wait), (word, receipt)
        assert played.credential not in receipt.error
        assert "hush" not in receipt.error
    in_doubt = "pending" if played.name in PAGERS else "unknown"
    assert [told(word).state for word in ("504", "drop-after", "drop-before", "slow")] == [in_doubt] * 4
    assert len(played.taken) == 1


def test_a_credential_that_was_revoked_is_refused_for_good(played: Chat) -> None:
    wrong = played.credential[:-1] + ("0" if played.credential[-1] != "0" else "1")
    account = played.account()._replace(credential=wrong)
    content = post.written(replace(FIRING, title="x y"), AT, "")
    if played.name == "pagerduty":
        return  # it stands in the body, and its place would not know it
    receipt = Poster(CLIENT).send(TYPES[played.type], account, content, Holding(), key="k", root="")
    assert (receipt.state, receipt.code) == ("failed", 401)
    assert wrong not in receipt.error


def test_nothing_that_data_holds_is_markup_or_a_mention(played: Chat) -> None:
    message = replace(
        FIRING,
        title=f"Alert: {EVIL}",
        subject=EVIL,
        items=(Item(EVIL, EVIL, EVIL, EVIL, since=BEGAN),),
        facts=((EVIL, EVIL),),
    )
    assert send(played, message).state == "sent"
    [said] = played.taken
    found = texts(said)
    whole = "\n".join(found)
    assert "\u202e" not in whole
    assert not any("\r" in text for text in found)
    match played.type:
        case "slack":
            assert not re.search("[<>]", whole)
            kinds = [block["text"]["type"] for block in said["blocks"] if "text" in block]
            assert set(kinds) == {"plain_text"}
            assert played.name == "slack" or (said["parse"], said["link_names"]) == ("none", False)
        case "discord":
            assert said["allowed_mentions"] == {"parse": []}
            shown = said["embeds"][0]["description"].replace("**", "")
            assert not re.search(r"(?<!\\)[*_`<@\[\]()]", shown)
        case "telegram":
            assert set(re.findall("<[^>]*>", said["text"])) == {"<b>", "</b>"}
            assert not re.search(r"@\w", said["text"])
        case "teams":
            card = said["attachments"][0]["content"]
            assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
            assert "entities" not in card["msteams"]
            assert not re.search(r"\{\{|\$\{|@\{", whole)


def test_what_is_too_long_is_cut_to_each_ones_limit(played: Chat) -> None:
    long = "ü😀&<" * 2000
    items = tuple(Item(f"{number} {long}", long, long, long, since=BEGAN) for number in range(60))
    message = replace(FIRING, title=long, subject=long, items=items, facts=((long, long),) * 20, left_out=3)
    assert send(played, message).state == "sent"
    [said] = played.taken
    match played.type:
        case "slack":
            assert len(said["blocks"]) <= 50
            for block in said["blocks"]:
                most = 150 if block["type"] == "header" else 3000
                assert all(len(text) <= most for text in texts(block))
            assert len(said["text"]) <= 3000
        case "teams":
            assert len(json.dumps(said, ensure_ascii=False).encode()) <= 28 * 1024
        case "discord":
            [embed] = said["embeds"]
            assert post.units(embed["title"]) <= 256
            assert post.units(embed["description"]) <= 4096
        case "telegram":
            assert post.units(html.unescape(re.sub("</?b>", "", said["text"]))) <= 4096
        case "pagerduty":
            assert len(said["payload"]["summary"]) <= 1024
            assert len(json.dumps(said).encode()) < 512_000 * 2
        case "opsgenie":
            assert len(said["message"]) <= 130
            assert len(said["description"]) <= 15_000
            assert sum(len(name) + len(value) for name, value in said["details"].items()) <= 8000
        case "twilio":
            assert post.units(said["Body"]) <= 320
        case "alertmanager":
            assert (len(said["alerts"]), said["truncatedAlerts"]) == (50, 13)


@pytest.mark.parametrize("name", PAGERS)
def test_a_pager_opens_and_closes_one_incident_by_the_thread(name: str) -> None:
    with chat(name) as played:
        assert [send(played, each).state for each in (FIRING, FIRING, OVER)] == ["sent"] * 3
        first, again, last = played.taken
    if name == "pagerduty":
        assert [each["event_action"] for each in (first, again, last)] == ["trigger", "trigger", "resolve"]
        assert {each["dedup_key"] for each in (first, again, last)} == {FIRING.thread}
        assert first["payload"]["severity"] == "critical"
        assert set(last) == {"routing_key", "dedup_key", "event_action"}
    else:
        assert first["alias"] == again["alias"] == FIRING.thread
        assert (first["priority"], first["tags"]) == ("P2", ["kpi"])
        assert played.asked[-1] == f"/v2/alerts/{FIRING.thread}/close?identifierType=alias"


def test_a_bot_answers_within_the_thread() -> None:
    for name, where in (("slack bot", "thread_ts"), ("telegram", "reply_parameters")):
        with chat(name) as played:
            first = send(played, FIRING)
            send(played, OVER, root=first.provider_message_id)
            assert where not in played.taken[0]
            assert first.provider_message_id in str(played.taken[1][where])


def test_slack_says_what_is_wrong_with_a_status_of_200() -> None:
    for error, state in (("channel_not_found", "failed"), ("invalid_auth", "failed"), ("internal_error", "pending")):
        answer = Response200({"ok": False, "error": error})
        receipt = TYPES["slack"].read(answer)
        assert (receipt.state, receipt.error) == (state, f"answers {error}")


def Response200(said: Any) -> Any:  # noqa: N802  an answer
    from workers.http import Response

    return Response(200, {}, json.dumps(said).encode())


def test_a_receiver_of_alertmanagers_webhooks_gets_the_documented_group() -> None:
    with chat("alertmanager") as played:
        send(played, FIRING)
        send(played, OVER)
        first, last = played.taken
    own = {"severity": "page", "team": "sales", "alertname": "Orders", "alert_id": FIRING.thread}
    north, south = first["alerts"]
    assert (first["status"], last["status"], first["truncatedAlerts"]) == ("firing", "resolved", 0)
    assert first["groupKey"] == last["groupKey"]
    assert first["groupLabels"] == {"alertname": "Orders", "alert_id": FIRING.thread}
    assert first["commonLabels"] == own
    assert first["externalURL"] == "https://tocsin.example.com"
    assert north["labels"] == own | {"segment": "north"}
    assert (north["status"], north["startsAt"], north["endsAt"]) == (
        "firing",
        "2026-11-21T07:00:00Z",
        "0001-01-01T00:00:00Z",
    )
    assert (south["status"], south["endsAt"]) == ("resolved", "2026-11-21T08:05:00Z")
    assert north["annotations"]["description"] == "4 is below 5."
    assert last["alerts"][0]["fingerprint"] == north["fingerprint"] != south["fingerprint"]


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ("ann:p%40ss@", "Basic YW5uOnBAc3M="),
        ("t0ken%2Fx@", "Bearer t0ken/x"),
        (":only@", "Basic Om9ubHk="),
    ],
)
def test_a_receiver_is_shown_the_password_or_the_token_before_its_host(before: str, shown: str) -> None:
    with chat("alertmanager") as played:
        played.shown = shown
        account = played.account()
        account = account._replace(credential=account.credential.replace("://", f"://{before}"))
        adapter = TYPES["alertmanager"]
        assert adapter.address(account.credential, account.options) == f"{played.url}/hush"
        content = post.written(FIRING, AT, "")
        receipt = Poster(CLIENT).send(adapter, account, content, Holding(), key="d.0", root="")
    assert (receipt.state, len(played.taken)) == ("sent", 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:hush@alerts.example.com/",
        "https://@alerts.example.com/",
        "https://hush%0d%0a@alerts.example.com/",
        "https://hush@",
        "https://hush@alerts.example.com\\@x/",
    ],
)
def test_a_receivers_password_goes_over_no_open_wire_and_into_no_other_header(url: str) -> None:
    with pytest.raises(ValueError, match="takes") as refused:
        alertmanager.request(
            post.read(post.written(FIRING, AT, "")), Account("x", url, alertmanager.AlertmanagerOptions()), ""
        )
    assert "hush" not in str(refused.value)


def test_a_fingerprint_is_counted_as_prometheus_does() -> None:
    # Of no labels it is FNV-1a's offset; of one, the same fold written out.
    assert alertmanager.fingerprint({}) == "cbf29ce484222325"
    found = 0xCBF29CE484222325
    for byte in b"a\xffb\xff":
        found = ((found ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    assert alertmanager.fingerprint({"a": "b"}) == f"{found:016x}"


def test_the_same_message_is_always_the_same_bytes() -> None:
    content = post.written(FIRING, AT, "")
    assert post.written(FIRING, AT, "") == content
    read = post.read(content)
    assert (read.title, read.items, read.at) == (FIRING.title, FIRING.items, AT)
    assert post.thread_mark(FIRING.thread) in content
    forged = replace(FIRING, thread="other", title=f'"thread":"{FIRING.thread}"')
    assert post.thread_mark(FIRING.thread) not in post.written(forged, AT, "")
    with pytest.raises(ValueError, match="no message of a channel"):
        post.read(b"{}")


def test_no_message_goes_to_an_address_of_our_own_network() -> None:
    client = Client()
    for url in ("http://127.0.0.1:9/x", "https://169.254.169.254/x", "https://[::1]/x"):
        adapter = TYPES["alertmanager"]
        account = Chat("alertmanager", url="").account()._replace(credential=url)
        receipt = Poster(client).send(adapter, account, post.written(FIRING, AT, ""), Holding(), key="k", root="")
        assert receipt.state == "failed"
    client.close()


TAKEN = {
    "slack": ("https://hooks.slack.com/services/T/B/x", {}),
    "slack bot": (BOT, {"channel": "C1"}),
    "teams": ("https://x.logic.azure.com/workflows/1?sig=x", {}),
    "discord": ("https://discord.com/api/webhooks/1/x", {"threadId": "1234567"}),
    "telegram": (SECRETS["telegram"], {"chatId": "@name"}),
    "pagerduty": (SECRETS["pagerduty"], {"region": "eu"}),
    "opsgenie": (SECRETS["opsgenie"], {"region": "eu"}),
    "alertmanager": ("http://alerts.internal:9095/hook", {}),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_credential_goes_where_its_type_says(name: str) -> None:
    credential, options = TAKEN[name]
    adapter = TYPES[name.partition(" ")[0]]
    found = adapter.Options.model_validate(options)
    assert adapter.address(credential, found).startswith(("https://", "http://alerts.internal"))
    for wrong in ("", "nonsense", "ftp://x.example/", "http://x.example/ y", credential + "\n"):
        with pytest.raises(ValueError, match="takes") as refused:
            adapter.address(wrong, found)
        assert not wrong.strip() or wrong.strip() not in str(refused.value)
    if name not in ("alertmanager", "slack bot", "telegram", "pagerduty", "opsgenie"):
        with pytest.raises(ValueError, match="https"):
            adapter.address(credential.replace("https", "http"), found)
