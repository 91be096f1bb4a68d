-- The names of the alerts and the pulses that tell a channel, the first few by name. Sorts these.
-- Index: kpi_alert_channels_of_channel, pulse_channels_of_channel.
select a.alert_name as name
from kpi_alert_channels as o
inner join kpi_alerts as a on o.tenant_id = a.tenant_id and o.kpi_alert_id = a.id
where o.tenant_id = %(tenant_id)s and o.channel_id = %(id)s
union all
select s.name
from pulse_channels as o
inner join schedules as s on o.tenant_id = s.tenant_id and o.schedule_id = s.id
where o.tenant_id = %(tenant_id)s and o.channel_id = %(id)s
order by name
limit 5
