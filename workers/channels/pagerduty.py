"""PagerDuty: Events API v2. One incident an alert, by its thread: triggered while it fires, resolved once it is back.

The same key makes no second incident, so what was in doubt is sent again. Source: PagerDuty's Events API v2 reference.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from workers.channels.adapter import Account, Adapter, Endpoint, Options, as_json, by_status, words
from workers.channels.over_http import Call, told
from workers.channels.post import Post, cut, line_of
from workers.channels.receipt import Receipt
from workers.http import Response

ENDPOINTS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
_TAKES = "takes the integration key of a service with Events API v2, 32 letters and digits"


class PagerDutyOptions(Options):
    """Where the account is, and how bad a firing alert is."""

    region: Literal["us", "eu"] = "us"
    severity: Annotated[
        Literal["critical", "error", "warning", "info"], Field(description="of an alert that fires")
    ] = "critical"
    endpoint: Endpoint | None = None


def address(credential: str, options: PagerDutyOptions) -> str:
    """Return where events are sent. Raises ValueError when the credential is no integration key."""
    if not re.fullmatch(r"[A-Za-z0-9]{32}", credential):
        raise ValueError(_TAKES)
    return f"{options.endpoint or ENDPOINTS[options.region]}/v2/enqueue"


def request(post: Post, account: Account, _root: str) -> Call:
    """Return the event: of what is resolved its key alone."""
    options = account.options
    said: dict[str, Any] = {"routing_key": account.credential, "dedup_key": post.thread[:255]}
    if post.state == "resolved":
        return as_json(address(account.credential, options), said | {"event_action": "resolve"})
    said |= {
        "event_action": "trigger",
        "client": "Tocsin",
        "payload": {
            "summary": cut(post.title, 1024),
            "source": cut(post.subject, 255) or "Tocsin",
            "severity": options.severity if post.severity == "critical" else post.severity,
            "timestamp": post.at.isoformat(),
            "custom_details": {
                **dict(post.facts),
                "items": [" ".join(filter(None, (line_of(item), item.text))) for item in post.items],
                "left_out": post.left_out,
            },
        },
    }
    if post.home:
        said["client_url"] = post.home
    if post.link:
        said["links"] = [{"href": post.link, "text": "Open"}]
    return as_json(address(account.credential, options), said)


def read(answer: Response) -> Receipt:
    """Return what the status says; a taken event is known by its key."""
    errors = told(answer).get("errors")
    why = f"{words(answer, 'message')} {' '.join(map(str, errors)) if isinstance(errors, list) else ''}".strip()
    return by_status(answer, str(told(answer).get("dedup_key") or ""), why[:300])


ADAPTER = Adapter("PagerDuty", PagerDutyOptions, address, request, read, is_keyed=True, is_pager=True)
