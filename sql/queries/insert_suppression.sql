-- Suppresses a recipient, for a schedule or at all; one that is there already says from now on what is said here.
-- Index: suppressions_one_per_scope.
insert into suppressions as s (tenant_id, recipient, schedule_id, reason, source, note, run_id, delivery_id)
values (
    %(tenant_id)s, %(recipient)s, %(schedule_id)s, %(reason)s, %(source)s, %(note)s, %(run_id)s, %(delivery_id)s
)
on conflict (tenant_id, recipient, schedule_id) do update
    set
        reason = excluded.reason, source = excluded.source, note = excluded.note, run_id = excluded.run_id,
        delivery_id = excluded.delivery_id
returning s.id, xmax = 0 as is_new
