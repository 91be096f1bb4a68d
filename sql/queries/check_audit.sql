-- The first broken place of each chain: an entry that was altered, one that is missing, an end that was cut off,
-- or a head that was set back. Reads all of audit_log. Index: audit_log's key.
with
entries as (
    select
        a.chain, a.number, a.hash, a.previous, audit_hash(a) as expected,
        lag(a.number, 1, 0::bigint) over (partition by a.chain order by a.number) as last_number,
        lag(a.hash, 1, ''::bytea) over (partition by a.chain order by a.number) as last_hash
    from audit_log as a
),

ends as (
    select a.chain, max(a.number) as number from audit_log as a
    group by a.chain
),

broken as (
    select
        e.chain, e.number,
        case
            when e.hash <> e.expected then 'altered'
            when e.number <> e.last_number + 1 then 'an entry before it is missing'
            else 'does not follow the entry before it'
        end as problem
    from entries as e
    where e.hash <> e.expected or e.number <> e.last_number + 1 or e.previous <> e.last_hash
    union all
    select h.chain, h.number, 'the end of the chain is missing' as problem
    from audit_heads as h
    left join audit_log as a on h.chain = a.chain and h.number = a.number and h.hash = a.hash
    where h.number > 0 and a.chain is null
    union all
    select e.chain, e.number, 'its head does not know of it' as problem
    from ends as e
    left join audit_heads as h on e.chain = h.chain and e.number <= h.number
    where h.chain is null
)

select distinct on (b.chain) b.chain, t.slug as tenant, b.number, b.problem
from broken as b
left join tenants as t on b.chain = t.id
order by b.chain, b.number
