-- Takes back the runs whose process was lost or stopped, and those past their deadline.
-- An expiry among co-runners is a suspicion, not an attempt: the run goes alone into the queue `suspect`; once there,
-- or past its own deadline, it counts. A run that was to be cancelled is not tried again.
-- Locks: the runs in the order of their ids, then their gates. Index: runs_released.
with
orphans as (
    select
        r.id, r.slot_at,
        r.queue = 'suspect' or p.id is not null and p.lost_at is null and p.stopped_at is null as is_guilty,
        case
            when p.lost_at is null and p.stopped_at is null and p.id is not null then 'the deadline passed'
            else 'its process was lost'
        end as why
    from runs as r
    left join processes as p on r.leased_by = p.id
    where
        r.state || '' = 'running' and r.released_at <= now() and r.finished_at is null and (
            p.id is null or p.lost_at is not null or p.stopped_at is not null
            or r.deadline_at < now() - interval '5 seconds'
        )
    order by r.id
    limit 500
    for update of r skip locked
),

moved as (
    update runs as r
    set
        state = case
            when r.cancel_requested_at is not null then 'cancelled'
            when o.is_guilty and r.attempt >= r.max_attempts then 'dead'
            else 'pending'
        end,
        fence = r.fence + 1,
        attempt = case when o.is_guilty then r.attempt else r.attempt - 1 end,
        -- A crew's call is one of hundreds that a process has in flight: it is a suspect at its third loss.
        queue = case
            when o.why <> 'its process was lost' then r.queue
            when r.kind = 'crew.ask' and (
                select count(*) from run_attempts as a
                where a.run_id = r.id and a.slot_at = r.slot_at and a.outcome = 'expired'
            ) < 2 then r.queue
            else 'suspect'
        end,
        available_at = case
            when o.is_guilty then now() + backoff_delay(r.schedule_id, r.schedule_version, r.attempt) else now()
        end,
        reason = case when o.is_guilty then 'expired' else 'suspect' end,
        error = o.why, deadline_at = null, leased_by = null,
        finished_at = case
            when r.cancel_requested_at is not null or o.is_guilty and r.attempt >= r.max_attempts then now()
        end
    from orphans as o
    where r.id = o.id and r.slot_at = o.slot_at
    returning r.id, r.slot_at, r.tenant_id, r.schedule_id, r.kind, r.state, r.fence, r.attempt, r.started_at, r.error
),

attempts as (
    insert into run_attempts (run_id, slot_at, tenant_id, fence, attempt, started_at, outcome, error)
    select id, slot_at, tenant_id, fence, attempt, started_at, 'expired', error from moved
    returning 1
),

deaths as (
    insert into dead_letters (id, run_id, slot_at, tenant_id, schedule_id, kind, cause, error, attempts, fence)
    -- A UUIDv7 with the run's time, so that a dead letter's id alone finds its partition too.
    select
        (left(id::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid, id, slot_at, tenant_id, schedule_id,
        kind, 'expired', error, attempt, fence
    from moved
    where state = 'dead'
    returning 1
),

freed as (
    update schedule_gates as g
    set run_id = null, run_slot_at = null
    from moved
    where g.run_id = moved.id and moved.state <> 'pending'
    returning 1
)

select id, kind, state from moved
