"""Two report definitions to begin with, over a sample table: what people did in a workspace, and how its channels went.

They ask the one table of `SCHEMA`, which `tocsin demo` and `tocsin up` make and fill in their own database; docs/exports.md
tells of it.
"""

from typing import Any
from uuid import UUID

SCHEMA = """
create schema if not exists sample;
create table if not exists sample.activities (
    at timestamptz not null,
    workspace text not null,
    member text not null,
    channel text not null,
    action text not null
);
"""

ACTIVITY = """
select member, action, count(*) as actions, max(at) as last_at
from sample.activities
where
    workspace = $param_workspace and at >= $param_period_start and at < $param_period_end
group by member, action
order by actions desc, member, action
limit $param_most
"""

CHANNELS = """
select
    (at at time zone $timezone)::date as day, channel, count(*) as actions, count(distinct member) as members,
    count(*) filter (where action = 'message')::numeric / count(*) as messages
from sample.activities
where at >= $param_period_start and at < $param_period_end
group by day, channel
order by day, channel
"""


def bodies(source_id: UUID) -> list[dict[str, Any]]:
    """The bodies of both definitions on a source that has the sample table."""
    return [
        {
            "name": "workspace-activity",
            "description": "What each member of a workspace did.",
            "sourceId": source_id,
            "query": ACTIVITY.strip(),
            "parameters": [
                {"name": "workspace", "type": "string", "label": "Workspace", "default": "main"},
                {"name": "period", "type": "period", "label": "Period", "default": "last_full_week"},
                {"name": "most", "type": "integer", "label": "Rows at most", "default": 1000},
            ],
            "columns": [
                {"name": "member", "label": "Member"},
                {"name": "actions", "label": "Actions", "decimals": 0},
                {"name": "last_at", "label": "Last seen"},
            ],
            "title": "Activity in {{ parameters.workspace }}",
            "subtitle": "{{ parameters.period.first_day }} to {{ parameters.period.last_day }}",
        },
        {
            "name": "channel-analytics",
            "description": "How many members and actions each channel had, day by day.",
            "sourceId": source_id,
            "query": CHANNELS.strip(),
            "parameters": [{"name": "period", "type": "period", "label": "Period", "default": "month_to_date"}],
            "columns": [
                {"name": "day", "label": "Day"},
                {"name": "channel", "label": "Channel"},
                {"name": "actions", "label": "Actions", "decimals": 0},
                {"name": "members", "label": "Members", "decimals": 0},
                {"name": "messages", "label": "Messages", "format": "percent", "decimals": 1},
            ],
            "title": "Channels",
            "subtitle": "{{ parameters.period.first_day }} to {{ parameters.period.last_day }}",
            "notes": "Days are those of {{ timezone }}.",
        },
    ]
