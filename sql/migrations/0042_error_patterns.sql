-- Dead letters that died of the same are found together: each keeps its error with the numbers and ids taken out.
-- The table is rewritten, at some 20 us a letter; deaths wait meanwhile. A stored column, since under row-level security
-- an index on the function itself would not be used, and 10,000 patterns made while somebody waits take 100 ms.

-- An error as all errors of its sort read: what holds a digit is #, any white space one blank; `-` where nothing was said.
create function error_pattern(error text) returns text immutable language sql as $$
    select coalesce(nullif(btrim(left(regexp_replace(regexp_replace(
        left(error, 500),
        '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\w*\d\w*([-:]\w+|\.\w*\d\w*)*', '#', 'g'),
        '\s+', ' ', 'g'), 200)), ''), '-')
$$;

-- A new week's part takes over what is generated, or it could not be attached.
create or replace function make_partitions(first_at timestamptz, last_at timestamptz) returns integer
language plpgsql security definer set lock_timeout to '5s' set search_path = public, pg_temp as $$
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
                    'create table %I (like %I including defaults including constraints including generated) '
                    'with (fillfactor = %s, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0)',
                    part, parent, case when parent = 'runs' then 50 else 80 end);
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

-- squawk-ignore adding-field-with-default
alter table dead_letters add column error_pattern text generated always as (error_pattern(error)) stored;

-- squawk-ignore require-concurrent-index-creation
create index dead_letters_alike on dead_letters (tenant_id, error_pattern, created_at) where state = 'open';
