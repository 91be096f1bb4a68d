-- The last entry about each thing of a tenant behind a number of its chain: who changed it since.
-- Index: audit_log's key.
select distinct on (a.subject_type, a.subject_id)
    a.subject_type, a.subject_id, a.action, a.who, a.at, a.number
from audit_log as a
where a.chain = %(tenant_id)s::uuid and a.tenant_id = %(tenant_id)s and a.number > %(number)s::bigint
order by a.subject_type asc, a.subject_id asc, a.number desc
