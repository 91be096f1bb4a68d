-- Pauses every schedule of a restored copy that is due, so that it can be resumed from now on; answers them.
-- Locks: the schedules in the order of their ids. Index: schedules_due.
with
locked as (
    select s.id from schedules as s
    where s.status = 'active' and s.next_fire_at <= now()
    order by s.id
    for update
)

update schedules as s
set status = 'paused', pause_note = 'passed over: restored', next_fire_at = null, updated_at = now()
from locked
where s.id = locked.id
returning s.tenant_id, s.id
