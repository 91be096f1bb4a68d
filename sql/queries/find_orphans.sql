-- Which files of the store belong to nobody and never will: no row names them, and their run is there under another
-- fence than the one they were made under, which only rises, or is gone for good: its week was dropped, or its tenant
-- was erased. A run that is unknown otherwise was made after this database was copied: its file is the original's.
-- One statement, so one instant: a row that is being written holds its run, which still runs then. Locks nothing.
-- Indexes: artifacts_one_per_name, runs' key, in one partition a key; tenants' key; audit_log's key, of the operator's
-- chain; `state || ''` is in no index, so that a pooler's plain session reads no partition whole (600,000 runs: 105 ms
-- a page of a thousand keys).
with
asked as (
    select
        t.key, t.tenant_id, t.run_id, t.slot_at, t.fence,
        'runs_' || to_char(date_trunc('week', t.slot_at at time zone 'UTC'), 'YYYYMMDD') as part
    from
        unnest(
            %(keys)s::text[], %(tenant_ids)s::uuid[], %(run_ids)s::uuid[], %(slots)s::timestamptz[],
            %(fences)s::bigint[]
        ) as t (key, tenant_id, run_id, slot_at, fence)
),

erased as (
    select distinct k.tenant_id from asked as k
    where
        not exists (select from tenants as t where t.id = k.tenant_id)
        and exists (
            select from audit_log as l
            where
                l.chain = '00000000-0000-0000-0000-000000000000' and l.action = 'tenant.erased'
                and l.subject_id = k.tenant_id::text
        )
)

select k.key from asked as k
left join runs as r on k.run_id = r.id and k.slot_at = r.slot_at
where
    not exists (
        select from artifacts as a where a.run_id = k.run_id and a.slot_at = k.slot_at and a.key = k.key
    )
    and case
        when r.id is null then to_regclass(k.part) is null or k.tenant_id in (select e.tenant_id from erased as e)
        else r.fence <> k.fence or r.state || '' <> 'running'
    end
