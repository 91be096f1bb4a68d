-- What recipients of an alert's mails did by their links since an instant. Index: message_actions_of_alert.
select m.action, m.segment, m.until, m.created_at from message_actions as m
where
    m.tenant_id = %(tenant_id)s and m.alert_id = %(alert_id)s and m.created_at >= %(since)s
    and m.action in ('acknowledge', 'snooze')
order by m.created_at
