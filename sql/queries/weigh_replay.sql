-- What a replay of these runs of a tenant's meets: how many of them were delivered already and to how many recipients,
-- and how many are of schedules that are paused or cancelled. The runs' slots lie between the two instants, so only
-- their weeks are read. Index: deliveries_one_per_recipient or deliveries_of_tenant, schedules' key.
-- To be planned for its own values: then the better of the two is chosen (1.2 ms for 1,000 runs). A lookup of each run
-- with its slot goes by deliveries_of_tenant and reads the tenant's whole herd at that slot each time (320 ms).
with
served as (
    select d.run_id, count(*) as recipients
    from deliveries as d
    where
        d.tenant_id = %(tenant_id)s and d.run_id = any(%(run_ids)s::uuid[])
        and d.slot_at between %(first_at)s::timestamptz and %(last_at)s::timestamptz
        and d.state = 'sent'
    group by d.run_id
),

stopped as (
    select s.status
    from unnest(%(schedule_ids)s::uuid[]) as a (id)
    inner join schedules as s on a.id = s.id
    where s.tenant_id = %(tenant_id)s and s.status in ('paused', 'cancelled')
)

select
    (select count(*) from served) as delivered,
    (select coalesce(sum(v.recipients), 0)::bigint from served as v) as recipients,
    (select count(*) from stopped as p where p.status = 'paused') as paused,
    (select count(*) from stopped as p where p.status = 'cancelled') as cancelled
