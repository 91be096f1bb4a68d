-- Changes the threshold of an alert, which the caller holds; a trigger projects it into the schedule's params.
-- Index: kpi_thresholds' key.
update kpi_thresholds as t
set
    condition = %(condition)s, threshold_value = %(threshold_value)s, threshold_high = %(threshold_high)s,
    policy = %(policy)s, updated_at = now()
where t.tenant_id = %(tenant_id)s and t.kpi_alert_id = %(alert_id)s
