-- Ends attempts as a group: states, attempts, dead letters, alert states with their moves, crews' answers, and delivery
-- intents in one commit, and the gates of what ended. What only waited is no
-- attempt. A row whose fence is no longer current is left out; a row that this very finish
-- already wrote (its answer was lost) is answered again. Locks: the runs in the order of their ids, then their gates.
-- Index: runs' key; why `lateral`, `state || ''` and `= any(array[...])`: see start_runs.sql.
with
given as (
    select g.* from unnest(
        %(ids)s::uuid[], %(slots)s::timestamptz[], %(fences)s::bigint[], %(states)s::text[], %(reasons)s::text[],
        %(outcomes)s::text[], %(errors)s::text[], %(delays)s::float8[], %(attempt_outcomes)s::text[],
        %(tracebacks)s::text[], %(causes)s::text[]
    ) as g (id, slot_at, fence, state, reason, outcome, error, delay, attempt_outcome, traceback, cause)
),

locked as (
    select w.*
    from (select * from given order by id) as w
    cross join lateral (
        select q.id
        from runs as q
        where q.id = w.id and q.slot_at = w.slot_at and q.fence = w.fence and q.state || '' = 'running'
        for update
    ) as r
),

moved as (
    update runs as r
    set
        -- A run that was to be cancelled is not tried again.
        state = case when g.state = 'pending' and r.cancel_requested_at is not null then 'cancelled' else g.state end,
        written_fence = g.fence, reason = g.reason, error = g.error,
        outcome = coalesce(g.outcome::jsonb, r.outcome), deadline_at = null,
        attempt = case when g.attempt_outcome = 'waited' then r.attempt - 1 else r.attempt end,
        leased_by = case when g.state = 'succeeded' then r.leased_by end,
        finished_at = case when g.state = 'pending' and r.cancel_requested_at is null then null else now() end,
        available_at = case
            when g.state <> 'pending' then r.available_at
            when g.delay is not null then now() + make_interval(secs => g.delay)
            else now() + backoff_delay(r.schedule_id, r.schedule_version, r.attempt)
        end
    from locked as g
    where r.id = any(array[g.id]) and r.slot_at = any(array[g.slot_at]) and r.fence = g.fence
    returning
        r.id, r.slot_at, r.tenant_id, r.schedule_id, r.kind, r.state, r.fence, r.attempt, r.started_at, r.error,
        r.limited_by, g.attempt_outcome, g.traceback, g.cause
),

attempts as (
    insert into run_attempts (
        run_id, slot_at, tenant_id, fence, attempt, process_id, started_at, outcome, error, traceback
    )
    select
        id, slot_at, tenant_id, fence, attempt, %(process_id)s, started_at, attempt_outcome, error, traceback
    from moved
    -- The run itself tells of the attempt that succeeded.
    where attempt_outcome not in ('done', 'waited') or attempt_outcome = 'done' and state <> 'succeeded'
    returning 1
),

deaths as (
    insert into dead_letters (id, run_id, slot_at, tenant_id, schedule_id, kind, cause, error, attempts, fence)
    -- A UUIDv7 with the run's time, so that a dead letter's id alone finds its partition too.
    select
        (left(id::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid, id, slot_at, tenant_id, schedule_id,
        kind, cause, error, attempt, fence
    from moved
    where state = 'dead'
    returning 1
),

bodies as (
    insert into delivery_bodies (run_id, slot_at, tenant_id, number, message_id, content)
    select b.run_id, m.slot_at, m.tenant_id, b.number, b.message_id, b.content
    from
        unnest(%(body_runs)s::uuid[], %(body_numbers)s::int[], %(message_ids)s::text[], %(contents)s::bytea[])
            as b (run_id, number, message_id, content)
    inner join moved as m on b.run_id = m.id
    returning 1
),

intents as (
    insert into deliveries (
        id, slot_at, tenant_id, run_id, channel, recipient, recipient_type, body_number, state, error, unknown_policy
    )
    select
        d.id, m.slot_at, m.tenant_id, m.id, d.channel, d.recipient, d.recipient_type, d.body_number, d.state, d.error,
        d.unknown_policy
    from
        unnest(
            %(delivery_ids)s::uuid[], %(delivery_runs)s::uuid[], %(channels)s::text[], %(recipients)s::text[],
            %(recipient_types)s::text[], %(delivery_bodies)s::int[], %(delivery_states)s::text[],
            %(delivery_errors)s::text[], %(unknown_policies)s::text[]
        ) as d (id, run_id, channel, recipient, recipient_type, body_number, state, error, unknown_policy)
    inner join moved as m on d.run_id = m.id
    returning 1
),

found as (
    select a.* from unnest(
        %(alert_ids)s::uuid[], %(alert_runs)s::uuid[], %(segments)s::text[], %(alert_states)s::text[],
        %(alert_values)s::numeric[], %(alert_since)s::timestamptz[], %(alert_memories)s::text[]
    ) as a (alert_id, run_id, segment, state, value, since, memory)
),

alerts as (
    insert into alert_states (alert_id, tenant_id, segment, state, value, since, memory, run_id, slot_at)
    select a.alert_id, m.tenant_id, a.segment, a.state, a.value, a.since, a.memory::jsonb, m.id, m.slot_at
    from found as a
    inner join moved as m on a.run_id = m.id
    -- An alert that was deleted meanwhile remembers nothing.
    inner join kpi_alerts as k on a.alert_id = k.id and m.tenant_id = k.tenant_id
    on conflict (alert_id, segment) do update
        set
            state = excluded.state, value = excluded.value, since = excluded.since, memory = excluded.memory,
            run_id = excluded.run_id, slot_at = excluded.slot_at, updated_at = now()
    returning 1
),

moves as (
    insert into alert_events (
        tenant_id, alert_id, segment, slot_at, run_id, previous_state, state, value, reason
    )
    -- Each at the slot that it is of: a run that makes up for others moves a segment more than once.
    select m.tenant_id, a.alert_id, a.segment, a.slot_at, m.id, a.moved_from, a.state, a.value, a.reason
    from
        unnest(
            %(move_alerts)s::uuid[], %(move_runs)s::uuid[], %(move_segments)s::text[], %(move_slots)s::timestamptz[],
            %(moved_from)s::text[], %(moved_to)s::text[], %(move_values)s::numeric[], %(move_reasons)s::text[]
        ) as a (alert_id, run_id, segment, slot_at, moved_from, state, value, reason)
    inner join moved as m on a.run_id = m.id
    inner join kpi_alerts as k on a.alert_id = k.id and m.tenant_id = k.tenant_id
    on conflict (alert_id, segment, slot_at) do nothing
    returning 1
),

answers as (
    insert into crew_responses (
        tenant_id, user_uid, request_context, request_goal, response_data, endpoint_id, run_id, slot_at, status, error,
        excerpt, matched, latency_ms, rule_error
    )
    select
        m.tenant_id, u.uid, a.context, a.goal, a.response::jsonb, a.endpoint_id, m.id, m.slot_at,
        case when m.state = 'succeeded' then 'answered' else 'failed' end, a.error,
        a.excerpt, a.matched::jsonb, a.latency, a.rule_error
    from
        unnest(
            %(answer_runs)s::uuid[], %(answer_uids)s::text[], %(answer_contexts)s::text[], %(answer_goals)s::text[],
            %(answers)s::text[], %(answer_endpoints)s::uuid[], %(answer_errors)s::text[], %(answer_excerpts)s::text[],
            %(answer_matches)s::text[], %(answer_latencies)s::int[], %(answer_rule_errors)s::text[]
        ) as a (run_id, uid, context, goal, response, endpoint_id, error, excerpt, matched, latency, rule_error)
    inner join moved as m on a.run_id = m.id
    -- Nothing is kept of a user who was deleted meanwhile.
    inner join users as u on m.tenant_id = u.tenant_id and a.uid = u.uid
    -- An answer takes the place of what failed before, a replay's too.
    on conflict (run_id) where run_id is not null do update
        set
            response_data = excluded.response_data, status = excluded.status, error = excluded.error,
            excerpt = excluded.excerpt, matched = excluded.matched, latency_ms = excluded.latency_ms,
            rule_error = excluded.rule_error, request_context = excluded.request_context,
            request_goal = excluded.request_goal, created_at = now()
    returning 1
),

freed as (
    update schedule_gates as g
    set run_id = null, run_slot_at = null
    from moved
    where
        g.schedule_id = any(array[moved.schedule_id]) and g.run_id is not distinct from moved.id
        and moved.state <> 'pending'
    returning g.schedule_id
)

select
    moved.id, moved.limited_by is not null or freed.schedule_id is not null and exists (
        select from runs as w
        where
            w.schedule_id = freed.schedule_id
            and w.state || '' = 'pending'
            and w.available_at = 'infinity'
            and w.finished_at is null
    ) as has_waiting,
    moved.state
from moved
left join freed on moved.schedule_id = freed.schedule_id
union all
select r.id, false as has_waiting, r.state
from given
cross join
    lateral (
        select q.id, q.state
        from runs as q
        where
            q.id = given.id and q.slot_at = given.slot_at and q.written_fence = given.fence and q.fence = given.fence
            and (q.state = given.state or given.state = 'pending' and q.state = 'cancelled')
        offset 0
    ) as r
where (select count(*) from moved) < cardinality(%(ids)s::uuid[])
