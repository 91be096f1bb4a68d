-- A dead letter of a run that another run made names that one, its own item and its maker's schedule. An open circuit's
-- notice is kept until there is somebody to tell.

alter table dead_letters
add column parent_run_id uuid,
add column item_key text;

-- Whoever writes the death need not know it, so a worker of the release before names them too.
create function name_maker() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
begin
    select r.parent_run_id, r.item_key, p.schedule_id into new.parent_run_id, new.item_key, new.schedule_id
    from runs as r
    left join runs as p on p.id = r.parent_run_id and p.slot_at = r.slot_at and p.slot_at = new.slot_at
    where r.id = new.run_id and r.slot_at = new.slot_at;
    return new;
end $$;

create trigger dead_letters_name_maker before insert on dead_letters for each row
when (new.schedule_id is null) execute function name_maker();

-- Letters are few beside runs, so each looks up its own.
update dead_letters as d
set parent_run_id = m.parent_run_id, item_key = m.item_key, schedule_id = m.schedule_id
from (
    select l.id, l.slot_at, r.parent_run_id, r.item_key, r.schedule_id
    from dead_letters as l
    cross join lateral (
        select c.parent_run_id, c.item_key, p.schedule_id
        from runs as c
        left join runs as p on p.id = c.parent_run_id and p.slot_at = c.slot_at and p.slot_at = l.slot_at
        where c.id = l.run_id and c.slot_at = l.slot_at and c.parent_run_id is not null
        offset 0
    ) as r
    where l.schedule_id is null
) as m
where d.id = m.id and d.slot_at = m.slot_at;

-- The first death of a schedule since its last success is told; what its runs made tells of nothing: whoever made it does.
create or replace function tell_of_deaths() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    found_trouble record;
begin
    if not exists (select from deaths as d where d.schedule_id is not null and d.parent_run_id is null) then
        return null;
    end if;
    for found_trouble in
        with told as (
            insert into troubles as t (tenant_id, what, which, schedule_id, slot_at)
            select d.tenant_id, 'dead', '', d.schedule_id, max(d.slot_at) from deaths as d
            where d.schedule_id is not null and d.parent_run_id is null
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
        inner join deaths as d on d.schedule_id = told.schedule_id and d.parent_run_id is null
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

-- Whether anybody can be told of what goes wrong.
create function has_owner(tenant uuid) returns boolean stable language sql as $$
    select
        exists (select from members as m where m.tenant_id = tenant and m.disabled_at is null)
        or exists (select from tenants as t where t.id = tenant and t.settings ? 'noticesTo')
$$;

create or replace function tell_owner(
    tenant uuid, about uuid, parent uuid, slot timestamptz, key text, subject text, message text,
    more jsonb default '{}'
) returns void language plpgsql as $$
declare
    at timestamptz := coalesce(slot, date_trunc('milliseconds', now()));
begin
    if not has_owner(tenant) then
        return;
    end if;
    insert into runs (
        id, slot_at, tenant_id, parent_run_id, item_key, kind, queue, origin, state, fence, max_attempts, available_at,
        released_at, params
    )
    values (
        case when parent is null then id_at(at) else id_beside(parent) end, at, tenant, parent, key, 'notice.mail',
        'alerts', 'system', 'queued', 1, 10, now(), now(),
        jsonb_strip_nulls(jsonb_build_object('subject', subject, 'text', message, 'scheduleId', about)) || more
    )
    on conflict do nothing;
end $$;
