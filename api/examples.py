"""A good body of each model that the API takes: the one table that the OpenAPI page and its curl lines take theirs from.

An id in them is nobody's, and no secret is in them that somebody might keep.
"""

from typing import Any, Final

NOBODYS: Final = "00000000-0000-4000-8000-000000000000"

_THRESHOLD = {"condition": "LESS_THAN", "thresholdValue": 100, "checkCron": "0 9 * * *"}
_HOOK = "https://example.com/hook"

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "ScheduleIn": {
        "jobType": "http.call",
        "jobPayload": {"url": _HOOK},
        "name": "morning call",
        "cronExpression": "0 9 * * 1-5",
        "timezone": "Europe/Paris",
    },
    "SchedulePatch": {"priority": 3},
    "PauseIn": {"note": "until the move is over"},
    "BackfillIn": {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"},
    "CronIn": {"cronExpression": "0 9 * * 1-5", "timezone": "Europe/Paris", "count": 5},
    "LettersIn": {"kind": "http.call", "cause": "attempts_exhausted", "limit": 100},
    "ResendIn": {"force": False},
    "AcknowledgeIn": {"segment": "north"},
    "SnoozeIn": {"seconds": 3600},
    "SourceIn": {"name": "shop", "type": "postgres", "url": "postgresql://reader@db.example.com:5432/shop"},
    "SourcePatch": {"name": "the shop"},
    "QueryIn": {"query": "select 1 as one"},
    "GraphIn": {
        "name": "orders",
        "sourceId": NOBODYS,
        "query": "select day, count(*) as orders from orders group by day",
        "unit": "orders",
        "valueColumn": "orders",
        "timeDimension": "day",
        "grain": "day",
    },
    "GraphPatch": {"unit": "orders"},
    "DashboardIn": {"name": "mondays", "graphIds": [NOBODYS]},
    "DashboardPatch": {"description": "what matters on a Monday"},
    "KpiAlertIn": {
        "alertName": "orders are low",
        "graphId": NOBODYS,
        "recipients": ["ada@example.com"],
        "threshold": _THRESHOLD,
    },
    "BacktestIn": {"graphId": NOBODYS, "threshold": _THRESHOLD},
    "KpiAlertPatch": {"description": "call the shop first"},
    "PulseIn": {
        "name": "tuesdays",
        "prompt": "What changed last week, and why?",
        "cron": "0 8 * * 2",
        "cronTimezone": "Europe/Paris",
        "recipients": ["ada@example.com"],
    },
    "PulsePatch": {"description": "read on Tuesdays"},
    "CleanUpIn": {"openForHours": 48},
    "ScheduledReportIn": {
        "name": "weekly sales",
        "reportType": "sales",
        "cronExpression": "0 8 * * 1",
        "timezone": "Europe/Paris",
        "exportFormats": ["csv"],
        "emailRecipients": ["ada@example.com"],
    },
    "ScheduledReportPatch": {"description": "what was sold"},
    "ReportDefinitionIn": {
        "name": "sales",
        "sourceId": NOBODYS,
        "query": "select day, amount from sales",
        "title": "Sales",
    },
    "ReportDefinitionInPatch": {"description": "what was sold"},
    "TryIn": {"parameters": {}, "timezone": "Europe/Paris"},
    "SilenceIn": {"name": "the move", "durationSeconds": 3600},
    "SilencePatch": {"name": "the long move"},
    "LimitIn": {"name": "host:api.example.com", "maxRunning": 4, "maxPerMinute": 60},
    "LimitPatch": {"maxRunning": 8},
    "CalendarIn": {"name": "Bavaria", "country": "DE", "subdivision": "BY"},
    "CalendarPatch": {"ownDays": [{"date": "2026-12-24", "name": "closed at noon"}]},
    "ChannelIn": {"name": "ops", "type": "slack", "credential": "https://hooks.example.com/services/yours"},
    "ChannelPatch": {"name": "operations"},
    "MemberIn": {"subject": "ada", "email": "ada@example.com", "role": "editor"},
    "MemberPatch": {"role": "viewer"},
    "TokenIn": {"name": "a script", "scope": "read"},
    "TenantIn": {"slug": "acme", "name": "Acme"},
    "TenantPatch": {"settings": {"defaultTimezone": "Europe/Paris"}},
    "WebhookIn": {"name": "told", "url": _HOOK, "events": ["run.dead", "alert.firing"]},
    "WebhookPatch": {"events": ["run.dead"]},
    "RotateIn": {},
    "SuppressionIn": {"recipient": "gone@example.com", "note": "asked by telephone"},
    "TemplateIn": {"name": "ours", "purpose": "kpi.threshold", "subject": "Look at this"},
    "PreviewIn": {"purpose": "kpi.threshold", "subject": "Look at this"},
    "TemplatePatch": {"subject": "Look at this first"},
    "UserIn": {"uid": "ada", "context": "a shop in Turin", "goal": "to open a second one"},
    "UsersIn": {"users": [{"uid": "ada", "goal": "to grow"}, {"uid": "grace", "goal": "to rest"}]},
    "UsersQuery": {"sourceId": NOBODYS, "query": "select id as uid, goal from customers"},
    "UserPatch": {"goal": "to rest"},
    "CrewEndpointIn": {"name": "ours", "url": "https://crew.example.com/run-crew"},
    "CrewEndpointPatch": {"concurrency": 10},
    "CrewResponseIn": {"userUid": "ada", "responseData": {"advice": "open it in spring"}},
    "CrewAction": {"action": "start", "intervalMinutes": 60},
}
"""By the model's name in the document. A test holds that each body has one, and that it is taken."""
