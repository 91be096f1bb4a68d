-- Counts what calls to endpoints came to, and opens and closes their circuits; tells the owner of a crew once when one
-- opens and once when it closes. Of those that failed the telling ones count, which may be the endpoint's fault. Open:
-- five of these, of as many users as are needed, with no answer between, or a strain of
-- twenty (each failure adds one, each answer takes a quarter away, and two thirds of it wear off in a minute). What is
-- refused among answers is its user's fault, so it is no strain, and ten in a row are wanted: at five, an endpoint that
-- refuses half of all users would be open every thirty calls. While it is open one call tries at a time, seldom and
-- then more seldom. That somebody was answered is written once for each crew: all calls of an endpoint share its row.
-- Answers the endpoints, and for how many seconds their circuits have been open. Locks: the limits in their order.
-- Index: limits' key.
with
given as (
    select
        g.tenant_id, 'endpoint:' || g.endpoint_id as name, g.endpoint_id, g.schedule_id, g.answered, g.failed,
        g.telling, g.telling - g.refused as strain, g.error, g.failing::uuid[] as failing, g.needed,
        case when g.answered > 0 then g.began_at end as began_at
    from unnest(
        %(tenant_ids)s::uuid[], %(endpoint_ids)s::uuid[], %(schedule_ids)s::uuid[], %(answered)s::bigint[],
        %(failed)s::bigint[], %(telling)s::bigint[], %(refused)s::bigint[], %(errors)s::text[], %(failing)s::text[],
        %(needed)s::integer[], %(began_at)s::timestamptz[]
    ) as g (tenant_id, endpoint_id, schedule_id, answered, failed, telling, refused, error, failing, needed, began_at)
),

held as (
    select
        l.id, l.tenant_id, l.name, l.failed_in_row, l.failing,
        l.strain * exp(least(0, extract(epoch from l.strained_at - now()))::float8 / 60) as strain,
        l.open_since,
        l.open_until,
        l.probes,
        l.told_at,
        l.is_told,
        l.answered_at
    from limits as l
    where
        (l.tenant_id, l.name) in (select g.tenant_id, g.name from given as g)
    order by l.tenant_id, l.name
    for update
),

judged as (
    select
        h.id, h.open_since, h.is_told, h.probes, g.endpoint_id, g.tenant_id, g.schedule_id, g.error,
        case when g.answered > 0 then 0 else h.failed_in_row + g.telling end as failed_in_row,
        case when g.answered > 0 then '{}' else users.failing end as failing,
        greatest(0, coalesce(h.strain, 0) + g.strain - g.answered * 0.25) as strain,
        h.open_since is not null and g.answered > 0 and h.open_until <= now() as closes,
        h.open_since is not null and g.answered = 0 and g.failed > 0 and h.open_until <= now() as stays,
        h.open_since is null
        and (
            g.answered = 0 and h.failed_in_row + g.telling >= case when g.strain > 0 then 5 else 10 end
            and g.telling > 0 and cardinality(users.failing) >= g.needed
            or g.strain > 0 and coalesce(h.strain, 0) + g.strain - g.answered * 0.25 >= 20
        ) as opens,
        h.told_at is null or h.told_at < now() - interval '15 minutes' as may_tell,
        g.began_at is not null and coalesce(h.answered_at < g.began_at, true) as is_first_answer
    from held as h
    inner join given as g on h.tenant_id = g.tenant_id and h.name = g.name
    cross join
        lateral (
            select coalesce((array_agg(distinct u.id))[:5], '{}') as failing
            from unnest(h.failing || g.failing) as u (id)
        ) as users
    where
        g.telling > 0 or h.failed_in_row > 0 or h.strain > 0 or h.open_since is not null
        or g.began_at is not null and coalesce(h.answered_at < g.began_at, true)
),

-- Where there is nobody to tell it stays untold, and is told by whoever tries then.
telling as (
    select
        j.*, (j.opens or j.stays and not j.is_told) and j.may_tell and has_owner(j.tenant_id) as tells_open
    from judged as j
),

written as (
    update limits as l
    set
        failed_in_row = case when j.closes then 0 else j.failed_in_row end,
        failing = case when j.closes then '{}' else j.failing end,
        strain = case when j.closes then 0 else least(j.strain, 20) end,
        strained_at = now(),
        answered_at = case when j.is_first_answer then now() else l.answered_at end,
        open_since = case when j.closes then null when j.opens then now() else l.open_since end,
        open_until = case
            when j.closes then null
            when j.opens then now() + interval '2 seconds'
            when j.stays then now() + make_interval(secs => least(30, 4 * 2 ^ least(j.probes, 10)))
            else l.open_until
        end,
        probes = case when j.closes or j.opens then 0 when j.stays then j.probes + 1 else j.probes end,
        told_at = case when j.tells_open then now() else l.told_at end,
        is_told = case when j.closes then false when j.opens then j.tells_open else l.is_told or j.tells_open end
    from telling as j
    where l.id = j.id
    returning
        l.open_since, j.endpoint_id, j.tenant_id, j.schedule_id, j.error, j.tells_open,
        j.closes and j.is_told as tells_closed, j.open_since as was_open_since
)

select
    w.endpoint_id, extract(epoch from now() - w.open_since)::float8 as open_seconds,
    case
        when w.tells_open then tell_of_circuit(w.tenant_id, w.schedule_id, w.endpoint_id, true, null, w.error)
        when w.tells_closed
            then tell_of_circuit(w.tenant_id, w.schedule_id, w.endpoint_id, false, w.was_open_since, null)
        else false
    end as is_told
from written as w
