-- Declares lost the processes whose lease ran out: from now on they write nothing. Index: processes_live.
update processes as p
set lost_at = now()
where p.leased_until < now() and p.lost_at is null and p.stopped_at is null
returning p.id, p.role, p.host, p.pid
