-- Keeps an answer that somebody stores by hand; no row: the tenant has no such user. Locks: the user (`for key share`).
-- Index: users' key.
insert into crew_responses (tenant_id, user_uid, request_context, request_goal, response_data)
select u.tenant_id, u.uid, %(request_context)s, %(request_goal)s, %(response_data)s
from users as u
where u.tenant_id = %(tenant_id)s and u.uid = %(user_uid)s
returning id
