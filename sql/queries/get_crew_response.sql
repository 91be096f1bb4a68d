-- A tenant's crew response. Index: crew_responses' key (tenant_id, id).
select
    c.id, c.user_uid, c.request_context, c.request_goal, c.response_data, c.endpoint_id, c.run_id, c.slot_at, c.status,
    c.error, c.excerpt, c.matched, c.rule_error, c.latency_ms, c.created_at
from crew_responses as c
where c.tenant_id = %(tenant_id)s and c.id = %(id)s
