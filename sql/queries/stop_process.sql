-- Ends a process's lease because it stops; what it still holds can be taken at once.
update processes as p set stopped_at = now(), leased_until = now() where p.id = %(id)s
