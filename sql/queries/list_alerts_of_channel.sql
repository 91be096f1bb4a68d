-- The names of the alerts that tell a channel, the first few by name. Sorts these.
-- Index: kpi_alert_channels_of_channel.
select a.alert_name as name
from kpi_alert_channels as o
inner join kpi_alerts as a on o.tenant_id = a.tenant_id and o.kpi_alert_id = a.id
where o.tenant_id = %(tenant_id)s and o.channel_id = %(id)s
order by a.alert_name
limit 5
