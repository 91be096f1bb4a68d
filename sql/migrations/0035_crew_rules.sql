-- What a crew's rule finds in an answer is an event like an alert's, and kept for as long as the answer is.

alter table crew_responses
-- Why the schedule's rule could not judge the answer.
add column rule_error text;

alter table alert_events
-- An event is of an alert or of a crew's answer; whoever reads events asks for one alert's.
-- squawk-ignore ban-drop-not-null
alter column alert_id drop not null,
add column response_id uuid,
-- The crew's run, which tells of all its events at its end.
add column crew_run_id uuid,
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
add constraint alert_events_response foreign key (tenant_id, response_id)
references crew_responses (tenant_id, id) on delete cascade,
-- squawk-ignore constraint-missing-not-valid
add constraint alert_events_of_one check (num_nonnulls(alert_id, response_id) = 1);

-- squawk-ignore require-concurrent-index-creation
create unique index alert_events_one_per_response on alert_events (tenant_id, response_id)
where response_id is not null;
-- squawk-ignore require-concurrent-index-creation
create index alert_events_of_crew on alert_events (tenant_id, crew_run_id, segment) where crew_run_id is not null;

-- Each match is a move of its own, for the next slot asks anew: from ok to firing, of the user as its segment.
create function note_crew_matches() returns trigger language plpgsql
security definer set search_path = public, pg_temp as $$
begin
    insert into alert_events (
        tenant_id, response_id, crew_run_id, segment, slot_at, run_id, previous_state, state, value, reason
    )
    select
        m.tenant_id, m.id, r.parent_run_id, m.user_uid, m.slot_at, m.run_id, 'ok', 'firing',
        case when jsonb_typeof(m.matched) = 'number' then (m.matched #>> '{}')::numeric end,
        left(m.matched::text, 1000)
    from moved as m
    inner join runs as r on m.run_id = r.id and m.slot_at = r.slot_at
    where m.matched is not null
    on conflict do nothing;
    return null;
end $$;

create trigger crew_responses_note_new after insert on crew_responses
referencing new table as moved for each statement execute function note_crew_matches();
create trigger crew_responses_note_changed after update on crew_responses
referencing new table as moved for each statement execute function note_crew_matches();
