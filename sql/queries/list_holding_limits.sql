-- Limits with what they are called now and how their circuits stand: those of these names, and those of endpoints that
-- give no answer while calls of this run (null: of none) wait for one. By name. Index: limits' key, limits_open,
-- runs_one_per_item.
select
    l.name, coalesce(e.name, s.name) as called, l.open_since, l.open_until, l.failed_in_row
from limits as l
left join crew_endpoints as e on l.tenant_id = e.tenant_id and l.name = 'endpoint:' || e.id
left join sources as s on l.tenant_id = s.tenant_id and l.name = 'source:' || s.id
where
    l.tenant_id = %(tenant_id)s
    and (
        l.name = any(%(names)s::text[])
        or l.open_since is not null
        and exists (
            select from runs as c
            where
                c.tenant_id = l.tenant_id and c.parent_run_id = %(run_id)s::uuid and c.slot_at = %(slot_at)s
                and c.finished_at is null and l.name = any(c.limited_by)
        )
    )
order by l.name
