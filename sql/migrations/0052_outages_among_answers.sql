-- Users whose calls fail while others of their slot are answered are no outage.

alter table limits
-- When the endpoint first answered in the newest slot of which it answered anybody.
add column answered_at timestamptz;

create or replace function tell_of_circuit(
    tenant uuid, about uuid, endpoint uuid, is_open boolean, since timestamptz, error text
) returns boolean language plpgsql as $$
declare
    name text := (select e.name from crew_endpoints as e where e.tenant_id = tenant and e.id = endpoint);
begin
    perform tell_owner(
        tenant, about, null, null, null,
        'The crew endpoint ' || name || case when is_open then ' gives no answer' else ' answers again' end,
        case
            when is_open then 'The crew endpoint ' || name || ' gives no answer: ' || coalesce(error, 'its calls fail')
                || chr(10) || chr(10) || 'Its calls wait until it does: none of them is lost. None counts as an attempt '
                || 'for a day, or for ten minutes where others of the same slot were answered before. You are told when '
                || 'it answers again.'
            else 'The crew endpoint ' || name || ' gave no answer since ' || rfc3339(since)
                || ' and answers again. The calls that waited go on.'
        end
    );
    return true;
end $$;
