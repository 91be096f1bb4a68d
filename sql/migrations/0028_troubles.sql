-- What owners were told is kept without a lock on their schedules, ends with any success, and goes with history.

-- A worker that writes a death or a failed delivery holds its row; checking this key made it wait for whoever holds the
-- schedule, who waits for the run when they cancel it.
alter table troubles
-- squawk-ignore ban-drop-constraint
drop constraint troubles_tenant_id_schedule_id_fkey;

-- Also that a template fails: `which` is its id and its version, so that one that was mended is told of anew.
alter table troubles
-- squawk-ignore ban-drop-constraint
drop constraint troubles_what_check,
-- squawk-ignore constraint-missing-not-valid
add constraint troubles_what_check check (what in ('dead', 'undelivered', 'template'));

-- Whether a schedule's run succeeded since an instant, of a slot or later: what the schedule itself remembers outlives
-- history, and is behind by a second or two.
create function succeeded_since(of_schedule uuid, slot timestamptz, since timestamptz) returns boolean stable
language sql as $$
    select
        exists (select from schedules as s where s.id = of_schedule and s.last_run_at > since)
        or exists (
            select from runs as r
            where
                r.schedule_id = of_schedule and r.slot_at >= slot and r.origin in ('schedule', 'backfill')
                and r.state || '' = 'succeeded' and r.finished_at > since
        )
        or exists (
            select from runs as r
            where
                r.schedule_id = of_schedule and r.slot_at >= slot and r.origin not in ('schedule', 'backfill')
                and r.state || '' = 'succeeded' and r.finished_at > since
        )
$$;

-- The first death of a schedule since its last success is told; notices and webhooks have no schedule, and tell of nothing.
create or replace function tell_of_deaths() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    found_trouble record;
begin
    if not exists (select from deaths as d where d.schedule_id is not null) then
        return null;
    end if;
    for found_trouble in
        with told as (
            insert into troubles as t (tenant_id, what, which, schedule_id, slot_at)
            select d.tenant_id, 'dead', '', d.schedule_id, max(d.slot_at) from deaths as d
            where d.schedule_id is not null
            group by d.tenant_id, d.schedule_id
            -- In one order, so that two that write the same ones wait for each other and not in a ring.
            order by d.schedule_id
            on conflict (tenant_id, what, which, schedule_id) do update
            set
                slot_at = greatest(t.slot_at, excluded.slot_at),
                since = case when succeeded_since(t.schedule_id, t.slot_at, t.since) then now() else t.since end
            returning t.tenant_id, t.schedule_id, t.since = now() as is_new
        )
        select distinct on (told.schedule_id)
            told.tenant_id, told.schedule_id, s.name, d.id, d.run_id, d.slot_at, d.attempts, d.error, d.fence
        from told
        inner join schedules as s on s.tenant_id = told.tenant_id and s.id = told.schedule_id
        inner join deaths as d on d.schedule_id = told.schedule_id
        where told.is_new
        order by told.schedule_id, d.slot_at
    loop
        perform tell_owner(
            found_trouble.tenant_id, found_trouble.schedule_id, found_trouble.run_id, found_trouble.slot_at,
            'told:died:' || found_trouble.fence, found_trouble.name || ' failed',
            'The run of ' || found_trouble.name || ' for ' || rfc3339(found_trouble.slot_at) || ' died after '
            || found_trouble.attempts || ' attempts: ' || coalesce(found_trouble.error, 'no reason was given')
            || chr(10) || chr(10) || 'It is the dead letter ' || found_trouble.id || ', and can be replayed. Further '
            || 'runs that die are among the dead letters too; you are told again once one has succeeded in between.'
        );
    end loop;
    return null;
end $$;
