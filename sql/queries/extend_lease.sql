-- Extends a process's lease; no row: the reaper declared it lost, and what it held belongs to others.
update processes as p
set seen_at = now(), leased_until = now() + make_interval(secs => %(lease_seconds)s)
where p.id = %(id)s and p.lost_at is null
