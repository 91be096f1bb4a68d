-- The last entry of each of a tenant's stacks, oldest first: the rows that each was applied with.
-- Index: audit_log_of_stacks.
with latest as (
    select distinct on (a.subject_id) a.number, a.subject_id as stack, a.after
    from audit_log as a
    where a.chain = %(tenant_id)s::uuid and a.tenant_id = %(tenant_id)s and a.subject_type = 'stack'
    order by a.subject_id asc, a.number desc
)

select l.number, l.stack, l.after from latest as l
order by l.number
