-- The runs of a process that somebody asked to cancel. Index: runs_cancel_asked.
select r.id from runs as r
where
    r.cancel_requested_at is not null and r.finished_at is null and r.state = 'running' and r.leased_by = %(process_id)s
