-- The runs of a process that somebody asked to cancel. Index: runs_running.
select r.id from runs as r
where r.state = 'running' and r.leased_by = %(process_id)s and r.cancel_requested_at is not null
