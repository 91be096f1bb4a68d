-- The entries of a tenant's chain, or of the operator's (null), newest first, on from a number. Index: audit_log's key,
-- audit_log_of_subject or audit_log_of_person, as it is asked: each call is planned for its filters.
select
    a.number, a.at, a.who, a.action, a.subject_type, a.subject_id, a.before, a.after, a.address, a.request_id,
    encode(a.hash, 'hex') as hash
from audit_log as a
where
    a.chain = coalesce(%(tenant_id)s::uuid, '00000000-0000-0000-0000-000000000000')
    and a.tenant_id is not distinct from %(tenant_id)s
    and (%(before)s::bigint is null or a.number < %(before)s)
    and (%(subject_type)s::text is null or a.subject_type = %(subject_type)s)
    and (%(subject_id)s::text is null or a.subject_id = %(subject_id)s)
    and (%(who)s::text is null or a.who = %(who)s)
order by a.number desc
limit %(room)s
