-- Has a pulse, which the caller holds, tell these channels in this order and no others; a trigger projects them.
-- Index: pulse_channels' keys.
with
given as (
    select g.channel_id, g.position::smallint as position
    from unnest(%(channel_ids)s::uuid[]) with ordinality as g (channel_id, position)
),

gone as (
    delete from pulse_channels as o
    where
        o.tenant_id = %(tenant_id)s and o.schedule_id = %(id)s
        and o.position > (select count(*) from given)
    returning 1
)

insert into pulse_channels (tenant_id, schedule_id, position, channel_id)
select %(tenant_id)s, %(id)s, given.position, given.channel_id from given
on conflict (schedule_id, position) do update set channel_id = excluded.channel_id
