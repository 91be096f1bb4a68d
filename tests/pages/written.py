"""What a pulse's run keeps of a report: one number that the figures prove, and one that nothing does."""

import json
from typing import Any

from db.jsonb import Jsonb
from tests import make
from tests.api.tenanted import ROWS
from tests.workers.pulses.made import evidence
from workers.pulses.narrative import check
from workers.pulses.settle import settle

TEXT = "## In short\n\nRevenue was **€12,345.67**, up 12.0%. There were 777 orders.\n"


def record(text: str = TEXT, **more: Any) -> dict[str, Any]:
    """The record of a run that wrote this text."""
    found = evidence()
    checked = check(text, found)
    return {
        "slot": "2026-10-15T06:00:00Z",
        "outcome": "sent",
        "sentence": "sent to 1 recipients",
        "prompt": "what is new?",
        "troubles": [],
        "messages": [{"role": "user", "content": "what is new?"}, {"role": "assistant", "content": text}],
        "report": settle(checked, "mark", found).markdown,
        "isFallback": False,
        "fallbackReason": None,
        "usage": {"model": "a-model", "tokensIn": 10, "tokensOut": 5, "dollars": None},
        "check": checked.record,
        "evidence": json.loads(found.json),
        **more,
    }


def job(conn: make.Connection, tenant: Any, text: str = TEXT, **more: Any) -> str:
    """A job that wrote this text."""
    kept = Jsonb(record(text, **more))
    return ROWS["job_id"](conn, tenant, "own", state="succeeded", outcome=kept, started_at=make.now(conn))
