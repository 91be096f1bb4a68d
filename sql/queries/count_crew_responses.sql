-- How many crew responses a tenant has like that. Index: crew_responses_listed, crew_responses_of_user.
select count(*) as total
from crew_responses as c
where
    c.tenant_id = %(tenant_id)s
    and (%(user_uid)s::text is null or c.user_uid = %(user_uid)s)
    and (%(first_at)s::timestamptz is null or c.created_at >= %(first_at)s)
    and (%(last_at)s::timestamptz is null or c.created_at <= %(last_at)s)
    and (%(path)s::text[] is null or c.response_data #>> %(path)s = %(equals)s::text)
    and (%(matched)s::boolean is null or (c.matched is not null) = %(matched)s)
