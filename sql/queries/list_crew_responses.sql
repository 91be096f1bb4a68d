-- A tenant's crew responses, newest first, some of them passed over; of a user, of a span, with a value at a place of
-- the answer, where that is asked. Sorted. Index: crew_responses_listed, crew_responses_of_user.
select
    c.id, c.user_uid, c.request_context, c.request_goal, c.response_data, c.endpoint_id, c.run_id, c.slot_at, c.status,
    c.error, c.excerpt, c.matched, c.rule_error, c.latency_ms, c.created_at
from crew_responses as c
where
    c.tenant_id = %(tenant_id)s
    and (%(user_uid)s::text is null or c.user_uid = %(user_uid)s)
    and (%(first_at)s::timestamptz is null or c.created_at >= %(first_at)s)
    and (%(last_at)s::timestamptz is null or c.created_at <= %(last_at)s)
    and (%(path)s::text[] is null or c.response_data #>> %(path)s = %(equals)s::text)
    and (%(matched)s::boolean is null or (c.matched is not null) = %(matched)s)
order by c.created_at desc, c.id desc
limit
    %(room)s
    offset %(passed)s
