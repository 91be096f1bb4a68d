-- Makes the threshold of an alert. A trigger projects both into the schedule's params. Index: kpi_thresholds' key.
insert into kpi_thresholds (kpi_alert_id, tenant_id, condition, threshold_value, threshold_high, policy)
values (
    %(alert_id)s, %(tenant_id)s, %(condition)s, %(threshold_value)s, %(threshold_high)s, %(policy)s
)
