-- What a replay of these runs of a tenant's meets: how many of them were delivered already and to how many recipients,
-- and how many are of schedules that are paused or cancelled. Index: deliveries_one_per_recipient, schedules' key.
with
asked as (
    select a.run_id, a.slot_at, a.schedule_id
    from unnest(%(run_ids)s::uuid[], %(slots)s::timestamptz[], %(schedule_ids)s::uuid[])
        as a (run_id, slot_at, schedule_id)
),

served as (
    select a.run_id, count(*) as recipients
    from asked as a
    inner join deliveries as d on a.run_id = d.run_id and a.slot_at = d.slot_at
    where d.tenant_id = %(tenant_id)s and d.state = 'sent'
    group by a.run_id
),

stopped as (
    select s.status
    from asked as a
    inner join schedules as s on a.schedule_id = s.id
    where s.tenant_id = %(tenant_id)s and s.status in ('paused', 'cancelled')
)

select
    (select count(*) from served) as delivered,
    (select coalesce(sum(v.recipients), 0)::bigint from served as v) as recipients,
    (select count(*) from stopped as p where p.status = 'paused') as paused,
    (select count(*) from stopped as p where p.status = 'cancelled') as cancelled
