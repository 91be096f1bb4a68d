-- The zones in which Postgres reads one of the instants with another offset from UTC than given; every zone must be
-- known to it.
select g.zone
from unnest(%(zones)s::text[], %(instants)s::timestamptz[], %(offsets)s::integer[]) as g (zone, instant, utc_offset)
where extract(epoch from (g.instant at time zone g.zone) - (g.instant at time zone 'UTC'))::integer <> g.utc_offset
group by g.zone
order by g.zone
