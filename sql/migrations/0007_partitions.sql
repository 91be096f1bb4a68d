-- Weekly partitions of runs and of everything that belongs to a run.

create function partitioned_tables() returns text[] immutable language sql as $$
    select array['runs', 'run_attempts', 'run_steps', 'run_logs', 'dead_letters', 'delivery_bodies', 'deliveries',
        'run_history', 'delivery_history']
$$;

-- Makes the partitions of every week from first_at to last_at; returns how many tables it made.
-- Attaching locks the parent against schema changes only, so work goes on meanwhile. The limit on waiting is for all
-- who would queue behind us.
create function make_partitions(first_at timestamptz, last_at timestamptz) returns integer
language plpgsql set lock_timeout to '5s' as $$
declare
    made integer := 0;
    week timestamp := date_trunc('week', first_at at time zone 'UTC');
    parent text;
    part text;
begin
    perform pg_advisory_xact_lock(hashtext('tocsin.partitions'));
    while week <= last_at at time zone 'UTC' loop
        foreach parent in array partitioned_tables() loop
            part := parent || '_' || to_char(week, 'YYYYMMDD');
            if to_regclass(part) is null then
                -- Half a page of runs is left free for the versions that their starts write beside them.
                execute format(
                    'create table %I (like %I including defaults including constraints) with (fillfactor = %s, '
                    'autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0)', part, parent,
                    case when parent = 'runs' then 50 else 80 end);
                execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part,
                    week at time zone 'UTC', (week + interval '7 days') at time zone 'UTC');
                execute format('analyze %I', part);
                made := made + 1;
            end if;
        end loop;
        week := week + interval '7 days';
    end loop;
    return made;
end $$;

-- Drops the partitions of the weeks that ended before cutoff, a week at a time, never one with an open run or a
-- delivery that is not settled; returns the names of the weeks dropped.
create function drop_partitions(cutoff timestamptz) returns text[]
language plpgsql set lock_timeout to '2s' as $$
declare
    dropped text[] := '{}';
    part text;
    week text;
    is_busy boolean;
begin
    perform pg_advisory_xact_lock(hashtext('tocsin.partitions'));
    for part in
        select c.relname from pg_inherits as i inner join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'runs'::regclass order by c.relname
    loop
        week := right(part, 8);
        continue when to_date(week, 'YYYYMMDD') + 7 > (cutoff at time zone 'UTC')::date;
        execute format(
            'select exists (select from %I where state in (''pending'', ''queued'', ''running'')) '
            'or exists (select from %I where state in (''pending'', ''sending''))',
            part, 'deliveries_' || week) into is_busy;
        continue when is_busy;
        for part in select t || '_' || week from unnest(partitioned_tables()) as t loop
            execute format('drop table %I', part);
        end loop;
        dropped := dropped || week;
    end loop;
    return dropped;
end $$;

select make_partitions(now() - interval '7 days', now() + interval '28 days');
