-- The deliveries of a run that failed for good or came back, the first fifty. Index: deliveries_one_per_recipient.
select d.recipient, d.state, d.error from deliveries as d
where
    d.tenant_id = %(tenant_id)s and d.run_id = %(run_id)s and d.slot_at = %(slot_at)s
    and d.state || '' in ('failed', 'bounced')
order by d.recipient
limit 50
