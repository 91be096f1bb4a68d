-- A run that began something elsewhere, such as a crew's kickoff, keeps its place under its limits until that is over;
-- and the owner of a crew is told once that it brings hardly anything.

-- Whether it counts under its limits also while it is pending, and goes before those that have begun nothing.
alter table runs add column keeps_place boolean not null default false;

-- Those that wait, which are few: they are counted and found without a look at all others under the same limits.
-- squawk-ignore require-concurrent-index-creation
create index runs_keeping_place on runs (tenant_id, queue, limited_by, available_at, id)
where keeps_place and released_at is null and finished_at is null;

alter table troubles
-- squawk-ignore ban-drop-constraint
drop constraint troubles_what_check,
-- squawk-ignore constraint-missing-not-valid
add constraint troubles_what_check check (what in ('dead', 'undelivered', 'template', 'crew'));
