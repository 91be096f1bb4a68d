-- Has an alert, which the caller holds, tell these channels in this order and no others; a trigger projects them.
-- Index: kpi_alert_channels' keys.
with
given as (
    select g.channel_id, g.position::smallint as position
    from unnest(%(channel_ids)s::uuid[]) with ordinality as g (channel_id, position)
),

gone as (
    delete from kpi_alert_channels as o
    where
        o.tenant_id = %(tenant_id)s and o.kpi_alert_id = %(id)s
        and o.position > (select count(*) from given)
    returning 1
)

insert into kpi_alert_channels (tenant_id, kpi_alert_id, position, channel_id)
select %(tenant_id)s, %(id)s, given.position, given.channel_id from given
on conflict (kpi_alert_id, position) do update set channel_id = excluded.channel_id
